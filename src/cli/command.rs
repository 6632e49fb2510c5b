//! The parts of the clap command that the types in `args` cannot express: environment variables, and
//! spellings of flags.

use super::args::Cli;
use super::values::{LogFormat, parse_bool};
use crate::config::parameters::parameter;
use crate::net::is_address;
use clap::builder::BoolishValueParser;
use clap::builder::ValueRange;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Flags that cannot be set in the environment.
const NOT_IN_ENVIRONMENT: [&str; 5] = ["help", "version", "input", "files-from", "null"];

/// The command with an environment variable `DOCPARSE_<FLAG>` for every flag of parsing.
pub(super) fn command() -> Command {
    let with_environment = |command: Command| {
        command.mut_args(|arg: Arg| match arg.get_long().map(str::to_string) {
            Some(long) if !NOT_IN_ENVIRONMENT.contains(&long.as_str()) => {
                let list = matches!(arg.get_action(), ArgAction::Append);
                // In a variable, switches also accept 1 and yes.
                let arg = match arg.get_action() {
                    ArgAction::SetTrue => arg.value_parser(BoolishValueParser::new()),
                    _ => arg,
                };
                let arg = arg.env(variable(&long)).hide_env(true);
                // Several values in one variable are separated by commas.
                if list { arg.value_delimiter(',') } else { arg }
            }
            _ => arg,
        })
    };
    // The folder of libraries applies to all subcommands.
    let with_folder = |command: Command| {
        command.mut_arg("runtime_dir", |arg| {
            arg.env("DOCPARSE_RUNTIME_DIR").hide_env(true)
        })
    };
    with_environment(Cli::command())
        .mut_subcommand("doc_parser", with_environment)
        .mut_subcommand("serve", with_environment)
        .mut_subcommand("bench", with_folder)
        .mut_subcommand("doctor", with_folder)
        .mut_subcommand("golden", with_folder)
        .mut_subcommand("parity", with_folder)
}

/// The environment variable of a flag.
fn variable(flag: &str) -> String {
    let variable = |name: &str| format!("DOCPARSE_{}", name.replace('-', "_").to_uppercase());
    let is_set = |name: &str| std::env::var_os(name).is_some();
    let (name, parameter) = (variable(flag), parameter(&flag.replace('-', "_")));
    // The flag's former name.
    let old = parameter
        .and_then(|parameter| parameter.alias)
        .map(variable);
    old.filter(|old| !is_set(&name) && is_set(old))
        .unwrap_or(name)
}

/// The inputs of a run in command line order, with `-i` and without.
pub(super) fn inputs_in_order(matches: &ArgMatches) -> Vec<OsString> {
    let of = |id: &str| {
        let values = matches
            .get_many::<OsString>(id)
            .into_iter()
            .flatten()
            .cloned();
        matches
            .indices_of(id)
            .into_iter()
            .flatten()
            .zip(values)
            .collect::<Vec<_>>()
    };
    let mut inputs = [of("input"), of("files")].concat();
    inputs.sort_by_key(|(place, _)| *place);
    inputs.into_iter().map(|(_, input)| input).collect()
}

/// The message format in arguments or environment, found without a full parse.
pub(super) fn log_format(arguments: &[OsString]) -> LogFormat {
    let mut value = std::env::var_os("DOCPARSE_LOG_FORMAT");
    let mut arguments = arguments
        .iter()
        .take_while(|a| *a != "--")
        .filter_map(|a| a.to_str());
    while let Some(argument) = arguments.next() {
        let (name, given) = argument
            .split_once('=')
            .map_or((argument, None), |(n, v)| (n, Some(v)));
        let name = name.replace('_', "-");
        if name.len() > "--lo".len() && "--log-format".starts_with(&name) {
            value = given.or_else(|| arguments.next()).map(OsString::from);
        }
    }
    if value.is_some_and(|value| value == "json") {
        LogFormat::Json
    } else {
        LogFormat::Text
    }
}

