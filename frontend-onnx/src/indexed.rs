//! Integers that are a function of the index of one class: labels in disguise,
//! such as `1 - 2 * (score < 0)`, the sign of a score, or an element of a list
//! at the position that ArgMax found.
//!
//! The function is found by following the element back to where an index or a
//! truth value is made, and tabulated by the reference interpreter.

use std::collections::{BTreeMap, BTreeSet};

use skxc_ir::interpret::{self, Outcome};
use skxc_ir::limits::CLASSES_MAX;
use skxc_ir::{
    Constant, ElementType, Module, Operation as _, Output, OutputKind, Real, RealOp, Unary, Value,
};

/// An element as a function of one index.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Indexed {
    /// The value that holds the index: `i64`, `bool` or label; or the sign of a
    /// float, whose index is by 1 greater.
    pub(crate) source: Value,
    /// Which element of it.
    pub(crate) element: usize,
    /// The element by the index.
    pub(crate) entries: Vec<i64>,
}

/// Elements followed at most.
const STEPS_MAX: usize = 65_536;

/// Element `element` of `value`, an integer or a truth value, as a function of
/// the index of one class, if it is one.
pub(crate) fn indexed(module: &Module<Real>, value: Value, element: usize) -> Option<Indexed> {
    let slice = Slice::behind(module, value, element)?;
    let (source, source_element, count) = slice.source?;
    let entries = slice.tabulate(module, value, element, source, count)?;
    Some(Indexed { source, element: source_element, entries })
}

/// What an element depends on.
struct Slice {
    /// The values on the way, the source excluded.
    values: BTreeSet<Value>,
    /// The only index it depends on: value, element, and number of classes.
    source: Option<(Value, usize, usize)>,
}

impl Slice {
    /// Follows an element back. `None` if it depends on more than one index,
    /// or on a number that is no index.
    fn behind(module: &Module<Real>, value: Value, element: usize) -> Option<Self> {
        let mut slice = Self { values: BTreeSet::new(), source: None };
        let mut seen = BTreeSet::from([(value, element)]);
        let mut open = vec![(value, element)];
        while let Some((value, element)) = open.pop() {
            if let Some(count) = classes_of(module, value) {
                let source = (value, element, count);
                if *slice.source.get_or_insert(source) != source {
                    return None;
                }
                continue;
            }
            slice.values.insert(value);
            for dependency in dependencies(module, value, element)? {
                if seen.insert(dependency) {
                    open.push(dependency);
                }
            }
            if seen.len() > STEPS_MAX {
                return None;
            }
        }
        Some(slice)
    }

    /// The element for each index, computed on a copy of the slice.
    fn tabulate(
        &self,
        module: &Module<Real>,
        value: Value,
        element: usize,
        source: Value,
        count: usize,
    ) -> Option<Vec<i64>> {
        let mut copy = Module::<Real>::new("slice");
        copy.labels = module.labels.clone();
        copy.constants = module.constants.clone();
        let mut new: BTreeMap<Value, Value> = BTreeMap::new();
        let place = |copy: &mut Module<Real>, new: &mut BTreeMap<Value, Value>, old: Value| {
            new.entry(old).or_insert_with(|| {
                let node = module.node(old);
                let elements = vec![0.0; node.ty.shape.elements()];
                let constant = copy.constants.push(Constant { ty: node.ty.clone(), elements });
                copy.push(RealOp::Constant { constant }, node.ty.clone(), node.origin)
            });
        };
        place(&mut copy, &mut new, source);
        for &old in &self.values {
            let node = module.node(old);
            // What the element does not depend on may be anything.
            node.op.operands(&mut |operand| place(&mut copy, &mut new, operand));
            let mut op = node.op.clone();
            op.map_operands(&mut |operand| new[&operand]);
            let value = copy.push(op, node.ty.clone(), node.origin);
            new.insert(old, value);
        }
        let output =
            Output { name: "entry".to_owned(), kind: OutputKind::Value, value: *new.get(&value)? };
        copy.outputs.push(output);
        let RealOp::Constant { constant: index } = copy.node(new[&source]).op else {
            unreachable!("the source was replaced by a constant");
        };
        let least = if is_sign(module, source) { -1.0 } else { 0.0 };
        let entry = |class: usize| {
            copy.constants[index].elements.fill(class as f64 + least);
            match &interpret::float(&copy, &[])[0] {
                Outcome::Numbers(numbers) => numbers[element] as i64,
                Outcome::Label(_) => unreachable!("the output is of kind value"),
            }
        };
        Some((0..count).map(entry).collect())
    }
}

/// Is it -1, 0 or 1, by the sign of a float?
pub(crate) fn is_sign(module: &Module<Real>, value: Value) -> bool {
    module.ty(value).elem.is_float()
        && matches!(module.node(value).op, RealOp::Unary { function: Unary::Sign, .. })
}

