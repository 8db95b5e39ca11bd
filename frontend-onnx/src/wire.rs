//! Estimates what a file decodes to before it is decoded.
//!
//! Protocol Buffers amplify: an empty message takes two bytes in the file and
//! some two hundred in memory. This scan walks the bytes once, without
//! recursion and without allocating by what they say, and adds up what prost
//! would allocate. It follows the fields of `proto/onnx-ml.proto` and skips
//! what the decoder skips.

use skxc_ir::limits::NODES_MAX;

use crate::limits::DECODED_BYTES_MAX;
use crate::proto::{AttributeProto, NodeProto, TensorProto, ValueInfoProto};

/// Why a file is refused before it is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The bytes are no Protocol Buffers message of this description.
    Malformed,
    /// Messages within messages, deeper than prost decodes.
    TooDeep,
    /// More of one kind of thing than is allowed.
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// How many are allowed.
        most: usize,
    },
    /// It would take more than [`DECODED_BYTES_MAX`].
    TooLarge,
}

/// Levels of messages that prost decodes.
const DEPTH_MAX: usize = 100;

/// Things that a file may have a limited number of.
#[derive(Clone, Copy)]
enum Counted {
    Nodes,
    Attributes,
    Operands,
    Values,
    Entries,
}

/// What they are called and how many there may be, in the order of [`Counted`].
const LIMITS: [(&str, usize); 5] = [
    ("nodes and tensors", NODES_MAX),
    ("attributes", 4 * NODES_MAX),
    ("inputs and outputs of nodes", 16 * NODES_MAX),
    ("inputs and outputs", NODES_MAX),
    ("operator sets and properties", NODES_MAX),
];

/// What a field holds.
enum Kind {
    /// A message of this schema.
    Message(&'static Schema),
    /// The name of an operand of a node.
    Operand,
    /// Text or bytes, of which there may be several.
    Text,
    /// Numbers of eight bytes, packed or single.
    Varints,
    /// A list of fixed-width numbers: as many bytes in memory as in the file.
    Fixed,
}

/// A message: what it takes in memory, and its fields that allocate.
struct Schema {
    bytes: usize,
    /// Is their number limited?
    counted: Option<Counted>,
    fields: &'static [(u32, Kind)],
}

static ENTRY: Schema =
    Schema { bytes: 48, counted: None, fields: &[(1, Kind::Text), (2, Kind::Text)] };
static LISTED: Schema =
    Schema { bytes: ENTRY.bytes, counted: Some(Counted::Entries), fields: ENTRY.fields };
static EMPTY: Schema = Schema { bytes: 24, counted: None, fields: &[] };
static TENSOR: Schema = Schema {
    bytes: size_of::<TensorProto>(),
    counted: None,
    fields: &[
        (1, Kind::Varints),
        (4, Kind::Fixed),
        (5, Kind::Varints),
        (6, Kind::Text),
        (7, Kind::Varints),
        (8, Kind::Text),
        (10, Kind::Fixed),
        (11, Kind::Varints),
        (13, Kind::Message(&ENTRY)),
    ],
};
static ATTRIBUTE: Schema = Schema {
    bytes: size_of::<AttributeProto>(),
    counted: Some(Counted::Attributes),
    fields: &[
        (1, Kind::Text),
        (5, Kind::Message(&TENSOR)),
        (6, Kind::Message(&GRAPH)),
        (7, Kind::Fixed),
        (8, Kind::Varints),
        (9, Kind::Text),
        (21, Kind::Text),
    ],
};
static NODE: Schema = Schema {
    bytes: size_of::<NodeProto>(),
    counted: Some(Counted::Nodes),
    fields: &[
        (1, Kind::Operand),
        (2, Kind::Operand),
        (3, Kind::Text),
        (4, Kind::Text),
        (5, Kind::Message(&ATTRIBUTE)),
        (7, Kind::Text),
    ],
};
static INITIALIZER: Schema =
    Schema { bytes: TENSOR.bytes, counted: Some(Counted::Nodes), fields: TENSOR.fields };
static DIMENSION: Schema = Schema { bytes: 32, counted: None, fields: &[(2, Kind::Text)] };
static SHAPE: Schema =
    Schema { bytes: 24, counted: None, fields: &[(1, Kind::Message(&DIMENSION))] };
static TENSOR_TYPE: Schema =
    Schema { bytes: 32, counted: None, fields: &[(2, Kind::Message(&SHAPE))] };
static SEQUENCE_TYPE: Schema =
    Schema { bytes: 64, counted: None, fields: &[(1, Kind::Message(&TYPE))] };
static MAP_TYPE: Schema = Schema { bytes: 64, counted: None, fields: &[(2, Kind::Message(&TYPE))] };
static TYPE: Schema = Schema {
    bytes: 64,
    counted: None,
    fields: &[
        (1, Kind::Message(&TENSOR_TYPE)),
        (4, Kind::Message(&SEQUENCE_TYPE)),
        (5, Kind::Message(&MAP_TYPE)),
    ],
};
static VALUE_INFO: Schema = Schema {
    bytes: size_of::<ValueInfoProto>(),
    counted: Some(Counted::Values),
    fields: &[(1, Kind::Text), (2, Kind::Message(&TYPE))],
};
static GRAPH: Schema = Schema {
    bytes: 256,
    counted: None,
    fields: &[
        (1, Kind::Message(&NODE)),
        (2, Kind::Text),
        (5, Kind::Message(&INITIALIZER)),
        (11, Kind::Message(&VALUE_INFO)),
        (12, Kind::Message(&VALUE_INFO)),
        (15, Kind::Message(&EMPTY)),
    ],
};
static MODEL: Schema = Schema {
    bytes: 512,
    counted: None,
    fields: &[
        (2, Kind::Text),
        (3, Kind::Text),
        (7, Kind::Message(&GRAPH)),
        (8, Kind::Message(&LISTED)),
        (14, Kind::Message(&LISTED)),
        (20, Kind::Message(&EMPTY)),
        (25, Kind::Message(&LISTED)),
    ],
};

/// Wire types of Protocol Buffers.
const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const DELIMITED: u64 = 2;
const FIXED_32: u64 = 5;

/// Checks that `bytes` may be decoded as a `ModelProto`.
///
/// # Errors
/// Says which limit it would break.
pub(crate) fn check(bytes: &[u8]) -> Result<(), Refusal> {
    let mut scan = Scan { bytes, at: 0, decoded: 0, counts: [0; LIMITS.len()] };
    let mut open = vec![(bytes.len(), &MODEL)];
    while let Some(&(end, schema)) = open.last() {
        if scan.at == end {
            open.pop();
        } else if let Some((inner_end, inner)) = scan.field(end, schema)? {
            open.push((inner_end, inner));
            if open.len() > DEPTH_MAX {
                return Err(Refusal::TooDeep);
            }
        }
    }
    Ok(())
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Estimate of the memory so far.
    decoded: u64,
    /// How many of each there are so far.
    counts: [usize; LIMITS.len()],
}

impl Scan<'_> {
    /// Reads one field of a message that ends at `end`. Returns the message
    /// to enter, if the field is one.
    fn field(
        &mut self,
        end: usize,
        schema: &'static Schema,
    ) -> Result<Option<(usize, &'static Schema)>, Refusal> {
        let key = self.varint(end)?;
        let number = key >> 3;
        let kind = schema.fields.iter().find(|field| u64::from(field.0) == number);
        let mut entered = None;
        match key & 7 {
            VARINT => {
                self.varint(end)?;
                self.allocate(8)?;
            }
            FIXED_64 => self.skip(8, end)?,
            FIXED_32 => self.skip(4, end)?,
            DELIMITED => {
                let length = usize::try_from(self.varint(end)?).map_err(|_| Refusal::Malformed)?;
                let start = self.at;
                self.skip(length, end)?;
                let content = &self.bytes[start..self.at];
                match kind.map(|field| &field.1) {
                    None => {}
                    Some(Kind::Message(inner)) => {
                        self.allocate(inner.bytes as u64)?;
                        inner.counted.map_or(Ok(()), |counted| self.count(counted))?;
                        entered = Some((self.at, *inner));
                        self.at = start;
                    }
                    Some(Kind::Operand) => {
                        self.count(Counted::Operands)?;
                        self.allocate(32 + length as u64)?;
                    }
                    Some(Kind::Text) => self.allocate(32 + length as u64)?,
                    Some(Kind::Fixed) => self.allocate(length as u64)?,
                    Some(Kind::Varints) => {
                        let count = content.iter().filter(|&&byte| byte < 0x80).count();
                        self.allocate(8 * count as u64)?;
                    }
                }
            }
            _ => return Err(Refusal::Malformed),
        }
        Ok(entered)
    }

