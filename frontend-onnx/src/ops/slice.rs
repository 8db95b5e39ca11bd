//! Slice (ai.onnx 1 to 28) with constant bounds: attributes before operator
//! set 10, inputs since. Bounds beyond the extent are clamped, negative ones
//! count from the end. skl2onnx writes inputs before set 10, too, around a tree
//! of one class; they say what is meant, so they are taken.

use skxc_diagnostics::codes::{ATTRIBUTE_INVALID, LENGTHS_DIFFER, TYPE_MISMATCH};

use super::Operator;
use crate::import::{Importer, known};
use crate::node::{Imported, Node, Operand};

pub(super) static SLICE: Operator = Operator {
    domain: "ai.onnx",
    name: "Slice",
    since: 1,
    inputs: 1..=5,
    attributes: &["starts", "ends", "axes"],
    supported: "by constant bounds, not across rows",
    import,
};

fn import(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let shape = match node.operand(0)? {
        Operand::Value(value) => importer.module.shape(*value).0.clone(),
        Operand::Constant(tensor) => tensor.shape.clone(),
        Operand::Results(_) | Operand::Refused => {
            let message = "`Slice` of a map is not supported";
            return Err(node.operand_error(0, TYPE_MISMATCH, message).into());
        }
    };
    let kept = kept_positions(node, &shape)?;
    match node.operand(0)? {
        Operand::Constant(tensor) => {
            let (picked, to) = positions_kept(&shape, &kept);
            Ok(vec![known(tensor.pick(to, &picked))])
        }
        Operand::Value(value) => {
            let value = *value;
            for (axis, kept) in kept.iter().enumerate() {
                if !kept.iter().copied().eq(0..shape[axis]) {
                    importer.check_axis(node, &shape, axis)?;
                }
            }
            let (picked, to) = positions_kept(&shape, &kept);
            if let [1, _] = shape[..] {
                let columns = kept.last().cloned().unwrap_or_default();
                return Ok(vec![Operand::Value(importer.gather(value, columns, node.origin))]);
            }
            let picked = picked.into_iter().map(|at| at as u32).collect();
            Ok(vec![Operand::Value(importer.pick(value, picked, &to, node.origin))])
        }
        other @ (Operand::Results(_) | Operand::Refused) => Ok(vec![other.clone()]),
    }
}

/// The bounds of a slice: starts, ends, axes, steps.
type Bounds<'n> = (&'n [i64], &'n [i64], Option<&'n [i64]>, Option<&'n [i64]>);

fn bounds<'n>(node: &'n Node<'_>) -> Imported<Bounds<'n>> {
    if node.version < 10 && node.optional(1).is_none() {
        let axes = node.ints("axes")?;
        let axes = (!axes.is_empty()).then_some(axes);
        return Ok((node.ints("starts")?, node.ints("ends")?, axes, None));
    }
    let optional = |position, what| match node.optional(position) {
        Some(_) => node.constant_integers(position, what).map(Some),
        None => Ok(None),
    };
    let (starts, ends) = (node.constant_integers(1, "starts")?, node.constant_integers(2, "ends")?);
    Ok((starts, ends, optional(3, "axes")?, optional(4, "steps")?))
}

/// The positions that stay along each axis.
fn kept_positions(node: &Node<'_>, shape: &[u32]) -> Imported<Vec<Vec<u32>>> {
    let (starts, ends, axes, steps) = bounds(node)?;
    let count = starts.len();
    let same = |list: Option<&[i64]>| list.is_none_or(|list| list.len() == count);
    if ends.len() != count || !same(axes) || !same(steps) || count > shape.len() {
        let message = "the bounds of `Slice` are not as many as its axes";
        return Err(node.error(LENGTHS_DIFFER, message).into());
    }
    let mut kept: Vec<Vec<u32>> = shape.iter().map(|&extent| (0..extent).collect()).collect();
    for index in 0..count {
        let axis = node.axis(axes.map_or(index as i64, |axes| axes[index]), shape.len())?;
        let step = steps.map_or(1, |steps| steps[index]);
        if step == 0 {
            let message = "`Slice` has a step of 0";
            return Err(node.error(ATTRIBUTE_INVALID, message).into());
        }
        kept[axis] = positions(shape[axis], starts[index], ends[index], step);
    }
    Ok(kept)
}

