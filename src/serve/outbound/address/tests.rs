//! What is an address of the public network, and what is not, in all spellings.

use super::*;
use crate::serve::outbound::FakeNames;

const NOT_PUBLIC: &[&str] = &[
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "100.127.255.255",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::8.8.8.8",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001::1",
    "2001:0:53aa:64c:0:7b00:80ff:fffe",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "2001:1ff::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2002:808:808::1",
    "2600::5efe:10.0.0.1",
    "2600::200:5efe:127.0.0.1",
    "3fff::1",
    "3fff:fff:ffff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fdff::1",
    "fe80::1",
    "febf::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
];
const PUBLIC: &[&str] = &[
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.1",
    "100.63.255.255",
    "100.128.0.1",
    "168.63.129.17",
    "169.253.255.255",
    "172.15.255.255",
    "172.32.0.1",
    "192.0.1.1",
    "192.167.255.255",
    "198.17.255.255",
    "198.20.0.1",
    "223.255.255.255",
    "2001:200::1",
    "2001:4860:4860::8888",
    "2606:4700::1111",
    "2a00::1",
    "3fff:1000::1",
];

#[test]
fn numbers_are_public_or_not() {
    for number in NOT_PUBLIC {
        assert!(!is_public(number.parse().unwrap()), "{number}");
    }
    for number in PUBLIC {
        assert!(is_public(number.parse().unwrap()), "{number}");
    }
}

fn rules(hosts: &[&str], ports: &[u16]) -> Rules {
    Rules {
        hosts: hosts.iter().map(|host| host.parse().unwrap()).collect(),
        ports: ports.to_vec(),
        is_reachable: is_public,
    }
}

#[test]
fn addresses_are_refused_as_they_are_written() {
    let rules = rules(&[], &[80, 443]);
    let check = |address: &str| rules.target(address).map(|target| target.host);
    for number in NOT_PUBLIC {
        let host = match number.contains(':') {
            true => format!("[{number}]"),
            false => number.to_string(),
        };
        let refused = check(&format!("http://{host}/"));
        assert_eq!(refused, Err(Refusal::NotPublic), "{number}");
    }
    for (address, refusal) in [
        ("file:///etc/passwd", Refusal::Scheme),
        ("ftp://example.org/a", Refusal::Scheme),
        ("gopher://example.org:80/_x", Refusal::Scheme),
        ("data:text/plain,x", Refusal::Scheme),
        ("javascript:x", Refusal::Scheme),
        ("unix:/var/run/docker.sock", Refusal::Scheme),
        ("example.org", Refusal::NoAddress),
        ("", Refusal::NoAddress),
        ("http://", Refusal::NoAddress),
        ("http:///etc", Refusal::NoAddress),
        ("http://?x", Refusal::NoAddress),
        ("http://a b/", Refusal::NoAddress),
        ("http://exa\u{e4}mple.org/", Refusal::NoAddress),
        // A circled digit is no digit.
        ("http://\u{2460}27.0.0.1/", Refusal::NoAddress),
        ("http://example.org\\@127.0.0.1/", Refusal::NoAddress),
        ("http://127.0.0.1\\.example.org/", Refusal::NoAddress),
        ("http://me@example.org/", Refusal::Credentials),
        ("http://example.org@127.0.0.1/", Refusal::Credentials),
        ("http://example.org:80@127.0.0.1/", Refusal::Credentials),
        ("http://:pw@example.org/", Refusal::Credentials),
        ("http://example.org:22/", Refusal::Port(22)),
        ("http://example.org:6379/", Refusal::Port(6379)),
        ("https://example.org:8443/", Refusal::Port(8443)),
        ("http://example.org:/", Refusal::NoAddress),
        ("http://example.org:0/", Refusal::NoAddress),
        ("http://example.org:99999/", Refusal::NoAddress),
        ("http://example.org:+80/", Refusal::NoAddress),
        ("http://example.org:80:22/", Refusal::NoAddress),
        ("http://[2606:4700::1]x:80/", Refusal::NoAddress),
        ("http://localhost/", Refusal::NotPublic),
        ("http://LOCALHOST./", Refusal::NotPublic),
        ("http://a.localhost/", Refusal::NotPublic),
        ("http://printer.local/", Refusal::NotPublic),
        ("http://metadata.google.internal/", Refusal::NotPublic),
        ("http://metadata.google.internal./", Refusal::NotPublic),
        (
            "http://kubernetes.default.svc.cluster.local",
            Refusal::NotPublic,
        ),
        ("http://intranet/", Refusal::NotPublic),
        ("http://router.home.arpa/", Refusal::NotPublic),
        // What the system takes for 127.0.0.1.
        ("http://127.1/", Refusal::NoAddress),
        ("http://2130706433/", Refusal::NoAddress),
        ("http://0x7f000001/", Refusal::NoAddress),
        ("http://0x7f.0.0.1/", Refusal::NoAddress),
        ("http://0177.0.0.1/", Refusal::NoAddress),
        ("http://127.0.0.0x1/", Refusal::NoAddress),
        ("http://127.0.0.1.", Refusal::NotPublic),
        ("http://1.2.3.4.5/", Refusal::NoAddress),
        ("http://[::1%25eth0]/", Refusal::NoAddress),
        ("http://[::ffff:7f00:1]:80/", Refusal::NotPublic),
        ("http://[0:0:0:0:0:ffff:127.0.0.1]/", Refusal::NotPublic),
        ("http://example..org/", Refusal::NoAddress),
        ("http://exam%70le.org/", Refusal::NoAddress),
    ] {
        assert_eq!(check(address), Err(refusal), "{address}");
    }
    for (address, host) in [
        ("http://example.org", "example.org"),
        ("HTTPS://Example.ORG:443/a?b#c", "example.org"),
        ("https://example.org./a", "example.org"),
        ("http://8.8.8.8/", "8.8.8.8"),
        ("http://[2606:4700:0::1111]:80/", "[2606:4700::1111]"),
        (
            "http://a_b.example.org/\u{e4} \"<x>.pdf?q=\u{fc}",
            "a_b.example.org",
        ),
        ("http://localhost.example.org/", "localhost.example.org"),
        ("http://0x7f.example.org/", "0x7f.example.org"),
    ] {
        assert_eq!(check(address).as_deref(), Ok(host), "{address}");
    }
    let long = format!("http://example.org/{}", "a".repeat(MOST_ADDRESS));
    assert_eq!(check(&long), Err(Refusal::NoAddress));
}

