//! Tensors whose data is kept in other files (onnx.proto3,
//! `TensorProto.external_data`; docs/ExternalData.md of ONNX).
//!
//! What must hold:
//! - nothing is read unless the caller gives a way to read it, and all that is
//!   asked for is bounded before: as many bytes as the shape of the tensor
//!   needs, and [`EXTERNAL_BYTES_MAX`] of all tensors together;
//! - the caller decides what a location may name. It is text of the model.

use skxc_diagnostics::codes::{EXTERNAL_DATA, UNSUPPORTED_PART};
use skxc_diagnostics::escape_to_one_line;

use crate::limits::EXTERNAL_BYTES_MAX;
use crate::listing::short;
use crate::proto::{DataLocation, DataType, GraphProto, StringStringEntryProto, TensorProto};
use crate::tensor::{Fault, element_bytes, element_count};

/// Where the data of a tensor lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalRange<'a> {
    /// The file, relative to the folder of the model, as the model names it.
    pub location: &'a str,
    /// Where in the file it begins.
    pub offset: u64,
    /// How many bytes it has.
    pub length: u64,
}

/// Reads as many bytes as asked for, or says why not, to follow the name of the
/// file: `is not there`.
pub type ReadExternal<'r> = dyn FnMut(&ExternalRange<'_>) -> Result<Vec<u8>, String> + 'r;

/// Key of the entry that says why the data of a tensor could not be read; it
/// takes the place of all others.
const REFUSED: &str = "refused";
/// Characters of that which are shown.
const WHY_CHARS_MAX: usize = 400;

/// Is the data of this tensor in another file?
pub(crate) fn is_external(tensor: &TensorProto) -> bool {
    tensor.data_location() == DataLocation::External || !tensor.external_data.is_empty()
}

/// Reads the data of all tensors that are kept in other files. What cannot be
/// read stays external, with the reason.
pub(crate) fn read_all(graph: &mut GraphProto, read: &mut ReadExternal<'_>) {
    let attributes = graph.node.iter_mut().flat_map(|node| &mut node.attribute);
    let of_nodes = attributes.filter_map(|attribute| attribute.t.as_mut());
    let mut left = EXTERNAL_BYTES_MAX;
    for tensor in graph.initializer.iter_mut().chain(of_nodes).filter(|it| is_external(it)) {
        match read_tensor(tensor, &mut left, read) {
            Ok(bytes) => {
                tensor.raw_data = bytes.into();
                tensor.external_data.clear();
                tensor.set_data_location(DataLocation::Default);
            }
            Err(why) => {
                let value = format!("`{}`, which {why}", short(location(tensor)));
                let entry = StringStringEntryProto { key: REFUSED.to_owned(), value };
                tensor.external_data = vec![entry];
                tensor.set_data_location(DataLocation::External);
            }
        }
    }
}

/// Why a tensor with data in another file has none.
pub(crate) fn fault(tensor: &TensorProto) -> Fault {
    match &tensor.external_data[..] {
        [refused] if refused.key == REFUSED => {
            // A file may have such an entry after all: then it is text like any other.
            let why: String = refused.value.chars().take(WHY_CHARS_MAX).collect();
            let what = format!("is kept in {}", escape_to_one_line(&why));
            Fault { code: EXTERNAL_DATA, what }
        }
        _ => {
            let what = format!("is kept in another file, `{}`", short(location(tensor)));
            Fault { code: UNSUPPORTED_PART, what }
        }
    }
}

fn location(tensor: &TensorProto) -> &str {
    entry(tensor, "location").unwrap_or_default()
}

fn entry<'a>(tensor: &'a TensorProto, key: &str) -> Option<&'a str> {
    let found = tensor.external_data.iter().find(|entry| entry.key == key);
    found.map(|entry| entry.value.as_str())
}

