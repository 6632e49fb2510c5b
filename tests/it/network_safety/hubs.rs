//! Hubs of models: the token goes to its hub only, and files end where the hub said.

use super::super::http::{Request, say};
use super::super::support::{Folder, Ran};
use super::{Asked, bomb, listing, recording};
use serde_json::json;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};

/// A hub of one small model. `file` answers for its files.
fn hub(
    size: usize,
    file: impl Fn(&Request, &mut TcpStream) + Send + Sync + 'static,
) -> (SocketAddr, Asked) {
    recording(move |_, request, stream| {
        let path = request.path.split('?').next().unwrap();
        if path.starts_with("/api/v1/models/") {
            let file = |path: &str| json!({"Path": path, "Size": size, "Type": "blob"});
            let files = [file("config.json"), file("model.safetensors")];
            say(
                stream,
                200,
                "",
                json!({"Data": {"Files": files}}).to_string().as_bytes(),
            );
        } else if path.starts_with("/api/models/") {
            let file = |path: &str| json!({"rfilename": path, "size": size});
            let files = [file("config.json"), file("model.safetensors")];
            let sha = "0123456789abcdef0123456789abcdef01234567";
            say(
                stream,
                200,
                "",
                json!({"sha": sha, "siblings": files})
                    .to_string()
                    .as_bytes(),
            );
        } else {
            file(request, stream);
        }
        true
    })
}

pub(super) fn pull(folder: &Folder, flags: &[&str], environment: &[(&str, &str)]) -> Ran {
    let home = folder.path().display().to_string();
    let base = [
        ("HOME", home.as_str()),
        ("XDG_DATA_HOME", ""),
        ("HF_TOKEN", "hf_SECRET"),
    ];
    folder.run_with(
        &[&["models", "pull", "UVDoc"][..], flags].concat(),
        &[&base[..], environment].concat(),
        "",
    )
}

fn secrets(asked: &Asked) -> Vec<String> {
    let asked = asked.lock().unwrap();
    let told = |request: &Request| format!("{:?}", request.headers).contains("SECRET");
    asked
        .iter()
        .filter(|request| told(request))
        .map(|request| request.path.clone())
        .collect()
}

#[test]
fn the_token_goes_to_its_hub_and_to_nobody_else() {
    // Its own files lie at another port, which sends back to the hub.
    let back = Arc::<Mutex<String>>::default();
    let to = back.clone();
    let (other, other_asked) = recording(move |_, request, stream| {
        let location = format!(
            "Location: http://{}/back{}\r\n",
            to.lock().unwrap(),
            request.path
        );
        say(stream, 302, &location, b"");
        true
    });
    let (own, own_asked) = hub(5, move |request, stream| {
        if request.path.starts_with("/back") {
            return say(stream, 200, "", b"bytes");
        }
        match request.path.ends_with("config.json") {
            // Also at the same place.
            true if !request.path.starts_with("/here") => say(
                stream,
                307,
                &format!("Location: /here{}\r\n", request.path),
                b"",
            ),
            true => say(stream, 200, "", b"{   }"),
            false => say(
                stream,
                302,
                &format!("Location: http://{other}{}\r\n", request.path),
                b"",
            ),
        }
    });
    *back.lock().unwrap() = own.to_string();
    let folder = Folder::new();
    pull(&folder, &[], &[("HF_ENDPOINT", &format!("http://{own}"))]).expect(0);
    let count = other_asked.lock().unwrap().len();
    assert_eq!((count, secrets(&other_asked).len()), (1, 0));
    let told = secrets(&own_asked);
    assert!(
        told.iter().any(|path| path.starts_with("/api/models")),
        "{told:?}"
    );
    assert!(
        told.iter().any(|path| path.ends_with("/config.json")),
        "{told:?}"
    );
    assert!(
        !told
            .iter()
            .any(|path| path.starts_with("/here") || path.starts_with("/back")),
        "{told:?}"
    );
    // The same machine by another name is another host.
    let (named, named_asked) = hub(5, move |request, stream| {
        let location = format!(
            "Location: http://localhost:{}/here{}\r\n",
            own.port(),
            request.path
        );
        say(stream, 302, &location, b"");
    });
    own_asked.lock().unwrap().clear();
    pull(
        &Folder::new(),
        &[],
        &[("HF_ENDPOINT", &format!("http://{named}"))],
    );
    assert!(!secrets(&named_asked).is_empty());
    assert!(!own_asked.lock().unwrap().is_empty() && secrets(&own_asked).is_empty());
    // Other hubs, and folders.
    let (scope, scope_asked) = hub(5, |_, stream| say(stream, 200, "", b"bytes"));
    let folder = Folder::new();
    let url = format!("http://{scope}");
    let ran = pull(
        &folder,
        &["--source", "modelscope"],
        &[("MODELSCOPE_ENDPOINT", &url)],
    );
    assert_eq!(ran.expect(0).code, 0);
    pull(&folder, &["--source", &url], &[]).expect(0);
    assert!(scope_asked.lock().unwrap().len() >= 5 && secrets(&scope_asked).is_empty());
}

#[test]
fn a_token_is_not_sent_without_encryption() {
    // Nobody is asked: the name stands for no machine.
    let ran = pull(
        &Folder::new(),
        &[],
        &[("HF_ENDPOINT", "http://hub.invalid")],
    )
    .expect(1);
    assert!(
        ran.stderr
            .contains("HF_TOKEN is not sent to `http://hub.invalid`"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_file_of_a_hub_ends_where_it_said() {
    let (own, _) = hub(16, |_, stream| {
        say(stream, 200, "Content-Encoding: gzip\r\n", &bomb(64 << 20))
    });
    let folder = Folder::new();
    let ran = pull(&folder, &[], &[("HF_ENDPOINT", &format!("http://{own}"))]).expect(1);
    assert!(
        ran.stderr
            .contains("more comes than the 16 bytes that the hub says"),
        "{}",
        ran.stderr
    );
    let store = folder.path().join(".local/share/docparse/models");
    for path in listing(&store).into_iter().filter(|path| path.is_file()) {
        assert!(path.metadata().unwrap().len() <= 16, "{}", path.display());
    }
    // A list.
    let (own, asked) = recording(|_, _, stream| {
        say(stream, 200, "Content-Encoding: gzip\r\n", &bomb(64 << 20));
        true
    });
    let ran = pull(
        &Folder::new(),
        &[],
        &[("HF_ENDPOINT", &format!("http://{own}"))],
    )
    .expect(1);
    assert!(
        ran.stderr.contains("longer than 16777216 bytes"),
        "{}",
        ran.stderr
    );
    assert_eq!(asked.lock().unwrap().len(), 1);
}