#[test]
fn lists_of_hosts_narrow() {
    let listed = rules(
        &[
            "example.org",
            "*.Sub.example.net",
            "odd.example:8443",
            "127.0.0.1",
        ],
        &[80, 443],
    );
    let check = |address: &str| listed.target(address).map(drop);
    for address in [
        "http://example.org/",
        "https://EXAMPLE.org./",
        "http://a.sub.example.net/",
        "http://a.b.sub.example.net/",
        "https://odd.example:8443/",
    ] {
        assert_eq!(check(address), Ok(()), "{address}");
    }
    for address in [
        "http://www.example.org/",
        "http://sub.example.net/",
        "http://xsub.example.net/",
        "http://example.org.evil.test/",
        "http://evil.test/example.org",
    ] {
        assert_eq!(check(address), Err(Refusal::NotListed), "{address}");
    }
    assert_eq!(check("https://odd.example/"), Err(Refusal::Port(443)));
    assert_eq!(check("http://example.org:8443/"), Err(Refusal::Port(8443)));
    // A list opens nothing that is not public.
    assert_eq!(check("http://127.0.0.1/"), Err(Refusal::NotPublic));
    let all = rules(&["*"], &[0]);
    assert_eq!(all.target("http://a.example:7").map(drop), Ok(()));
    for wrong in [
        "", "*.", "a b", "http://a", "a:0", "a:x", "*x.org", "a*", "a/b", "[::1",
    ] {
        assert!(wrong.parse::<HostPattern>().is_err(), "{wrong}");
    }
    assert!("[::1]:80".parse::<HostPattern>().is_ok());
}

#[test]
fn a_name_with_any_private_number_is_refused() {
    let rules = Arc::new(rules(&[], &[0]));
    for numbers in [
        &["127.0.0.1:80"][..],
        &["8.8.8.8:80", "10.0.0.1:80"],
        &["[2606:4700::1]:80", "[::ffff:169.254.169.254]:80"],
    ] {
        let numbers = numbers.iter().map(|number| number.parse().unwrap());
        let agent = rules.agent_with(FakeNames::new(vec![numbers.collect()]));
        let error = agent.get("http://example.org/").call().unwrap_err();
        assert_eq!(refusal_of(&error), Some(Refusal::NotPublic), "{error}");
    }
}

#[test]
fn unknown_names_and_private_ones_are_told_alike() {
    let rules = Arc::new(rules(&[], &[0]));
    let error = rules
        .agent()
        .get("http://none.invalid/")
        .call()
        .unwrap_err();
    assert_eq!(refusal_of(&error), Some(Refusal::NotPublic), "{error}");
}

#[test]
fn this_machines_own_numbers_are_known() {
    assert!(is_own("127.0.0.1:80".parse().unwrap()));
    assert!(!is_own("8.8.8.8:80".parse().unwrap()));
}