fn read_tensor(
    tensor: &TensorProto,
    left: &mut u64,
    read: &mut ReadExternal<'_>,
) -> Result<Vec<u8>, String> {
    let listed = [
        tensor.raw_data.len(),
        tensor.float_data.len(),
        tensor.double_data.len(),
        tensor.int32_data.len(),
        tensor.int64_data.len(),
        tensor.string_data.len(),
    ];
    if listed.iter().any(|&count| count > 0) {
        return Err("is not its only data: the tensor has some in the model as well".to_owned());
    }
    let number = |key| match entry(tensor, key) {
        None => Ok(None),
        Some(text) => text.trim().parse::<u64>().map(Some).map_err(|_| {
            format!("has no number as `{key}`, but `{}`", escape_to_one_line(&short(text)))
        }),
    };
    let (offset, length) = (number("offset")?.unwrap_or(0), number("length")?);
    let ty = DataType::try_from(tensor.data_type).unwrap_or_default();
    let bytes = element_bytes(ty).ok_or("cannot hold elements of this type")?;
    let count = element_count(&tensor.dims)
        .map_err(|fault| format!("cannot hold it: the tensor {}", fault.what))?;
    let needed = count as u64 * bytes as u64;
    if let Some(length) = length.filter(|&length| length != needed) {
        let dims = &tensor.dims;
        return Err(format!("has {length} bytes of it; its shape {dims:?} needs {needed}"));
    }
    *left = left.checked_sub(needed).ok_or_else(|| {
        format!("is too much: at most {EXTERNAL_BYTES_MAX} bytes are read from other files")
    })?;
    let range = ExternalRange { location: location(tensor), offset, length: needed };
    let bytes = read(&range)?;
    assert_eq!(bytes.len() as u64, needed, "a reader gives what it is asked for");
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use skxc_diagnostics::Sources;
    use skxc_ir::{Column, Interval};

    use super::*;
    use crate::proto::ModelProto;
    use crate::testing::{graph, model, node};
    use crate::{Import, ImportOptions, ModelInputs, import_with};

    /// `X + w`, where `w` has `dims` doubles in another file.
    fn kept(dims: &[i64], entries: &[(&str, &str)]) -> ModelProto {
        let mut model = model(2, vec![node("Add", &["X", "w"], &["Y"])], &["Y"]);
        let entry = |&(key, value): &(&str, &str)| StringStringEntryProto {
            key: key.to_owned(),
            value: value.to_owned(),
        };
        graph(&mut model).initializer.push(TensorProto {
            name: "w".to_owned(),
            dims: dims.to_vec(),
            data_type: DataType::Float.into(),
            external_data: entries.iter().map(entry).collect(),
            data_location: DataLocation::External.into(),
            ..Default::default()
        });
        model
    }

    fn import(model: &ModelProto, read: &mut ReadExternal<'_>) -> Import {
        let range = Interval::new(0, 255);
        let column = |i| Column { name: format!("c{i}"), range, missing: None };
        let mut bind = |inputs: &ModelInputs| Ok((0..inputs.width()).map(column).collect());
        let mut options =
            ImportOptions { file_name: "model.onnx", model_name: "model", bind: &mut bind };
        let bytes = model.encode_to_vec();
        import_with(&bytes, &mut options, Some(read), &mut Sources::default())
    }

    #[test]
    fn data_is_read_where_it_lies() {
        let model = kept(&[1, 2], &[("location", "w.bin"), ("offset", "8"), ("length", "8")]);
        let mut asked = Vec::new();
        let imported = import(&model, &mut |range| {
            asked.push((range.location.to_owned(), range.offset, range.length));
            Ok([1.5f32, -2.0].iter().flat_map(|it| it.to_le_bytes()).collect())
        });
        assert_eq!(asked, [("w.bin".to_owned(), 8, 8)]);
        let module = imported.module.unwrap_or_else(|| panic!("{:?}", imported.diagnostics));
        let (_, constant) = module.constants.iter().next().unwrap();
        assert_eq!(constant.elements, [1.5, -2.0]);
    }

    #[test]
    fn nothing_is_read_that_the_shape_does_not_need() {
        for (dims, entries, expect) in [
            (&[1, 2][..], &[("location", "w"), ("length", "9")][..], "has 9 bytes of it"),
            (&[1, 2], &[("location", "w"), ("offset", "-1")], "no number as `offset`"),
            (&[1 << 40], &[("location", "w")], "at most 16777216 are allowed"),
            (&[1, 2], &[("location", "w"), ("length", "99999999999999999999")], "no number"),
            (&[1, 2], &[("refused", "w")], "`w`, which is not there"),
        ] {
            let mut model = kept(dims, entries);
            if entries[0].0 == "refused" {
                graph(&mut model).initializer[0].external_data[0].key = "location".to_owned();
            }
            let imported = import(&model, &mut |_| Err("is not there".to_owned()));
            let [said] = &imported.diagnostics[..] else { panic!("{:?}", imported.diagnostics) };
            assert_eq!(said.code, EXTERNAL_DATA);
            assert!(said.message.contains(expect), "{}", said.message);
        }
    }

    #[test]
    fn all_tensors_together_have_a_limit() {
        let mut model = kept(&[1 << 24], &[("location", "w")]);
        let tensor = graph(&mut model).initializer[0].clone();
        for copy in 0..4 {
            let name = format!("copy{copy}");
            graph(&mut model).initializer.push(TensorProto { name, ..tensor.clone() });
        }
        let mut asked = 0;
        import(&model, &mut |range| {
            asked += range.length;
            Err("is not there".to_owned())
        });
        assert!(asked <= EXTERNAL_BYTES_MAX, "{asked}");
    }
}