/// Arguments with their flags spelled out: underscores become hyphens, unambiguous prefixes are completed.
///
/// Values are left unchanged, whatever bytes they contain. An ambiguous prefix is an error that names the
/// candidates. A switch with an optional value has none if an input follows.
pub(super) fn spell_out(
    arguments: Vec<OsString>,
    command: &Command,
) -> Result<Vec<OsString>, String> {
    let flags: Vec<String> = long_flags(command, |_| true);
    let switches = long_flags(command, |arg| {
        arg.get_num_args() == Some(ValueRange::new(0..=1))
    });
    let mut out = Vec::with_capacity(arguments.len());
    let mut only_values = false;
    let mut arguments = arguments.into_iter().peekable();
    while let Some(argument) = arguments.next() {
        only_values |= argument == "--";
        let body = argument
            .as_bytes()
            .strip_prefix(b"--")
            .filter(|b| !b.is_empty() && !only_values);
        let end = |body: &[u8]| body.iter().position(|b| *b == b'=').unwrap_or(body.len());
        let parts = body.map(|body| body.split_at(end(body)));
        // A name that is not UTF-8 is no known flag: clap reports it.
        let Some((Ok(name), value)) = parts.map(|(name, value)| (str::from_utf8(name), value))
        else {
            out.push(argument);
            continue;
        };
        let name = name.replace('_', "-");
        let full = if flags.contains(&name) {
            name
        } else {
            let candidates: Vec<&String> = flags.iter().filter(|f| f.starts_with(&name)).collect();
            match candidates.as_slice() {
                [one] => one.to_string(),
                [] => name, // clap says that it does not know it, and what is like it
                several => {
                    let list: Vec<String> = several.iter().map(|f| format!("--{f}")).collect();
                    return Err(format!("`--{name}` could be any of {}", list.join(", ")));
                }
            }
        };
        let mut spelled = OsString::from(format!("--{full}"));
        spelled.push(OsStr::from_bytes(value));
        if value.is_empty()
            && switches.contains(&full)
            && arguments.peek().is_some_and(|next| is_input(next))
        {
            spelled.push("=true");
        }
        out.push(spelled);
    }
    Ok(out)
}

/// `true` if an argument after a switch is an input rather than the switch's value.
fn is_input(argument: &OsStr) -> bool {
    match argument.to_str() {
        Some(word) if parse_bool(word).is_ok() => false,
        Some(word) => is_address(word) || Path::new(word).exists(),
        None => true,
    }
}

