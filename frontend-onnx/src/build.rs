//! What operators are made of: the operations of the IR, with the checks that
//! ONNX asks for, and the movement of data that the IR knows only along the
//! last axis of a row.

use skxc_diagnostics::Diagnostic;
use skxc_diagnostics::codes::{LIMIT_EXCEEDED, TYPE_MISMATCH, UNSUPPORTED_FORM};
use skxc_ir::{
    Binary, Constant, ElementType, LabelTable, OriginId, RealOp, Reduction, Relation, Type, Unary,
    Value,
};

use crate::import::Importer;
use crate::limits::RESULT_ELEMENTS_MAX;
use crate::node::{Imported, Node};

/// Largest magnitude of an integer that is exact as an element of a constant.
pub(crate) const INTEGER_MAX: u64 = 1 << 53;

impl Importer<'_> {
    /// The operand at `position` as numbers or truth values: integer labels
    /// become integers.
    pub(crate) fn numbers(&mut self, node: &Node<'_>, position: usize) -> Imported<Value> {
        let value = self.value(node, position)?;
        self.as_numbers(value, node.origin).ok_or_else(|| {
            let message = format!("`{}` cannot compute with text labels", node.name());
            node.operand_error(position, TYPE_MISMATCH, message).into()
        })
    }

    /// The operand at `position`, which must be of type `float` or `double`.
    pub(crate) fn floats(&mut self, node: &Node<'_>, position: usize) -> Imported<Value> {
        let value = self.numbers(node, position)?;
        let ty = self.module.ty(value);
        if ty.elem.is_float() {
            return Ok(value);
        }
        let message = format!("`{}` needs `float` or `double`, not `{ty}`", node.name());
        Err(node.operand_error(position, TYPE_MISMATCH, message).into())
    }

    /// The first operand as the row of features `f32[1xn]` that the operators of
    /// ai.onnx.ml compute with, and `n`: a list is a row too.
    pub(crate) fn feature_row(&mut self, node: &Node<'_>) -> Imported<(Value, u32)> {
        let input = self.numbers(node, 0)?;
        let ty = self.module.ty(input);
        let width = match ty.shape.0[..] {
            [width] | [1, width] if width > 0 => width,
            _ => {
                let message = format!("`{}` needs a row of features, not `{ty}`", node.name());
                return Err(node.operand_error(0, TYPE_MISMATCH, message).into());
            }
        };
        if ty.elem == ElementType::Bool {
            let message = format!("`{}` needs numbers, not truth values", node.name());
            return Err(node.operand_error(0, TYPE_MISMATCH, message).into());
        }
        let input = self.cast(input, ElementType::F32, node.origin);
        Ok((self.reshape(input, &[1, width], node.origin), width))
    }

    /// Integer labels as integers, other values as they are; `None` for text.
    pub(crate) fn as_numbers(&mut self, value: Value, origin: OriginId) -> Option<Value> {
        let ElementType::Label(table) = self.module.ty(value).elem else { return Some(value) };
        let LabelTable::Integers(labels) = &self.module.labels[table] else { return None };
        if labels.iter().any(|label| label.unsigned_abs() > INTEGER_MAX) {
            return None;
        }
        let labels: Vec<f64> = labels.iter().map(|&label| label as f64).collect();
        Some(self.table(labels, ElementType::I64, value, origin))
    }

    /// The elements of a list at the positions that `index` holds.
    pub(crate) fn table(
        &mut self,
        elements: Vec<f64>,
        elem: ElementType,
        index: Value,
        origin: OriginId,
    ) -> Value {
        let list = self.list(elements, elem, origin);
        self.take(list, index, origin)
    }

    /// A constant list.
    pub(crate) fn list(&mut self, elements: Vec<f64>, elem: ElementType, at: OriginId) -> Value {
        let extent = u32::try_from(elements.len()).expect("the limits bound every list");
        self.constant_of(elements, Type::new(elem, &[extent]), at)
    }

    /// A constant without axes.
    pub(crate) fn scalar(&mut self, number: f64, elem: ElementType, origin: OriginId) -> Value {
        self.constant_of(vec![number], Type::new(elem, &[]), origin)
    }

    /// A constant of these elements.
    pub(crate) fn constant_of(&mut self, elements: Vec<f64>, ty: Type, origin: OriginId) -> Value {
        let constant = self.module.constants.push(Constant { ty: ty.clone(), elements });
        self.module.push(RealOp::Constant { constant }, ty, origin)
    }

    /// A function of each element.
    pub(crate) fn unary(&mut self, function: Unary, input: Value, origin: OriginId) -> Value {
        let ty = self.module.ty(input).clone();
        self.module.push(RealOp::Unary { function, input }, ty, origin)
    }

    /// A function of two elements.
    ///
    /// # Errors
    /// If types or shapes do not fit.
    pub(crate) fn binary(
        &mut self,
        node: &Node<'_>,
        function: Binary,
        a: Value,
        b: Value,
    ) -> Imported<Value> {
        let ty = self.broadcast(node, a, b)?;
        Ok(self.module.push(RealOp::Binary { function, a, b }, ty, node.origin))
    }

    /// A comparison.
    ///
    /// # Errors
    /// If types or shapes do not fit.
    pub(crate) fn compare(
        &mut self,
        node: &Node<'_>,
        relation: Relation,
        a: Value,
        b: Value,
    ) -> Imported<Value> {
        let ty = Type { elem: ElementType::Bool, ..self.broadcast(node, a, b)? };
        Ok(self.module.push(RealOp::Compare { relation, a, b }, ty, node.origin))
    }

    /// `a` where `condition` holds, else `b`.
    ///
    /// # Errors
    /// If types or shapes do not fit.
    pub(crate) fn select(
        &mut self,
        node: &Node<'_>,
        condition: Value,
        a: Value,
        b: Value,
    ) -> Imported<Value> {
        let either = self.broadcast(node, a, b)?;
        let asked = self.module.ty(condition);
        let shape = either.shape.broadcast(&asked.shape);
        let Some(shape) = shape.filter(|shape| is_bounded(&shape.0)) else {
            let message = format!("`{}` cannot choose `{either}` by `{asked}`", node.name());
            return Err(node.error(TYPE_MISMATCH, message).into());
        };
        let ty = Type { elem: either.elem, shape };
        Ok(self.module.push(RealOp::Select { condition, a, b }, ty, node.origin))
    }

    fn broadcast(&self, node: &Node<'_>, a: Value, b: Value) -> Imported<Type> {
        let (a, b) = (self.module.ty(a), self.module.ty(b));
        let shape = if a.elem == b.elem { a.shape.broadcast(&b.shape) } else { None };
        let Some(shape) = shape else {
            let message = format!("`{}` cannot join `{a}` and `{b}`", node.name());
            return Err(node.error(TYPE_MISMATCH, message).into());
        };
        if !is_bounded(&shape.0) {
            return Err(too_large(node).into());
        }
        Ok(Type { elem: a.elem, shape })
    }

    /// The product of two matrices.
    ///
    /// # Errors
    /// If types or shapes do not fit.
    pub(crate) fn matmul(&mut self, node: &Node<'_>, a: Value, b: Value) -> Imported<Value> {
        let (of_a, of_b) = (self.module.ty(a), self.module.ty(b));
        let shapes = (&of_a.shape.0[..], &of_b.shape.0[..]);
        let fits = of_a.elem == of_b.elem && matches!(shapes, ([_, k], [l, _]) if k == l);
        let (&[rows, shared], &[_, width], true) = (shapes.0, shapes.1, fits) else {
            let message = format!("`{}` cannot multiply `{of_a}` and `{of_b}`", node.name());
            return Err(node.error(TYPE_MISMATCH, message).into());
        };
        if !is_bounded(&[rows, shared, width]) {
            let message =
                format!("`{}` adds more than {RESULT_ELEMENTS_MAX} products", node.name());
            return Err(node.error(LIMIT_EXCEEDED, message).into());
        }
        let ty = Type::new(of_a.elem, &[rows, width]);
        Ok(self.module.push(RealOp::MatMul { a, b }, ty, node.origin))
    }

    /// The last axis reduced; the result does not have it.
    pub(crate) fn reduce(&mut self, function: Reduction, input: Value, origin: OriginId) -> Value {
        let mut ty = self.module.ty(input).clone();
        ty.shape.0.pop();
        self.module.push(RealOp::Reduce { function, input }, ty, origin)
    }

    /// The elements of a list or a row at computed positions.
    pub(crate) fn take(&mut self, input: Value, index: Value, origin: OriginId) -> Value {
        let shape = self.module.shape(index).clone();
        let ty = Type { elem: self.module.ty(input).elem, shape };
        self.module.push(RealOp::Take { input, index }, ty, origin)
    }

    /// The elements of `input` at the row-major positions `picked`, of the shape `shape`.
    pub(crate) fn pick(
        &mut self,
        input: Value,
        picked: Vec<u32>,
        shape: &[u32],
        origin: OriginId,
    ) -> Value {
        let count = self.module.shape(input).elements();
        if picked.len() == count && picked.iter().copied().zip(0..).all(|(from, to)| from == to) {
            return self.reshape(input, shape, origin);
        }
        let extent = u32::try_from(count).expect("the limits bound every extent");
        let row =
            if self.is_row(input) { input } else { self.reshape(input, &[1, extent], origin) };
        let picked = self.gather(row, picked, origin);
        self.reshape(picked, shape, origin)
    }

    /// Has it no extent but that of its last axis?
    fn is_row(&self, value: Value) -> bool {
        let shape = &self.module.shape(value).0;
        shape.split_last().is_some_and(|(_, leading)| leading.iter().all(|&extent| extent == 1))
    }

    /// `input` with its axes in the order `order` (ONNX Transpose, `perm`).
    pub(crate) fn permute(&mut self, input: Value, order: &[usize], origin: OriginId) -> Value {
        let from = self.module.shape(input).0.clone();
        let strides = strides(&from);
        let mut picked = vec![0u32];
        for &axis in order {
            let stride = strides[axis];
            let along = |&outer: &u32| (0..from[axis]).map(move |i| outer + i * stride);
            picked = picked.iter().flat_map(along).collect();
        }
        let to: Vec<u32> = order.iter().map(|&axis| from[axis]).collect();
        self.pick(input, picked, &to, origin)
    }

    /// `input` with `axis` moved behind all others.
    pub(crate) fn axis_last(&mut self, input: Value, axis: usize, origin: OriginId) -> Value {
        let rank = self.module.shape(input).0.len();
        let order: Vec<usize> = (0..rank).filter(|&other| other != axis).chain([axis]).collect();
        self.permute(input, &order, origin)
    }

    /// The reverse of [`Importer::axis_last`]: the last axis becomes `axis`.
    pub(crate) fn axis_back(&mut self, input: Value, axis: usize, origin: OriginId) -> Value {
        let rank = self.module.shape(input).0.len();
        let order: Vec<usize> = (0..axis).chain([rank - 1]).chain(axis..rank - 1).collect();
        self.permute(input, &order, origin)
    }

    /// Refuses what would compare or join rows of the batch, which is the first
    /// axis of a matrix with one row. Constants have no batch.
    pub(crate) fn check_axis(&self, node: &Node<'_>, shape: &[u32], axis: usize) -> Imported<()> {
        let counts_rows = axis == 0 && matches!(shape, [1, _]) && !self.folds;
        if !counts_rows {
            return Ok(());
        }
        let message = format!("`{}` along axis 0 is not supported", node.name());
        let error = node.attribute_error("axis", UNSUPPORTED_FORM, message);
        Err(error.note("axis 0 counts rows, and skxc sees one row at a time").into())
    }
}

/// The distance between neighbours along each axis.
pub(crate) fn strides(shape: &[u32]) -> Vec<u32> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

/// The error about a result beyond the limits.
pub(crate) fn too_large(node: &Node<'_>) -> Diagnostic {
    let message = format!("`{}` makes more than {RESULT_ELEMENTS_MAX} elements", node.name());
    node.error(LIMIT_EXCEEDED, message)
}

/// Is the number of elements within the limits?
pub(crate) fn is_bounded(shape: &[u32]) -> bool {
    let count = shape.iter().fold(1u64, |count, &extent| count.saturating_mul(extent.into()));
    count <= RESULT_ELEMENTS_MAX as u64
}
