//! The command line of this run, kept so that a message can repeat it.
//!
//! What must hold: every option that was given is repeated unless the message
//! leaves it out by name, so that an option added later is repeated as well.

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::shell;

/// A command and its arguments, as they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Invocation {
    /// The program and the name of the command: `skxc check`.
    command: String,
    /// The arguments: the name that clap knows each by, and the words of a
    /// shell that give it. Positional arguments come first.
    arguments: Vec<(String, String)>,
}

impl Invocation {
    /// The arguments of the command that `matches` chose. `command` is the
    /// whole command line, which has parsed them.
    pub(crate) fn new(command: &Command, matches: &ArgMatches) -> Self {
        let chosen = matches
            .subcommand()
            .and_then(|(name, matches)| Some((command.find_subcommand(name)?, matches)));
        let Some((chosen, matches)) = chosen else { return Self::default() };
        let (positional, options): (Vec<&Arg>, Vec<&Arg>) =
            chosen.get_arguments().partition(|argument| argument.is_positional());
        let arguments = positional
            .into_iter()
            .chain(options)
            .flat_map(|argument| {
                let id = argument.get_id().to_string();
                words(argument, matches).into_iter().map(move |words| (id.clone(), words))
            })
            .collect();
        Self { command: format!("{} {}", command.get_name(), chosen.get_name()), arguments }
    }

    /// The command as one types it, without the arguments named in `left_out`.
    pub(crate) fn without(&self, left_out: &[&str]) -> String {
        let kept = self.arguments.iter().filter(|(id, _)| !left_out.contains(&id.as_str()));
        let words = kept.map(|(_, words)| words.as_str());
        std::iter::once(self.command.as_str()).chain(words).collect::<Vec<_>>().join(" ")
    }

    /// The arguments called `id`, as one types them, each behind a space.
    pub(crate) fn given(&self, id: &str) -> String {
        let given = self.arguments.iter().filter(|(name, _)| name == id);
        given.map(|(_, words)| format!(" {words}")).collect()
    }
}

/// An argument as one types it, once for each time it was given.
fn words(argument: &Arg, matches: &ArgMatches) -> Vec<String> {
    let id = argument.get_id().as_str();
    let option = argument.get_long().map(|long| format!("--{long}"));
    match argument.get_action() {
        ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version => {
            return Vec::new();
        }
        _ if matches.value_source(id) != Some(ValueSource::CommandLine) => return Vec::new(),
        ArgAction::SetTrue | ArgAction::SetFalse | ArgAction::Count => {
            return option.into_iter().collect();
        }
        _ => {}
    }
    let delimiter = argument.get_value_delimiter().unwrap_or(' ').to_string();
    let occurrences = matches.get_raw_occurrences(id).into_iter().flatten();
    occurrences
        .map(|values| {
            let values: Vec<_> = values.map(|value| value.to_string_lossy()).collect();
            let value = values.join(&delimiter);
            // A file of this name would be read as an option.
            let is_like_option = option.is_none() && value.starts_with('-');
            let value = if is_like_option { format!("./{value}") } else { value };
            let value = shell::word(&value);
            option.iter().cloned().chain([value]).collect::<Vec<_>>().join(" ")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    fn invocation(line: &[&str]) -> Invocation {
        let mut command = Cli::command();
        let matches = command.try_get_matches_from_mut(line).unwrap();
        Invocation::new(&command, &matches)
    }

    #[test]
    fn a_file_that_looks_like_an_option_is_repeated_as_a_path() {
        let found = invocation(&["skxc", "check", "--shadow", "--", "-m.onnx", "o.o"]);
        assert_eq!(found.without(&[]), "skxc check ./-m.onnx o.o --shadow");
    }

    #[test]
    fn what_was_given_is_repeated_and_defaults_are_not() {
        let found = invocation(&[
            "skxc",
            "--project",
            "my project.toml",
            "check",
            "--features=a,b",
            "m.onnx",
            "--threshold",
            "port scan=0.9",
            "--output",
            "score",
            "--shadow",
            "o.o",
            "--action",
            "-1=drop",
            "--input",
            "a.csv",
            "--input",
            "b.csv",
            "-q",
        ]);
        assert_eq!(
            found.without(&["input", "quiet"]),
            "skxc check m.onnx o.o --features a,b --threshold 'port scan=0.9' --output score \
             --action -1=drop --shadow --project 'my project.toml'"
        );
        assert_eq!(found.given("input"), " --input a.csv --input b.csv");
        assert_eq!(found.given("expect"), "");
    }

    /// Every option of `check` that takes a value, given once, is repeated so
    /// that it parses to the same invocation.
    #[test]
    fn a_repeated_command_is_the_same_command() {
        let line = [
            "skxc",
            "check",
            "m.onnx",
            "o.o",
            "--name",
            "n",
            "--features",
            "a,b",
            "--threshold",
            "0.5",
            "--precision",
            "12",
            "--output",
            "label",
            "--fallback",
            "drop,not-ip=drop",
            "--lowering",
            "walk",
            "--optimize",
            "size",
            "--kernel",
            "5.10",
            "--seed",
            "7",
            "--external-data",
            "--profile",
            "p.csv",
            "--no-project",
        ];
        let first = invocation(&line);
        let text = first.without(&[]);
        let words: Vec<&str> = text.split(' ').collect();
        assert_eq!(invocation(&words), first, "{text}");
        assert_eq!(words.len(), line.len(), "{text}");
    }
}