fn positions(extent: u32, start: i64, end: i64, step: i64) -> Vec<u32> {
    if extent == 0 {
        return Vec::new();
    }
    let extent = i64::from(extent);
    let count = |bound: i64| if bound < 0 { bound.saturating_add(extent) } else { bound };
    let (least, most) = if step > 0 { (0, extent) } else { (-1, extent - 1) };
    // A start may not lie before the first element (ONNX Slice, `starts`).
    let mut position = count(start).clamp(0, if step > 0 { extent } else { extent - 1 });
    let end = count(end).clamp(least, most);
    let mut kept = Vec::new();
    while if step > 0 { position < end } else { position > end } {
        kept.push(u32::try_from(position).expect("clamped to the extent"));
        position = position.saturating_add(step);
    }
    kept
}

/// The row-major positions of what is kept along each axis, and its shape.
fn positions_kept(from: &[u32], kept: &[Vec<u32>]) -> (Vec<usize>, Vec<u32>) {
    let mut picked = vec![0usize];
    for (axis, positions) in kept.iter().enumerate() {
        let extent = from[axis] as usize;
        picked = picked
            .iter()
            .flat_map(|&outer| positions.iter().map(move |&p| outer * extent + p as usize))
            .collect();
    }
    let shape = kept.iter().map(|positions| u32::try_from(positions.len()));
    let shape = shape.collect::<Result<_, _>>().expect("a slice is within its operand");
    (picked, shape)
}

#[cfg(test)]
mod tests {
    use super::positions;
    use crate::testing::{model, node, operations, said, with_integers};

    #[test]
    fn columns_are_cut_and_rows_are_not() {
        let cut = |axis: i64| {
            let cut = node("Slice", &["X", "from", "to", "axes"], &["Y"]);
            let model = with_integers(model(3, vec![cut], &["Y"]), "from", &[1]);
            with_integers(with_integers(model, "to", &[i64::MAX]), "axes", &[axis])
        };
        assert_eq!(operations(&cut(1))[1], "%1 = gather %0 [1, 2] : f32[1x2]");
        assert_eq!(said(&cut(0)), ["SKX0108: `Slice` along axis 0 is not supported"]);
        assert_eq!(said(&cut(2)), ["SKX0104: axis 2 is not one of the 2 axes of the input"]);
    }

    #[test]
    fn inputs_are_bounds_in_every_version() {
        let cut = node("Slice", &["X", "from", "to", "axes"], &["Y"]);
        let model = with_integers(model(3, vec![cut], &["Y"]), "from", &[1]);
        let mut model = with_integers(with_integers(model, "to", &[2]), "axes", &[1]);
        model.opset_import[0].version = 9;
        assert_eq!(operations(&model)[1], "%1 = gather %0 [1] : f32[1x1]");
    }

    #[test]
    fn nothing_left_is_refused() {
        let cut = node("Slice", &["X", "from", "from"], &["Y"]);
        let model = with_integers(model(3, vec![cut], &["Y"]), "from", &[0, 3]);
        assert_eq!(said(&model), ["SKX0108: `Slice` along axis 0 is not supported"]);
    }

    #[test]
    fn bounds_are_clamped_and_count_from_the_end() {
        assert_eq!(positions(5, 1, 3, 1), [1, 2]);
        assert_eq!(positions(5, -2, i64::MAX, 1), [3, 4]);
        assert_eq!(positions(5, 4, i64::MIN, -2), [4, 2, 0]);
        assert_eq!(positions(5, i64::MAX, i64::MIN, i64::MIN), [4]);
        assert_eq!(positions(0, 0, 1, 1), [0; 0]);
        assert_eq!(positions(0, 0, -5, -1), [0; 0]);
    }
}
