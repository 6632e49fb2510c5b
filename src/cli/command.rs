//! The clap command: what the types in `args` cannot say. Environment variables, and spellings of flags.

use super::args::Cli;
use clap::builder::BoolishValueParser;
use clap::{Arg, ArgAction, Command, CommandFactory};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// The command with an environment variable `DOCPARSE_<FLAG>` for every flag of parsing.
pub fn command() -> Command {
    let with_environment = |command: Command| {
        command.mut_args(|arg: Arg| match arg.get_long().map(str::to_string) {
            Some(long) if !matches!(long.as_str(), "help" | "version" | "input") => {
                let list = matches!(arg.get_action(), ArgAction::Append);
                // Switches take 1 and yes in a variable as well.
                let arg = match arg.get_action() {
                    ArgAction::SetTrue => arg.value_parser(BoolishValueParser::new()),
                    _ => arg,
                };
                let arg =
                    arg.env(format!("DOCPARSE_{}", long.replace('-', "_").to_uppercase())).hide_env(true);
                // Several values in one variable are separated by commas.
                if list { arg.value_delimiter(',') } else { arg }
            }
            _ => arg,
        })
    };
    with_environment(Cli::command()).mut_subcommand("doc_parser", with_environment)
}

/// Arguments with their flags spelled out: underscores become hyphens, unambiguous prefixes are completed.
///
/// Values are left alone, whatever bytes they have. An ambiguous prefix is an error that names the candidates.
pub fn spell_out(arguments: Vec<OsString>, command: &Command) -> Result<Vec<OsString>, String> {
    let flags: Vec<String> = long_flags(command);
    let mut out = Vec::with_capacity(arguments.len());
    let mut only_values = false;
    for argument in arguments {
        only_values |= argument == "--";
        let body = argument.as_bytes().strip_prefix(b"--").filter(|b| !b.is_empty() && !only_values);
        let end = |body: &[u8]| body.iter().position(|b| *b == b'=').unwrap_or(body.len());
        let parts = body.map(|body| body.split_at(end(body)));
        // A name that is no text is no flag's: clap says so.
        let Some((Ok(name), value)) = parts.map(|(name, value)| (str::from_utf8(name), value)) else {
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
        out.push(spelled);
    }
    Ok(out)
}

/// Long names of all flags, of subcommands too.
fn long_flags(command: &Command) -> Vec<String> {
    let commands = std::iter::once(command).chain(command.get_subcommands());
    let mut flags: Vec<String> = commands
        .flat_map(|c| c.get_arguments())
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
        let arguments = vec![raw(b"a\xe9"), raw(b"--save_path=out-\xe9_=\xe8"), raw(b"--\xe9")];
        let expected = [raw(b"a\xe9"), raw(b"--save-path=out-\xe9_=\xe8"), raw(b"--\xe9")];
        assert_eq!(spell_out(arguments, &command()).unwrap(), expected);
    }

    #[test]
    fn underscores_and_prefixes_are_spelled_out() {
        assert_eq!(
            spell(&["-i", "a_b", "--save_path=x_y", "--vl_rec_server", "u"]).unwrap(),
            ["-i", "a_b", "--save-path=x_y", "--vl-rec-server-url", "u"]
        );
        assert_eq!(spell(&["--", "--save_path"]).unwrap(), ["--", "--save_path"]);
        assert_eq!(spell(&["--nonsense_flag"]).unwrap(), ["--nonsense-flag"]);
    }

    #[test]
    fn ambiguous_prefixes_name_their_candidates() {
        let error = spell(&["--use_doc"]).unwrap_err();
        assert_eq!(error, "`--use-doc` could be any of --use-doc-orientation-classify, --use-doc-unwarping");
    }

    #[test]
    fn the_command_is_consistent() {
        command().debug_assert();
    }
}
