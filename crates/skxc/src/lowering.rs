//! Names of lowerings on the command line, in project files and in manifests.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use serde::{Deserialize as _, Deserializer, Serializer};
use skxc_ir::lowering::Choice;

/// Takes `auto` or the name of a lowering.
pub(crate) fn parser() -> impl TypedValueParser<Value = Choice> {
    PossibleValuesParser::new(Choice::all().map(Choice::name))
        .map(|name| name.parse().expect("only names of choices are taken"))
}

/// Writes the name.
pub(crate) fn serialize<S: Serializer>(choice: &Choice, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(choice.name())
}

/// Reads the name.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Choice, D::Error> {
    let name = String::deserialize(from)?;
    name.parse().map_err(serde::de::Error::custom)
}

/// Reads the name of a setting that may be absent.
pub(crate) fn optional<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Choice>, D::Error> {
    deserialize(from).map(Some)
}