/// Long names of the flags that `wanted` selects, including those of subcommands.
fn long_flags(command: &Command, wanted: impl Fn(&Arg) -> bool) -> Vec<String> {
    let commands = std::iter::once(command).chain(command.get_subcommands());
    let mut flags: Vec<String> = commands
        .flat_map(|c| c.get_arguments())
        .filter(|arg| wanted(arg))
        .flat_map(|a| {
            a.get_long()
                .into_iter()
                .chain(a.get_all_aliases().unwrap_or_default())
                .map(String::from)
                .collect::<Vec<_>>()
        })
        .chain(["help".to_string(), "version".to_string()])
        .collect();
    flags.sort();
    flags.dedup();
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spell(arguments: &[&str]) -> Result<Vec<OsString>, String> {
        spell_out(arguments.iter().map(|a| a.into()).collect(), &command())
    }

    #[test]
    fn values_have_any_bytes() {
        let raw = |bytes: &[u8]| OsStr::from_bytes(bytes).to_os_string();
        let arguments = vec![
            raw(b"a\xe9"),
            raw(b"--save_path=out-\xe9_=\xe8"),
            raw(b"--\xe9"),
        ];
        let expected = [
            raw(b"a\xe9"),
            raw(b"--save-path=out-\xe9_=\xe8"),
            raw(b"--\xe9"),
        ];
        assert_eq!(spell_out(arguments, &command()).unwrap(), expected);
    }

    #[test]
    fn underscores_and_prefixes_are_spelled_out() {
        assert_eq!(
            spell(&["-i", "a_b", "--save_path=x_y", "--vl_rec_server", "u"]).unwrap(),
            ["-i", "a_b", "--save-path=x_y", "--vl-rec-server-url", "u"]
        );
        assert_eq!(
            spell(&["--", "--save_path"]).unwrap(),
            ["--", "--save_path"]
        );
        assert_eq!(spell(&["--nonsense_flag"]).unwrap(), ["--nonsense-flag"]);
    }

    #[test]
    fn inputs_keep_their_order_with_and_without_a_flag() {
        let inputs = |arguments: &[&str]| {
            let matches = command()
                .try_get_matches_from(spell(arguments).unwrap())
                .unwrap();
            let matches = matches
                .subcommand_matches("doc_parser")
                .unwrap_or(&matches)
                .clone();
            inputs_in_order(&matches)
        };
        let mixed = [
            "docparse",
            "a",
            "-i",
            "b",
            "c",
            "-o",
            "out",
            "d",
            "-0",
            "--files-from",
            "list",
            "--input",
            "e",
        ];
        assert_eq!(inputs(&mixed), ["a", "b", "c", "d", "e"]);
        let words = [&["docparse", "doc_parser"], &mixed[1..]].concat();
        assert_eq!(inputs(&words), ["a", "b", "c", "d", "e"]);
        // A subcommand's name is one only in the first position.
        assert_eq!(
            inputs(&["docparse", "a", "doctor", "./doctor"]),
            ["a", "doctor", "./doctor"]
        );
        assert!(
            command()
                .try_get_matches_from(["docparse", "doctor"])
                .unwrap()
                .subcommand_matches("doctor")
                .is_some()
        );
        // An input after a switch is not the switch's value.
        let file = env!("CARGO_MANIFEST_DIR");
        assert_eq!(
            inputs(&["docparse", "--use_doc_unwarping", file, "--compat", "b"]),
            [file, "b"]
        );
        assert_eq!(inputs(&["docparse", "--merge-tables", "false", "b"]), ["b"]);
    }

    #[test]
    fn the_form_of_messages_is_known_before_anything_else() {
        let format = |arguments: &[&str]| {
            log_format(&arguments.iter().map(OsString::from).collect::<Vec<_>>())
        };
        assert_eq!(
            format(&["docparse", "--log_format", "json"]),
            LogFormat::Json
        );
        assert_eq!(
            format(&["docparse", "--nonsense", "--log-f=json"]),
            LogFormat::Json
        );
        for other in [
            &["docparse", "--", "--log-format", "json"][..],
            &["docparse", "--log-format"],
            &["json"],
        ] {
            assert_eq!(format(other), LogFormat::Text);
        }
    }

    #[test]
    fn ambiguous_prefixes_name_their_candidates() {
        let error = spell(&["--use_doc"]).unwrap_err();
        assert_eq!(
            error,
            "`--use-doc` could be any of --use-doc-orientation-classify, --use-doc-unwarping"
        );
    }

    #[test]
    fn documents_name_flags_that_there_are() {
        fn all(command: &Command) -> Vec<String> {
            let below = command.get_subcommands().flat_map(all);
            long_flags(command, |_| true)
                .into_iter()
                .chain(below)
                .collect()
        }
        let flags = all(&command());
        // Flags of cargo, of scripts and of benchmarks.
        let others = [
            "release",
            "bench",
            "example",
            "profile",
            "test",
            "system-cuda",
        ];
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let documents = [
            "README.md",
            "docs/errors.md",
            "docs/deviations.md",
            "docs/precision.md",
        ];
        for document in documents.iter().chain(&["docs/settings.md"]) {
            let text = std::fs::read_to_string(root.join(document)).unwrap();
            // After other hyphens or letters it is a rule, or part of a name.
            let parts = text.split("--").collect::<Vec<_>>();
            for pair in parts.windows(2) {
                let is_flag =
                    |c: char| c.is_ascii_lowercase() || matches!(c, '-' | '_' | '0'..='9');
                let end = pair[1].find(|c| !is_flag(c)).unwrap_or(pair[1].len());
                let name = pair[1][..end].replace('_', "-");
                // `--layout-*` stands for several.
                let is_start = pair[1][end..].starts_with('*');
                let is_known = flags.contains(&name)
                    || others.contains(&name.as_str())
                    || (is_start && flags.iter().any(|flag| flag.starts_with(&name)));
                let is_word = name.starts_with(|c: char| c.is_ascii_lowercase());
                assert!(!is_word || is_known, "{document}: --{name}");
            }
        }
    }

    #[test]
    fn the_command_is_consistent() {
        command().debug_assert();
    }
}
