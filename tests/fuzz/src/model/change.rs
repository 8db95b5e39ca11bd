//! Changes to a model that decoding survives.

use skxc_frontend_onnx::{SupportedOperator, supported_operators};
use skxc_ir::random::Random;

use super::{Content, Field, Kind, Message, Model, Value, content, put_varint, varint};
use crate::pick;

/// Integers at which something may end.
const INTEGERS: [i64; 24] = [
    0,
    1,
    -1,
    2,
    3,
    -2,
    4,
    6,
    7,
    9,
    10,
    11,
    127,
    255,
    1024,
    4096,
    65_536,
    1 << 24,
    (1 << 24) + 1,
    i32::MAX as i64,
    1 << 32,
    1 << 53,
    i64::MAX,
    i64::MIN,
];

/// Reals at which something may end.
const REALS: [f64; 20] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    0.1,
    2.0,
    1e-30,
    1e-45,
    1e30,
    -1e30,
    3e38,
    16_777_216.0,
    16_777_217.0,
    63.5,
    65_535.0,
    1e10,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
];

/// Texts that some attribute gives a meaning.
const WORDS: [&str; 20] = [
    "",
    "NONE",
    "SOFTMAX",
    "LOGISTIC",
    "SOFTMAX_ZERO",
    "PROBIT",
    "SUM",
    "AVERAGE",
    "MIN",
    "MAX",
    "BRANCH_LEQ",
    "BRANCH_LT",
    "BRANCH_GTE",
    "BRANCH_GT",
    "BRANCH_EQ",
    "BRANCH_NEQ",
    "LEAF",
    "L1",
    "L2",
    "X",
];

/// Types of attributes: number of the field and of the type.
const FLOAT: (u64, u64) = (2, 1);
const INT: (u64, u64) = (3, 2);
const STRING: (u64, u64) = (4, 3);
const TENSOR: (u64, u64) = (5, 4);
const FLOATS: (u64, u64) = (7, 6);
const INTS: (u64, u64) = (8, 7);
const STRINGS: (u64, u64) = (9, 8);

impl Model {
    /// Changes a few things.
    pub fn mutate(&mut self, random: &mut Random) {
        for _ in 0..=random.below(4) {
            match random.below(12) {
                0..4 => self.change_value(random),
                4 | 5 => self.change_fields(random),
                6 => self.copy_message(random),
                7 => self.rewire(random),
                8 => self.rename_operator(random),
                9 => self.add_attribute(random),
                _ => self.add_node(random),
            }
        }
    }

    /// Takes a few nodes, tensors, inputs or outputs from `other`.
    pub fn take_from(&mut self, other: &Self, random: &mut Random) {
        let graphs = other.root.all();
        let Some(from) = graphs.iter().find(|message| message.kind == Kind::Graph) else { return };
        let taken: Vec<Field> = (0..=random.below(4))
            .filter_map(|_| pick::one(random, &from.fields).cloned())
            .collect();
        if let Some(graph) = self.message(random, Kind::Graph) {
            for field in taken {
                let at = pick::below(random, graph.fields.len() + 1);
                graph.fields.insert(at, field);
            }
        }
    }

    /// A message of this kind.
    fn message(&mut self, random: &mut Random, kind: Kind) -> Option<&mut Message> {
        let all = self.root.all();
        let places: Vec<usize> = (0..all.len()).filter(|&at| all[at].kind == kind).collect();
        let mut place = *pick::one(random, &places)?;
        self.root.at(&mut place)
    }

    /// Any message that has fields.
    fn any_message(&mut self, random: &mut Random) -> Option<&mut Message> {
        let all = self.root.all();
        let places: Vec<usize> = (0..all.len()).filter(|&at| !all[at].fields.is_empty()).collect();
        let mut place = *pick::one(random, &places)?;
        self.root.at(&mut place)
    }

    /// Names of values.
    fn names(&self) -> Vec<Vec<u8>> {
        let mut names = Vec::new();
        for message in self.root.all() {
            let fields: &[u64] = match message.kind {
                Kind::Node => &[1, 2],
                Kind::ValueInfo => &[1],
                Kind::Tensor => &[8],
                _ => &[],
            };
            names.extend(fields.iter().flat_map(|&it| message.texts(it)).map(<[u8]>::to_vec));
        }
        names
    }

    fn change_value(&mut self, random: &mut Random) {
        let names = self.names();
        let Some(message) = self.any_message(random) else { return };
        let kind = message.kind;
        let at = pick::below(random, message.fields.len());
        let field = &mut message.fields[at];
        let content = content(kind, field.number);
        match &mut field.value {
            Value::Varint(value) => *value = integer(*value as i64, random) as u64,
            Value::Fixed64(bytes) => *bytes = real(random).to_le_bytes(),
            Value::Fixed32(bytes) => *bytes = (real(random) as f32).to_le_bytes(),
            Value::Bytes(bytes) => change_bytes(bytes, content, &names, random),
            Value::Message(_) => {}
        }
    }

