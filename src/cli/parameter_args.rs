//! Flags of the settings, generated from the table in [`crate::config::parameters`].

use super::values::flag_name;
use super::values::{parse_bool, parse_percent};
use crate::config::parameters::{PARAMETERS, Parameter, Parameters, ValueKind};
use crate::config::schema::parse_size;
use clap::builder::PossibleValuesParser;
use clap::error::Result;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, value_parser};
use serde_json::Value;
use std::path::PathBuf;

/// Settings given as flags or in the environment.
#[derive(Debug, Clone, Default)]
pub(crate) struct ParameterArgs(pub Parameters);

impl Args for ParameterArgs {
    fn augment_args(command: Command) -> Command {
        augment(command, |_| true)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ParameterArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self> {
        let mut args = Self::default();
        args.update_from_arg_matches(matches)?;
        Ok(args)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<()> {
        for parameter in PARAMETERS
            .iter()
            .filter(|parameter| matches!(matches.try_contains_id(parameter.name), Ok(true)))
        {
            let name = parameter.name;
            if parameter.kind == ValueKind::Folder {
                if let Some(folder) = matches.get_one::<PathBuf>(name) {
                    self.0.set_folder(name, folder.clone());
                }
            } else if let Some(value) = value(parameter, matches) {
                self.0.set(name, value);
            }
        }
        Ok(())
    }
}

/// Parameters that concern a single run, and that a server does not have.
const NOT_OF_SERVERS: [&str; 9] = [
    "fail_fast",
    "fetch_timeout",
    "max_input_size",
    "max_pages",
    "overwrite",
    "pages",
    "password",
    "skip_existing",
    "strict_language",
];

/// The settings of a server: what its jobs have unless they say otherwise.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServerParameterArgs(pub Parameters);

impl Args for ServerParameterArgs {
    fn augment_args(command: Command) -> Command {
        augment(command, |name| !NOT_OF_SERVERS.contains(&name))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for ServerParameterArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self> {
        ParameterArgs::from_arg_matches(matches).map(|args| Self(args.0))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<()> {
        self.0 = ParameterArgs::from_arg_matches(matches)?.0;
        Ok(())
    }
}

fn augment(command: Command, is_wanted: impl Fn(&str) -> bool) -> Command {
    let wanted = PARAMETERS.iter().filter(|p| is_wanted(p.name));
    wanted.fold(command, |command, parameter| command.arg(flag(parameter)))
}

fn flag(parameter: &'static Parameter) -> Arg {
    let arg = Arg::new(parameter.name)
        .long(flag_name(parameter.name))
        .value_name(parameter.value_name)
        .help(parameter.help)
        .help_heading(parameter.heading.text());
    let arg = match parameter.alias {
        Some(alias) => arg.alias(alias),
        None => arg,
    };
    match parameter.kind {
        ValueKind::Bool => arg
            .num_args(0..=1)
            .default_missing_value("true")
            .value_parser(parse_bool),
        ValueKind::Switch { undoes } => {
            let arg = arg.action(ArgAction::SetTrue);
            match undoes {
                Some(other) => arg.overrides_with(other),
                None => arg,
            }
        }
        ValueKind::Int => arg.value_parser(value_parser!(i64)),
        ValueKind::Within(least, most) => arg.value_parser(value_parser!(u64).range(least..=most)),
        ValueKind::Count => arg.value_parser(value_parser!(u64)),
        ValueKind::Float => arg.value_parser(value_parser!(f64)),
        ValueKind::Size => arg.value_parser(parse_size),
        ValueKind::Percent => arg.value_parser(parse_percent),
        ValueKind::Text => arg.value_parser(value_parser!(String)),
        ValueKind::Secret => arg
            .value_parser(value_parser!(String))
            .hide_env_values(true),
        ValueKind::OneOf(words) => arg.value_parser(PossibleValuesParser::new(words)),
        ValueKind::OneOfAnyCase(words) => arg
            .value_parser(PossibleValuesParser::new(words))
            .ignore_case(true),
        ValueKind::Texts => arg
            .num_args(1..)
            .action(ArgAction::Append)
            .value_parser(value_parser!(String)),
        ValueKind::Repeated => arg
            .action(ArgAction::Append)
            .value_parser(value_parser!(String)),
        ValueKind::Folder => arg.value_parser(value_parser!(PathBuf)),
    }
}

fn value(parameter: &Parameter, matches: &ArgMatches) -> Option<Value> {
    fn one<T: Into<Value> + Clone + Send + Sync + 'static>(
        matches: &ArgMatches,
        name: &str,
    ) -> Option<Value> {
        matches.get_one::<T>(name).cloned().map(Into::into)
    }
    let name = parameter.name;
    match parameter.kind {
        ValueKind::Bool => one::<bool>(matches, name),
        ValueKind::Int => one::<i64>(matches, name),
        ValueKind::Switch { .. } => {
            one::<bool>(matches, name).filter(|on| on == &Value::Bool(true))
        }
        ValueKind::Count | ValueKind::Within(..) => one::<u64>(matches, name),
        ValueKind::Float | ValueKind::Percent => one::<f64>(matches, name),
        ValueKind::Size => one::<usize>(matches, name),
        ValueKind::Text | ValueKind::Secret | ValueKind::OneOf(_) | ValueKind::OneOfAnyCase(_) => {
            one::<String>(matches, name)
        }
        ValueKind::Texts | ValueKind::Repeated => Some(
            matches
                .get_many::<String>(name)?
                .cloned()
                .map(Value::from)
                .collect::<Vec<_>>()
                .into(),
        ),
        ValueKind::Folder => None,
    }
}
