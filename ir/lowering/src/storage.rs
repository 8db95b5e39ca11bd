//! Where the values of a module live while a row is decided: which of them code
//! computes, in which place, and where loops find their operands. Every back end
//! takes these decisions as they are.
//!
//! What must hold:
//! - whatever is read has been computed, into the place where it is read from;
//! - a place is written by one value;
//! - a module and the plans of its maps determine all of it.

mod fusion;
mod liveness;
mod locals;
mod operands;

use std::collections::BTreeSet;

use self::fusion::Fusion;
pub use self::liveness::operand_elements;
use self::locals::Locals;
pub use self::operands::{Operand, OperandId, Source};
use crate::{Elements, Maps};
use skxc_ir::module::{Int, Module, Operation as _, Value};
use skxc_ir::ops::IntOp;

/// A value of at most so many elements is computed one element after another,
/// without a loop.
pub const STRAIGHT_MAX: usize = 8;

/// Where the result of a value is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// With the sums of its forest.
    Sums,
    /// In a local variable: one number.
    Local,
    /// In an array of the scratch.
    Array {
        /// Its length: the elements of the value, or the power of two above.
        length: usize,
    },
    /// Nowhere: the value that reads it computes it on its way.
    Fused,
}

/// The storage of a module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Storage {
    computed: Vec<Value>,
    read: BTreeSet<Value>,
    locals: Locals,
    fusion: Fusion,
    /// By value, in the order in which its code asks for them.
    operands: Vec<Vec<Operand>>,
    /// The place of each value.
    places: Vec<Option<Place>>,
}

/// What storage is decided from.
#[derive(Clone, Copy, Debug)]
struct Input<'a> {
    module: &'a Module<Int>,
    elements: &'a Elements,
    maps: &'a Maps,
}

impl Storage {
    /// Decides for a valid module, of which `elements` are the places of its
    /// elements and `maps` the plans of its linear maps.
    #[must_use]
    pub(crate) fn of(module: &Module<Int>, elements: &Elements, maps: &Maps) -> Self {
        let input = Input { module, elements, maps };
        let computed = liveness::computed(input);
        let reads = computed.iter().flat_map(|&value| liveness::reads(input, value));
        let read = reads.filter_map(|element| element.computed_by()).collect();
        let locals = Locals::of(input);
        let fusion = Fusion::of(input, &computed);
        let mut storage = Self { computed, read, locals, fusion, ..Self::default() };
        // A computed position must stay inside its array as the verifier sees it, by a
        // mask.
        let is_masked = module.values().any(|value| {
            matches!(module.node(value).op, IntOp::Take { .. } | IntOp::TakeAlong { .. })
        });
        let place = |value| storage.place_of(module, value, is_masked);
        storage.places = module.values().map(place).collect();
        storage.operands = operands::of(input, &storage);
        storage
    }

    fn place_of(&self, module: &Module<Int>, value: Value, is_masked: bool) -> Option<Place> {
        let (op, elements) = (&module.node(value).op, module.shape(value).elements());
        if op.movement().is_some() || matches!(op, IntOp::Input { .. } | IntOp::Constant { .. }) {
            return None;
        }
        let is_sorted = matches!(op, IntOp::ArgSort { .. });
        let length = if is_sorted || is_masked { elements.next_power_of_two() } else { elements };
        Some(match op {
            IntOp::TreeEnsemble { .. } => Place::Sums,
            _ if self.fusion.is_fused(value) => Place::Fused,
            _ if self.locals.holds(module, value) => Place::Local,
            _ => Place::Array { length },
        })
    }

    /// The values that code computes, each after its operands.
    #[must_use]
    pub fn computed(&self) -> &[Value] {
        &self.computed
    }

    /// Does code read an element of the value? What the outputs read does not count.
    #[must_use]
    pub fn is_read(&self, value: Value) -> bool {
        self.read.contains(&value)
    }

    /// Where the result of a value is kept; `None` for what only names elements of
    /// other values, columns and constants.
    #[must_use]
    pub fn place(&self, value: Value) -> Option<Place> {
        self.places[value.index()]
    }