    fn change_fields(&mut self, random: &mut Random) {
        let Some(message) = self.any_message(random) else { return };
        let fields = &mut message.fields;
        let at = pick::below(random, fields.len());
        let other = pick::below(random, fields.len());
        match random.below(4) {
            0 => drop(fields.remove(at)),
            1 => fields.insert(at, fields[other].clone()),
            2 => fields.swap(at, other),
            _ => {
                let field = fields.remove(at);
                let to = other.min(fields.len());
                fields.insert(to, field);
            }
        }
    }

    /// One message becomes what another of its kind is.
    fn copy_message(&mut self, random: &mut Random) {
        let all = self.root.all();
        let Some(from) = pick::one(random, &all[1..]).map(|&message| message.clone()) else {
            return;
        };
        if let Some(to) = self.message(random, from.kind) {
            *to = from;
        }
    }

    /// A node, or an output of the graph, reads another value.
    fn rewire(&mut self, random: &mut Random) {
        let Some(name) = pick::one(random, &self.names()).cloned() else { return };
        let kind = if random.one_in(4) { Kind::ValueInfo } else { Kind::Node };
        let Some(message) = self.message(random, kind) else { return };
        let places: Vec<usize> =
            (0..message.fields.len()).filter(|&at| message.fields[at].number == 1).collect();
        match pick::one(random, &places) {
            Some(&at) => message.fields[at].value = Value::Bytes(name),
            None => message.fields.push(Field { number: 1, value: Value::Bytes(name) }),
        }
    }

    fn rename_operator(&mut self, random: &mut Random) {
        let operator = operator(random);
        let Some(node) = self.message(random, Kind::Node) else { return };
        node.fields.retain(|field| !matches!(field.number, 4 | 7));
        node.fields.extend(operator_fields(operator));
    }

    fn add_attribute(&mut self, random: &mut Random) {
        let Some(node) = self.message(random, Kind::Node) else { return };
        let name = node.texts(4).next().map(<[u8]>::to_vec).unwrap_or_default();
        let operator = supported_operators().find(|it| it.name.as_bytes() == name);
        let names = operator.map_or(&[][..], |operator| operator.attributes);
        let Some(name) = pick::one(random, names) else { return };
        node.fields.retain(|field| match &field.value {
            Value::Message(message) => message.texts(1).next() != Some(name.as_bytes()),
            _ => true,
        });
        node.fields.push(attribute(name, random));
    }

    /// A new node reads what there is, and something reads it.
    fn add_node(&mut self, random: &mut Random) {
        let operator = operator(random);
        let names = self.names();
        let mut fields = Vec::new();
        let (least, most) = (*operator.inputs.start(), *operator.inputs.end());
        let inputs = least + pick::below(random, most.min(least + 2) - least + 1);
        for _ in 0..inputs {
            let name = pick::one(random, &names).cloned().unwrap_or_default();
            fields.push(Field { number: 1, value: Value::Bytes(name) });
        }
        let made = format!("v{}", random.below(1 << 16)).into_bytes();
        fields.push(Field { number: 2, value: Value::Bytes(made.clone()) });
        fields.extend(operator_fields(operator.clone()));
        for name in operator.attributes {
            if random.one_in(2) {
                fields.push(attribute(name, random));
            }
        }
        let node = Message { kind: Kind::Node, fields };
        let Some(graph) = self.message(random, Kind::Graph) else { return };
        graph.fields.push(Field { number: 1, value: Value::Message(node) });
        if random.one_in(2) {
            let name = Field { number: 1, value: Value::Bytes(made) };
            let output = Message { kind: Kind::ValueInfo, fields: vec![name] };
            graph.fields.push(Field { number: 12, value: Value::Message(output) });
        } else if let Some(node) = self.message(random, Kind::Node) {
            let input = node.fields.iter_mut().find(|field| field.number == 1);
            input.into_iter().for_each(|field| field.value = Value::Bytes(made.clone()));
        }
    }
}

fn operator(random: &mut Random) -> SupportedOperator {
    let count = supported_operators().count();
    let chosen = supported_operators().nth(pick::below(random, count));
    chosen.expect("it is below their number")
}

fn operator_fields(operator: SupportedOperator) -> [Field; 2] {
    let domain = if operator.domain == "ai.onnx" { "" } else { operator.domain };
    let text = |number, text: &str| Field { number, value: Value::Bytes(text.into()) };
    [text(4, operator.name), text(7, domain)]
}

