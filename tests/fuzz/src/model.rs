//! An ONNX file as a tree of messages, to be changed and written again with
//! lengths that are right.
//!
//! It knows which fields of `onnx-ml.proto` are messages and what the others
//! hold; everything else is kept as it is. It is no decoder: a file that the
//! front end refuses is welcome here.

mod change;

/// Levels of messages that are taken apart; what lies deeper stays bytes.
const DEPTH_MAX: usize = 16;

/// What a message is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    Entry,
    ValueInfo,
    Type,
    TensorType,
    SequenceType,
    MapType,
    Shape,
    Dimension,
}

/// What a field with a length holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Message(Kind),
    Text,
    Floats,
    Doubles,
    Varints,
}

fn content(kind: Kind, number: u64) -> Content {
    use Content::{Doubles, Floats, Message, Text, Varints};
    match (kind, number) {
        (Kind::Model, 7) => Message(Kind::Graph),
        (Kind::Model, 8 | 14 | 20 | 25) | (Kind::Tensor, 13) => Message(Kind::Entry),
        (Kind::Graph, 1) => Message(Kind::Node),
        (Kind::Graph, 5) | (Kind::Attribute, 5) => Message(Kind::Tensor),
        (Kind::Graph, 11 | 12) => Message(Kind::ValueInfo),
        (Kind::Node, 5) => Message(Kind::Attribute),
        (Kind::ValueInfo, 2) | (Kind::SequenceType, 1) | (Kind::MapType, 2) => Message(Kind::Type),
        (Kind::Type, 1) => Message(Kind::TensorType),
        (Kind::Type, 4) => Message(Kind::SequenceType),
        (Kind::Type, 5) => Message(Kind::MapType),
        (Kind::TensorType, 2) => Message(Kind::Shape),
        (Kind::Shape, 1) => Message(Kind::Dimension),
        (Kind::Attribute, 7) | (Kind::Tensor, 4) => Floats,
        (Kind::Tensor, 10) => Doubles,
        (Kind::Attribute, 8) | (Kind::Tensor, 1 | 5 | 7 | 11) => Varints,
        _ => Text,
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Value {
    Varint(u64),
    Fixed64([u8; 8]),
    Fixed32([u8; 4]),
    Bytes(Vec<u8>),
    Message(Message),
}

#[derive(Clone, Debug, PartialEq)]
struct Field {
    number: u64,
    value: Value,
}

#[derive(Clone, Debug, PartialEq)]
struct Message {
    kind: Kind,
    fields: Vec<Field>,
}

/// A file that is a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    root: Message,
}

impl Model {
    /// Takes a file apart.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        Message::parse(Kind::Model, bytes, 0).map(|root| Self { root })
    }

    /// Puts it together.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.root.write(&mut bytes);
        bytes
    }
}

impl Message {
    fn parse(kind: Kind, mut bytes: &[u8], depth: usize) -> Option<Self> {
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let key = varint(&mut bytes)?;
            let number = key >> 3;
            let value = match key & 7 {
                0 => Value::Varint(varint(&mut bytes)?),
                1 => Value::Fixed64(*bytes.split_off(..8)?.first_chunk()?),
                5 => Value::Fixed32(*bytes.split_off(..4)?.first_chunk()?),
                2 => {
                    let length = usize::try_from(varint(&mut bytes)?).ok()?;
                    let inner = bytes.split_off(..length)?;
                    let message = match content(kind, number) {
                        Content::Message(kind) if depth < DEPTH_MAX => {
                            Self::parse(kind, inner, depth + 1)
                        }
                        _ => None,
                    };
                    message.map_or_else(|| Value::Bytes(inner.to_vec()), Value::Message)
                }
                _ => return None,
            };
            fields.push(Field { number, value });
        }
        Some(Self { kind, fields })
    }

    fn write(&self, out: &mut Vec<u8>) {
        for Field { number, value } in &self.fields {
            let wire_type = match value {
                Value::Varint(_) => 0,
                Value::Fixed64(_) => 1,
                Value::Bytes(_) | Value::Message(_) => 2,
                Value::Fixed32(_) => 5,
            };
            put_varint(out, number << 3 | wire_type);
            match value {
                Value::Varint(value) => put_varint(out, *value),
                Value::Fixed64(bytes) => out.extend(bytes),
                Value::Fixed32(bytes) => out.extend(bytes),
                Value::Bytes(bytes) => {
                    put_varint(out, bytes.len() as u64);
                    out.extend(bytes);
                }
                Value::Message(message) => {
                    let mut inner = Vec::new();
                    message.write(&mut inner);
                    put_varint(out, inner.len() as u64);
                    out.extend(inner);
                }
            }
        }
    }

    /// This message and all in it, in the order of the file.
    fn all(&self) -> Vec<&Self> {
        let mut all = vec![self];
        for field in &self.fields {
            if let Value::Message(message) = &field.value {
                all.extend(message.all());
            }
        }
        all
    }

    /// The message at this position of [`Message::all`].
    fn at(&mut self, position: &mut usize) -> Option<&mut Self> {
        if *position == 0 {
            return Some(self);
        }
        *position -= 1;
        for field in &mut self.fields {
            if let Value::Message(message) = &mut field.value
                && let Some(found) = message.at(position)
            {
                return Some(found);
            }
        }
        None
    }

    /// The texts of the fields of this number.
    fn texts(&self, number: u64) -> impl Iterator<Item = &[u8]> {
        self.fields.iter().filter(move |field| field.number == number).filter_map(|field| {
            match &field.value {
                Value::Bytes(bytes) => Some(&bytes[..]),
                Value::Varint(_) | Value::Fixed64(_) | Value::Fixed32(_) | Value::Message(_) => {
                    None
                }
            }
        })
    }
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.split_off_first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use skxc_ir::random::Random;

    use super::*;

    /// A graph with the node `Neg(X) -> Y` between its input and its output.
    const NEG: &[u8] =
        b"\x08\x08\x3a\x17\x0a\x0b\x0a\x01X\x12\x01Y\x22\x03Neg\x5a\x03\x0a\x01X\x62\x03\x0a\x01Y\
                         \x42\x04\x0a\x00\x10\x12";

    #[test]
    fn a_file_comes_back_as_it_was() {
        let model = Model::parse(NEG).unwrap_or_else(|| panic!("it is a message"));
        assert_eq!(model.bytes(), NEG);
        assert_eq!(model.root.all().len(), 6);
    }

    #[test]
    fn mutations_are_messages_and_depend_on_the_seed_alone() {
        let changed = |seed| {
            let mut model = Model::parse(NEG).unwrap_or_else(|| panic!("it is a message"));
            model.mutate(&mut Random::new(seed));
            model.bytes()
        };
        for seed in 0..1000 {
            assert_eq!(changed(seed), changed(seed));
            assert!(Model::parse(&changed(seed)).is_some(), "{seed}");
        }
    }
}
