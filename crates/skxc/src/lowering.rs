//! Names of lowerings, and of what they are chosen by: on the command line, in
//! project files and in manifests.

use std::fmt::Display;
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::{Deserialize as _, Deserializer, Serializer};
use skxc_lowering::{Choice, Optimize};

/// Takes `auto` or the name of a lowering.
pub(crate) fn choice() -> impl TypedValueParser<Value = Choice> {
    PossibleValuesParser::new(Choice::all().map(Choice::name))
        .map(|name| name.parse().expect("only names of choices are taken"))
}

/// Takes what to optimize for.
pub(crate) fn goal() -> impl TypedValueParser<Value = Optimize> {
    PossibleValuesParser::new(Optimize::ALL.map(Optimize::name))
        .map(|name| name.parse().expect("only names of goals are taken"))
}

/// Writes the name.
pub(crate) fn serialize<T: Display, S: Serializer>(named: &T, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(named)
}

/// Reads the name.
pub(crate) fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    let name = String::deserialize(from)?;
    name.parse().map_err(serde::de::Error::custom)
}

/// Reads the name of a setting that may be absent.
pub(crate) fn optional<'de, T, D>(from: D) -> Result<Option<T>, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    deserialize(from).map(Some)
}

/// Lists of names.
pub(crate) mod list {
    use serde::{Deserialize as _, Deserializer, Serializer};
    use skxc_lowering::Choice;

    /// Writes the names.
    pub(crate) fn serialize<S: Serializer>(choices: &[Choice], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(choices.iter().map(|choice| choice.name()))
    }

    /// Reads the names.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Choice>, D::Error> {
        let names = Vec::<String>::deserialize(from)?;
        names.iter().map(|name| name.parse().map_err(serde::de::Error::custom)).collect()
    }
}