    fn count(&mut self, counted: Counted) -> Result<(), Refusal> {
        let index = counted as usize;
        self.counts[index] += 1;
        let (what, most) = LIMITS[index];
        if self.counts[index] > most { Err(Refusal::TooMany { what, most }) } else { Ok(()) }
    }

    fn allocate(&mut self, bytes: u64) -> Result<(), Refusal> {
        self.decoded = self.decoded.saturating_add(bytes);
        if self.decoded > DECODED_BYTES_MAX { Err(Refusal::TooLarge) } else { Ok(()) }
    }

    fn skip(&mut self, bytes: usize, end: usize) -> Result<(), Refusal> {
        if bytes > end - self.at {
            return Err(Refusal::Malformed);
        }
        self.at += bytes;
        Ok(())
    }

    fn varint(&mut self, end: usize) -> Result<u64, Refusal> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            if self.at == end {
                return Err(Refusal::Malformed);
            }
            let byte = self.bytes[self.at];
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Refusal::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_nodes_are_counted_before_they_are_decoded() {
        // Field 7 (graph), which holds fields 1 (node) of length 0.
        let nodes = [0x0a, 0x00].repeat(NODES_MAX + 1);
        let mut bytes = vec![0x3a];
        prost::encode_length_delimiter(nodes.len(), &mut bytes).unwrap();
        bytes.extend(&nodes);
        let refusal = Refusal::TooMany { what: "nodes and tensors", most: NODES_MAX };
        assert_eq!(check(&bytes), Err(refusal));
    }

    #[test]
    fn what_is_cut_short_is_malformed() {
        assert_eq!(check(&[]), Ok(()));
        assert_eq!(check(&[0x3a, 0x05, 0x00]), Err(Refusal::Malformed));
        assert_eq!(check(&[0x80; 11]), Err(Refusal::Malformed));
    }

    #[test]
    fn types_within_types_have_a_depth() {
        let mut bytes = Vec::new();
        for level in 0..200 {
            // TypeProto.sequence_type and Sequence.elem_type in turn.
            let field = if level % 2 == 0 { 0x0a } else { 0x22 };
            let mut outer = vec![field];
            prost::encode_length_delimiter(bytes.len(), &mut outer).unwrap();
            outer.extend(&bytes);
            bytes = outer;
        }
        // model.graph.input.type
        for field in [0x12, 0x5a, 0x3a] {
            let mut outer = vec![field];
            prost::encode_length_delimiter(bytes.len(), &mut outer).unwrap();
            outer.extend(&bytes);
            bytes = outer;
        }
        assert_eq!(check(&bytes), Err(Refusal::TooDeep));
    }
}
