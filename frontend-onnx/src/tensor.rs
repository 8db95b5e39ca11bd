//! Constant tensors: initializers, `Constant` nodes and what is folded of them.

use std::rc::Rc;

use skxc_diagnostics::Code;
use skxc_diagnostics::codes::{BAD_NUMBER, BAD_TENSOR, LIMIT_EXCEEDED};
use skxc_ir::limits::{AXES_MAX, ELEMENTS_MAX};
use skxc_ir::{Constant, ElementType, Module, OriginId, Real, RealOp, Shape, Type, Value};

use crate::external;
use crate::proto::{DataType, TensorProto, data_type_name};

/// A tensor whose elements are known, row-major.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tensor {
    /// Extents of the axes.
    pub(crate) shape: Vec<u32>,
    /// As many elements as the shape says.
    pub(crate) data: Data,
    /// Has it an extent that counts rows of the input (ONNX Shape)? Such a
    /// constant, as an output, says something of every row.
    pub(crate) per_row: bool,
}

/// Elements of one type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Data {
    /// `float`; each is an `f32`.
    F32(Vec<f64>),
    /// Elements of type `double`.
    F64(Vec<f64>),
    /// Integers of every width.
    Integers(Vec<i64>),
    /// `bool`, as 0 and 1.
    Bool(Vec<i64>),
    /// Elements of type `string`.
    Text(Vec<String>),
}

/// Why a tensor is refused.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fault {
    /// Which of the known problems it is.
    pub(crate) code: Code,
    /// What is wrong, to follow the name of the tensor.
    pub(crate) what: String,
}

impl Fault {
    fn bad(what: impl Into<String>) -> Self {
        Self { code: BAD_TENSOR, what: what.into() }
    }
}

impl Tensor {
    /// A list of integers.
    pub(crate) fn integers(values: Vec<i64>) -> Self {
        let extent = u32::try_from(values.len()).expect("a list of extents is short");
        Self { shape: vec![extent], data: Data::Integers(values), per_row: false }
    }

    /// The elements, if they are integers.
    pub(crate) fn as_integers(&self) -> Option<&[i64]> {
        match &self.data {
            Data::Integers(values) => Some(values),
            Data::F32(_) | Data::F64(_) | Data::Bool(_) | Data::Text(_) => None,
        }
    }

    /// The elements at `indices`, of the shape `shape`.
    pub(crate) fn pick(&self, shape: Vec<u32>, indices: &[usize]) -> Self {
        fn pick<T: Clone>(from: &[T], indices: &[usize]) -> Vec<T> {
            indices.iter().map(|&index| from[index].clone()).collect()
        }
        let data = match &self.data {
            Data::F32(values) => Data::F32(pick(values, indices)),
            Data::F64(values) => Data::F64(pick(values, indices)),
            Data::Integers(values) => Data::Integers(pick(values, indices)),
            Data::Bool(values) => Data::Bool(pick(values, indices)),
            Data::Text(values) => Data::Text(pick(values, indices)),
        };
        Self { shape, data, per_row: self.per_row }
    }

    /// As a constant of the IR.
    ///
    /// # Errors
    /// For text, which has no place in a computation, and for NaN and infinity.
    pub(crate) fn to_value(
        &self,
        module: &mut Module<Real>,
        origin: OriginId,
    ) -> Result<Value, Fault> {
        #[allow(clippy::cast_precision_loss, reason = "checked: every integer is exact")]
        let (elem, elements) = match &self.data {
            Data::F32(values) => (ElementType::F32, values.clone()),
            Data::F64(values) => (ElementType::F64, values.clone()),
            Data::Integers(values) | Data::Bool(values) => {
                if values.iter().any(|value| value.unsigned_abs() > 1 << 53) {
                    return Err(Fault::bad("holds an integer beyond 2^53"));
                }
                let elem = if matches!(self.data, Data::Bool(_)) {
                    ElementType::Bool
                } else {
                    ElementType::I64
                };
                (elem, values.iter().map(|&value| value as f64).collect())
            }
            Data::Text(_) => return Err(Fault::bad("holds text where numbers are needed")),
        };
        if let Some(element) = elements.iter().find(|element| !element.is_finite()) {
            return Err(Fault { code: BAD_NUMBER, what: format!("holds {element}") });
        }
        let ty = Type { elem, shape: Shape(self.shape.clone()) };
        let constant = module.constants.push(Constant { ty: ty.clone(), elements });
        Ok(module.push(RealOp::Constant { constant }, ty, origin))
    }
}