/// The number of values that an element can have, if it is an index.
fn classes_of(module: &Module<Real>, value: Value) -> Option<usize> {
    let node = module.node(value);
    let count = match &node.op {
        RealOp::ArgMax { input } | RealOp::ArgMin { input } => {
            module.shape(*input).0.last().copied()? as usize
        }
        RealOp::Label { table, .. } => module.labels[*table].len(),
        RealOp::Unary { function: Unary::Sign, .. } if is_sign(module, value) => 3,
        RealOp::Compare { .. } | RealOp::Unary { function: Unary::Not, .. } => 2,
        RealOp::Binary { function, .. } if function.is_logical() => 2,
        RealOp::Cast { .. } if node.ty.elem == ElementType::Bool => 2,
        _ => return None,
    };
    (count <= CLASSES_MAX).then_some(count)
}

/// The elements from which an element is computed, if that is known.
fn dependencies(
    module: &Module<Real>,
    value: Value,
    element: usize,
) -> Option<Vec<(Value, usize)>> {
    let shape = module.shape(value);
    let met = |operand: Value| (operand, module.shape(operand).positions_in(shape)[element]);
    Some(match &module.node(value).op {
        RealOp::Constant { .. } => Vec::new(),
        RealOp::Cast { input } | RealOp::Reshape { input } | RealOp::Unary { input, .. } => {
            vec![(*input, element)]
        }
        RealOp::Lookup { input, .. } => vec![(*input, element)],
        RealOp::Binary { a, b, .. } => vec![met(*a), met(*b)],
        RealOp::Select { condition, a, b } => vec![met(*condition), met(*a), met(*b)],
        RealOp::Gather { input, indices } => vec![(*input, indices[element] as usize)],
        RealOp::Concat { inputs } => {
            let mut start = 0;
            let part = inputs.iter().find_map(|&input| {
                let inside = element - start;
                start += module.shape(input).elements();
                (element < start).then_some((input, inside))
            });
            vec![part?]
        }
        RealOp::Take { input, index } => {
            let list = 0..module.shape(*input).elements();
            let from_list = list.map(|element| (*input, element));
            [(*index, element)].into_iter().chain(from_list).collect()
        }
        RealOp::Input { .. }
        | RealOp::Compare { .. }
        | RealOp::Reduce { .. }
        | RealOp::MatMul { .. }
        | RealOp::Softmax { .. }
        | RealOp::CumulativeSum { .. }
        | RealOp::ArgSort { .. }
        | RealOp::TakeAlong { .. }
        | RealOp::TreeEnsemble { .. }
        | RealOp::ArgMax { .. }
        | RealOp::ArgMin { .. }
        | RealOp::Label { .. } => return None,
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::{WithAttributes, imported, integers, model, node, with_integers};
    use skxc_ir::interpret::{self, Outcome};
    use skxc_ir::{LabelTable, OutputKind};

    #[test]
    fn a_sign_is_a_label() {
        let nodes = vec![
            node("Less", &["X", "X"], &["outside"]),
            node("Cast", &["outside"], &["one"]).int("to", 7),
            node("Constant", &[], &["two"]).tensor("value", integers(&[-2])),
            node("Mul", &["one", "two"], &["sign"]),
            node("Constant", &[], &["inside"]).tensor("value", integers(&[1])),
            node("Add", &["sign", "inside"], &["Y"]),
        ];
        let module = imported(&model(1, nodes, &["Y"]));
        assert_eq!(module.outputs[0].kind, OutputKind::Label);
        let (_, table) = module.labels.iter().next().unwrap();
        assert_eq!(*table, LabelTable::Integers(vec![1, -1]));
    }

    #[test]
    fn the_sign_of_a_number_is_a_label() {
        let nodes =
            vec![node("Sign", &["X"], &["sign"]), node("Cast", &["sign"], &["Y"]).int("to", 7)];
        let module = imported(&model(1, nodes, &["Y"]));
        assert_eq!(module.outputs[0].kind, OutputKind::Label);
        let (_, table) = module.labels.iter().next().unwrap();
        assert_eq!(*table, LabelTable::Integers(vec![-1, 0, 1]));
        let classes = [0, 5].map(|x| interpret::float(&module, &[Some(x)]));
        assert_eq!(classes, [[Outcome::Label(1)], [Outcome::Label(2)]].map(Vec::from));
    }

    #[test]
    fn each_element_has_its_own_index() {
        let nodes = vec![
            node("ArgMax", &["X"], &["first"]).int("axis", 1),
            node("ArgMin", &["X"], &["second"]).int("axis", 1),
            node("Concat", &["first", "second"], &["Y"]).int("axis", 1),
        ];
        let module = imported(&model(3, nodes, &["Y"]));
        let kinds: Vec<_> = module.outputs.iter().map(|o| (o.name.as_str(), o.kind)).collect();
        assert_eq!(kinds, [("Y0", OutputKind::Label), ("Y1", OutputKind::Label)]);
    }

    #[test]
    fn a_sum_of_two_is_a_number() {
        let nodes = vec![
            node("ArgMax", &["X"], &["first"]).int("axis", 1),
            node("ArgMin", &["X"], &["second"]).int("axis", 1),
            node("Add", &["first", "second"], &["Y"]),
        ];
        assert_eq!(imported(&model(3, nodes, &["Y"])).outputs[0].kind, OutputKind::Value);
        let index = with_integers(
            model(1, vec![node("Cast", &["X"], &["Y"]).int("to", 7)], &["Y"]),
            "unused",
            &[0],
        );
        assert_eq!(imported(&index).outputs[0].kind, OutputKind::Value);
    }
}