    /// The length of the array that a value is computed into.
    ///
    /// # Panics
    /// If it is not computed into an array.
    #[must_use]
    pub fn array_length(&self, value: Value) -> usize {
        match self.place(value) {
            Some(Place::Array { length }) => length,
            place => panic!("value %{} is in an array, not in {place:?}", value.index()),
        }
    }

    /// Is it a number that was one too many for the stack? A compiler must forget it,
    /// or keeps it there all the same.
    #[must_use]
    pub fn is_spilled(&self, value: Value) -> bool {
        self.locals.is_spilled(value)
    }

    /// Is there code that begins with the value, and not with one that it is
    /// computed with?
    #[must_use]
    pub fn has_code(&self, module: &Module<Int>, value: Value) -> bool {
        self.fusion.has_code(module, value)
    }

    /// The values that are computed with a linear map, each from the one before.
    #[must_use]
    pub fn after(&self, map: Value) -> Vec<Value> {
        self.fusion.after(map)
    }

    /// The operands of `value` that its code reads from memory, in the order in which it
    /// asks for them.
    #[must_use]
    pub fn operands(&self, value: Value) -> &[Operand] {
        &self.operands[value.index()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> (Module<Int>, Storage) {
        let module = skxc_ir::text::parse::<Int>(text).expect("the text is a module");
        let storage = Storage::of(&module, &Elements::of(&module), &Maps::new());
        (module, storage)
    }

    fn value(index: usize) -> Value {
        Value::from_index(index)
    }

    /// Nine elements need a loop, in which the only reader computes them; what two
    /// read has an array; one number is a local variable; moving costs nothing.
    #[test]
    fn each_value_has_one_place() {
        let nine = "x, x, x, x, x, x, x, x, x";
        let (module, storage) = of(&format!(
            "int a
@c0 = column x [0, 9]
%0 = input [{nine}] : i64[1x9]
%1 = add %0, %0 : i64[1x9]
%2 = add %1, %0 : i64[1x9]
%3 = add %2, %2 : i64[1x9]
%4 = reduce_sum %2 : i64[1x1]
%5 = add %4, %4 : i64[1x1]
%6 = gather %5 [0] : i64[1x1]
output \"a\" value %3
output \"b\" value %6
"
        ));
        assert_eq!(storage.place(value(0)), None);
        assert_eq!(storage.place(value(1)), Some(Place::Fused));
        assert!(!storage.has_code(&module, value(1)));
        assert_eq!(storage.place(value(2)), Some(Place::Array { length: 9 }));
        assert_eq!(storage.place(value(4)), Some(Place::Local));
        assert_eq!(storage.place(value(6)), None);
        let computed: Vec<usize> = storage.computed().iter().map(|value| value.index()).collect();
        assert_eq!(computed, [1, 2, 3, 4, 5]);
        assert!(
            matches!(storage.operands(value(2))[0].source, Source::Fused(fused) if fused == value(1))
        );
    }

    /// The seventeenth of seventeen numbers that are needed at once is the one that is
    /// needed longest, and lies in the scratch.
    #[test]
    fn numbers_beyond_the_stack_are_in_the_scratch() {
        let mut text = "int a\n@c0 = column x [0, 9]\n%0 = input [x] : i64[1x1]\n".to_owned();
        for at in 1..=20 {
            text += &format!("%{at} = add %{}, %{} : i64[1x1]\n", at - 1, at - 1);
        }
        text += "%21 = add %20, %1 : i64[1x1]\n";
        for at in 22..=40 {
            text += &format!("%{at} = add %{}, %{} : i64[1x1]\n", at - 1, at - 20);
        }
        text += "output \"a\" value %40\n";
        let (_, storage) = of(&text);
        let spilled: Vec<usize> = (1..=40).filter(|&at| storage.is_spilled(value(at))).collect();
        assert!(!spilled.is_empty());
        for at in 1..=40 {
            let place =
                if spilled.contains(&at) { Place::Array { length: 1 } } else { Place::Local };
            assert_eq!(storage.place(value(at)), Some(place), "of %{at}");
        }
    }
}