/// An attribute of any type.
fn attribute(name: &str, random: &mut Random) -> Field {
    let types = [INT, INT, INT, INTS, INTS, FLOAT, FLOATS, STRING, STRINGS, TENSOR];
    let (number, ty) = types[pick::below(random, types.len())];
    let word = |random: &mut Random| Value::Bytes(WORDS[pick::below(random, WORDS.len())].into());
    let mut fields = vec![
        Field { number: 1, value: Value::Bytes(name.into()) },
        Field { number: 20, value: Value::Varint(ty) },
    ];
    let count = random.below(5);
    let value = match (number, ty) {
        INT => Value::Varint(integer(0, random) as u64),
        FLOAT => Value::Fixed32((real(random) as f32).to_le_bytes()),
        STRING | STRINGS => word(random),
        TENSOR => Value::Message(tensor(random)),
        FLOATS => {
            Value::Bytes((0..count).flat_map(|_| (real(random) as f32).to_le_bytes()).collect())
        }
        _ => Value::Bytes(integers(count, random)),
    };
    fields.push(Field { number, value });
    Field { number: 5, value: Value::Message(Message { kind: Kind::Attribute, fields }) }
}

/// A list of a few integers or floats.
fn tensor(random: &mut Random) -> Message {
    let count = random.below(5);
    let (ty, number, bytes) = if random.one_in(2) {
        (7, 7, integers(count, random))
    } else {
        (1, 4, (0..count).flat_map(|_| (real(random) as f32).to_le_bytes()).collect())
    };
    let fields = vec![
        Field { number: 1, value: Value::Varint(count) },
        Field { number: 2, value: Value::Varint(ty) },
        Field { number, value: Value::Bytes(bytes) },
    ];
    Message { kind: Kind::Tensor, fields }
}

fn integers(count: u64, random: &mut Random) -> Vec<u8> {
    let mut bytes = Vec::new();
    (0..count).for_each(|_| put_varint(&mut bytes, integer(0, random) as u64));
    bytes
}

fn integer(old: i64, random: &mut Random) -> i64 {
    match random.below(4) {
        0 => old.wrapping_add(1),
        1 => old.wrapping_sub(1),
        2 => random.below(8) as i64 - 2,
        _ => INTEGERS[pick::below(random, INTEGERS.len())],
    }
}

fn real(random: &mut Random) -> f64 {
    match random.below(4) {
        0 => (random.below(64) as f64 - 16.0) / 4.0,
        1 => f64::from(f32::from_bits(random.bits() as u32)),
        _ => REALS[pick::below(random, REALS.len())],
    }
}

fn change_bytes(bytes: &mut Vec<u8>, content: Content, names: &[Vec<u8>], random: &mut Random) {
    match content {
        Content::Floats => change_list::<4>(bytes, |it| (it as f32).to_le_bytes(), random),
        Content::Doubles => change_list::<8>(bytes, f64::to_le_bytes, random),
        Content::Varints => {
            let mut rest = &bytes[..];
            let mut values = Vec::new();
            while let Some(value) = varint(&mut rest) {
                values.push(value);
            }
            let at = pick::below(random, values.len() + 1);
            match (random.below(6), values.get_mut(at)) {
                (0, _) => values.insert(at, integer(0, random) as u64),
                (1, Some(_)) => drop(values.remove(at)),
                (_, Some(value)) => *value = integer(*value as i64, random) as u64,
                (_, None) => {}
            }
            bytes.clear();
            values.iter().for_each(|&value| put_varint(bytes, value));
        }
        Content::Text | Content::Message(_) => match random.below(4) {
            0 => *bytes = pick::one(random, names).cloned().unwrap_or_default(),
            1 => *bytes = WORDS[pick::below(random, WORDS.len())].into(),
            2 => bytes.push(random.bits() as u8),
            _ if bytes.is_empty() => {}
            _ => {
                let at = pick::below(random, bytes.len());
                bytes[at] = random.bits() as u8;
            }
        },
    }
}

/// Changes, adds or removes a number of `N` bytes.
fn change_list<const N: usize>(
    bytes: &mut Vec<u8>,
    encode: fn(f64) -> [u8; N],
    random: &mut Random,
) {
    let count = bytes.len() / N;
    let at = N * pick::below(random, count + 1);
    let number = encode(real(random));
    match random.below(6) {
        0 => drop(bytes.splice(at..at, number)),
        1 if at < count * N => drop(bytes.drain(at..at + N)),
        _ if at < count * N => bytes[at..at + N].copy_from_slice(&number),
        _ => {}
    }
}
