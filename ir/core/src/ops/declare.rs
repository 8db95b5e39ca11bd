//! The declaration of operations: [`operations!`] makes an enum of them, and all
//! that passes and analyses ask without knowing what an operation means, from
//! one entry each.
//!
//! An entry is `Name("name in the text form", OpKind) { fields }`. The name and
//! the kind may use the fields. The type of a field says what it is: a [`Value`]
//! is an operand, a handle of anything else refers to data of the module, the
//! rest are plain attributes.

use super::Movement;
use crate::arena::Handle;
use crate::forest::Forest;
use crate::function::Function;
use crate::matrix::Matrix;
use crate::module::{Column, Constant, Domain, LabelTable, Value};

/// How the elements of a result come about.
#[derive(Clone, Copy, Debug)]
pub enum OpKind<'a> {
    /// From no operand: a column or a constant.
    Leaf,
    /// Each is an element of an operand.
    Moves(Movement<'a>),
    /// Each is computed from the elements of the operands at its own place;
    /// shapes broadcast.
    Elementwise,
    /// Each may depend on several elements of an operand.
    Combines,
}

/// Data that an operation refers to, by its index in the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// Index of a column.
    Column(usize),
    /// Index of a constant.
    Constant(usize),
    /// Index of a forest.
    Forest(usize),
    /// A table of a function.
    Function(usize),
    /// The coefficients of a linear map.
    Matrix(usize),
    /// A table of labels.
    Labels(usize),
}

/// The same, to be changed.
#[derive(Debug)]
pub enum ReferenceMut<'a, D: Domain> {
    /// Handle of a column.
    Column(&'a mut Handle<Column>),
    /// Handle of a constant.
    Constant(&'a mut Handle<Constant<D>>),
    /// Handle of a forest.
    Forest(&'a mut Handle<Forest<D>>),
    /// A table of a function.
    Function(&'a mut Handle<Function>),
    /// The coefficients of a linear map.
    Matrix(&'a mut Handle<Matrix>),
    /// A table of labels.
    Labels(&'a mut Handle<LabelTable>),
}

/// A field of an operation in domain `D`. A plain attribute has no operands and
/// refers to nothing.
pub(super) trait Field<D: Domain> {
    /// Calls `visit` on each operand.
    fn operands(&self, _visit: &mut dyn FnMut(Value)) {}
    /// Replaces each operand by the value that `map` gives for it.
    fn map_operands(&mut self, _map: &mut dyn FnMut(Value) -> Value) {}
    /// Calls `visit` on each reference to data of the module.
    fn references(&self, _visit: &mut dyn FnMut(Reference)) {}
    /// Calls `visit` on each reference to data of the module, to be changed.
    fn references_mut(&mut self, _visit: &mut dyn FnMut(ReferenceMut<'_, D>)) {}
}

impl<D: Domain> Field<D> for Value {
    fn operands(&self, visit: &mut dyn FnMut(Value)) {
        visit(*self);
    }
    fn map_operands(&mut self, map: &mut dyn FnMut(Value) -> Value) {
        *self = map(*self);
    }
}

impl<D: Domain, T: Field<D>> Field<D> for Vec<T> {
    fn operands(&self, visit: &mut dyn FnMut(Value)) {
        self.iter().for_each(|field| field.operands(visit));
    }
    fn map_operands(&mut self, map: &mut dyn FnMut(Value) -> Value) {
        self.iter_mut().for_each(|field| field.map_operands(map));
    }
    fn references(&self, visit: &mut dyn FnMut(Reference)) {
        self.iter().for_each(|field| field.references(visit));
    }
    fn references_mut(&mut self, visit: &mut dyn FnMut(ReferenceMut<'_, D>)) {
        self.iter_mut().for_each(|field| field.references_mut(visit));
    }
}

/// Handles of data of a module, by the name of their reference.
macro_rules! handles {
    ($($data:ty: $reference:ident),* $(,)?) => {$(
        impl<D: Domain> Field<D> for Handle<$data> {
            fn references(&self, visit: &mut dyn FnMut(Reference)) {
                visit(Reference::$reference(self.index()));
            }
            fn references_mut(&mut self, visit: &mut dyn FnMut(ReferenceMut<'_, D>)) {
                visit(ReferenceMut::$reference(self));
            }
        }
    )*};
}

handles! {
    Column: Column,
    Constant<D>: Constant,
    Forest<D>: Forest,
    Function: Function,
    Matrix: Matrix,
    LabelTable: Labels,
}

/// Types of plain attributes.
macro_rules! attributes {
    ($($attribute:ty),* $(,)?) => {$(impl<D: Domain> Field<D> for $attribute {})*};
}

attributes! {
    u8,
    u32,
    i64,
    super::Binary,
    super::Extreme,
    super::IntBinary,
    super::IntReduction,
    super::Reduction,
    super::Relation,
    super::Rounding,
    super::Unary,
}

/// Declares the operations of a domain.
macro_rules! operations {
    (
        $(#[$meta:meta])*
        pub enum $operations:ident of $domain:ident {
            $(
                $(#[$about:meta])*
                $variant:ident($name:expr, $kind:expr) {
                    $($(#[$about_field:meta])* $field:ident: $ty:ty,)*
                }
            )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        pub enum $operations {
            $($(#[$about])* $variant { $($(#[$about_field])* $field: $ty,)* },)*
        }

        // An entry uses the fields that it needs.
        #[allow(unused_variables)]
        impl $crate::module::Operation for $operations {
            type Domain = $domain;

            fn operands(&self, visit: &mut dyn FnMut($crate::module::Value)) {
                match self {
                    $(Self::$variant { $($field,)* } => {
                        $(Field::<$domain>::operands($field, visit);)*
                    })*
                }
            }

            fn map_operands(
                &mut self,
                map: &mut dyn FnMut($crate::module::Value) -> $crate::module::Value,
            ) {
                match self {
                    $(Self::$variant { $($field,)* } => {
                        $(Field::<$domain>::map_operands($field, map);)*
                    })*
                }
            }

            fn references(&self, visit: &mut dyn FnMut($crate::ops::Reference)) {
                match self {
                    $(Self::$variant { $($field,)* } => {
                        $(Field::<$domain>::references($field, visit);)*
                    })*
                }
            }

            fn references_mut(
                &mut self,
                visit: &mut dyn FnMut($crate::ops::ReferenceMut<'_, $domain>),
            ) {
                match self {
                    $(Self::$variant { $($field,)* } => {
                        $(Field::<$domain>::references_mut($field, visit);)*
                    })*
                }
            }

            fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant { $($field,)* } => $name,)*
                }
            }

            fn kind(&self) -> $crate::ops::OpKind<'_> {
                match self {
                    $(Self::$variant { $($field,)* } => $kind,)*
                }
            }
        }
    };
}

pub(super) use operations;