/// Decodes a tensor.
///
/// # Errors
/// Says what is wrong with it.
pub(crate) fn decode(tensor: &TensorProto) -> Result<Rc<Tensor>, Fault> {
    let ty = element_type(tensor)?;
    let raw = &tensor.raw_data;
    let is_raw = !raw.is_empty();
    let data = match ty {
        DataType::Float if is_raw => {
            Data::F32(chunks(raw).map(|bytes| f64::from(f32::from_le_bytes(bytes))).collect())
        }
        DataType::Float => Data::F32(tensor.float_data.iter().map(|&x| f64::from(x)).collect()),
        DataType::Double if is_raw => Data::F64(chunks(raw).map(f64::from_le_bytes).collect()),
        DataType::Double => Data::F64(tensor.double_data.clone()),
        DataType::Int64 if is_raw => Data::Integers(chunks(raw).map(i64::from_le_bytes).collect()),
        DataType::Int64 => Data::Integers(tensor.int64_data.clone()),
        DataType::Int32 if is_raw => {
            Data::Integers(chunks(raw).map(|bytes| i64::from(i32::from_le_bytes(bytes))).collect())
        }
        DataType::Uint8 if is_raw => Data::Integers(raw.iter().map(|&x| i64::from(x)).collect()),
        DataType::Int8 if is_raw => {
            Data::Integers(chunks(raw).map(|bytes| i64::from(i8::from_le_bytes(bytes))).collect())
        }
        DataType::Uint16 if is_raw => {
            Data::Integers(chunks(raw).map(|bytes| i64::from(u16::from_le_bytes(bytes))).collect())
        }
        DataType::Int16 if is_raw => {
            Data::Integers(chunks(raw).map(|bytes| i64::from(i16::from_le_bytes(bytes))).collect())
        }
        DataType::Uint8 | DataType::Int8 | DataType::Uint16 | DataType::Int16 | DataType::Int32 => {
            Data::Integers(wide(&tensor.int32_data))
        }
        DataType::Bool if is_raw => Data::Bool(raw.iter().map(|&b| i64::from(b != 0)).collect()),
        DataType::Bool => {
            Data::Bool(tensor.int32_data.iter().map(|&x| i64::from(x != 0)).collect())
        }
        _ => {
            let texts = tensor.string_data.iter();
            let texts: Result<Vec<_>, _> = texts.map(|b| String::from_utf8(b.to_vec())).collect();
            Data::Text(texts.map_err(|_| Fault::bad("holds text that is not UTF-8"))?)
        }
    };
    let shape = tensor.dims.iter().map(|&extent| u32::try_from(extent));
    let shape = shape.collect::<Result<_, _>>().expect("`element_type` bounds every extent");
    Ok(Rc::new(Tensor { shape, data, per_row: false }))
}

fn wide(values: &[i32]) -> Vec<i64> {
    values.iter().map(|&x| i64::from(x)).collect()
}

/// The number of elements of a shape.
///
/// # Errors
/// If an extent is negative or the number is beyond the limits.
pub(crate) fn element_count(extents: &[i64]) -> Result<usize, Fault> {
    if extents.len() > AXES_MAX {
        let what = format!("has {} axes; at most {AXES_MAX} are allowed", extents.len());
        return Err(Fault { code: LIMIT_EXCEEDED, what });
    }
    if let Some(extent) = extents.iter().find(|&&extent| extent < 0) {
        return Err(Fault::bad(format!("has the extent {extent}")));
    }
    let too_large = || Fault {
        code: LIMIT_EXCEEDED,
        what: format!("declares {extents:?} elements; at most {ELEMENTS_MAX} are allowed"),
    };
    // An extent of 0 must not hide others whose product fits no type.
    let bound = extents.iter().try_fold(1usize, |count, &extent| {
        let extent = usize::try_from(extent.max(1)).ok()?;
        count.checked_mul(extent).filter(|&count| count <= ELEMENTS_MAX)
    });
    let bound = bound.ok_or_else(too_large)?;
    Ok(if extents.contains(&0) { 0 } else { bound })
}

/// Type of the elements, if the tensor holds as many as it declares.
fn element_type(tensor: &TensorProto) -> Result<DataType, Fault> {
    if external::is_external(tensor) {
        return Err(external::fault(tensor));
    }
    let count = element_count(&tensor.dims)?;
    let ty = DataType::try_from(tensor.data_type).unwrap_or_default();
    let width = element_bytes(ty).unwrap_or(0);
    let listed = match ty {
        DataType::Float => tensor.float_data.len(),
        DataType::Double => tensor.double_data.len(),
        DataType::Int64 => tensor.int64_data.len(),
        DataType::Int32
        | DataType::Uint16
        | DataType::Int16
        | DataType::Uint8
        | DataType::Int8
        | DataType::Bool => tensor.int32_data.len(),
        DataType::String => tensor.string_data.len(),
        _ => {
            let name = data_type_name(tensor.data_type);
            return Err(Fault::bad(format!(
                "has elements of type `{name}`, which skxc does not read"
            )));
        }
    };
    let (found, unit) = if tensor.raw_data.is_empty() {
        (listed, "elements")
    } else {
        (tensor.raw_data.len(), "raw bytes")
    };
    let needed = if tensor.raw_data.is_empty() { count } else { count * width };
    if found != needed {
        let dims = &tensor.dims;
        return Err(Fault::bad(format!("holds {found} {unit}; its shape {dims:?} needs {needed}")));
    }
    Ok(ty)
}

/// Bytes of an element as raw data; none of text, which has no such form, and of
/// types that are not read.
pub(crate) fn element_bytes(ty: DataType) -> Option<usize> {
    match ty {
        DataType::Double | DataType::Int64 => Some(8),
        DataType::Float | DataType::Int32 => Some(4),
        DataType::Uint16 | DataType::Int16 => Some(2),
        DataType::Uint8 | DataType::Int8 | DataType::Bool => Some(1),
        _ => None,
    }
}

fn chunks<const N: usize>(raw: &[u8]) -> impl Iterator<Item = [u8; N]> + '_ {
    raw.chunks_exact(N).map(|chunk| chunk.try_into().expect("chunks have their length"))
}
