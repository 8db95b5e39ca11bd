//! Names, counts, handles and order: everything but forests.

use std::collections::HashSet;

use super::Rules;
use super::error::{Errors, Location, Problem};
use crate::limits;
use crate::module::{Module, Operation};
use crate::ops::Reference;
use crate::types::{ElementType, Type};

pub(super) fn check<D: Rules>(module: &Module<D>, errors: &mut Errors) {
    check_module(module, errors);
    check_columns(module, errors);
    check_labels(module, errors);
    check_constants(module, errors);
    check_nodes(module, errors);
    check_outputs(module, errors);
}

/// A C identifier: a letter or underscore, then letters, digits, underscores.
pub(crate) fn is_identifier(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn check_module<D: Rules>(module: &Module<D>, errors: &mut Errors) {
    let mut add = |problem| errors.add(Location::Module, problem);
    let name = &module.name;
    if !is_identifier(name) {
        add(Problem::NotAnIdentifier { name: name.clone() });
    } else if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        add(Problem::NotLowerCase { name: name.clone() });
    }
    let counts = [
        ("columns", module.columns.len(), limits::COLUMNS_MAX),
        ("label tables", module.labels.len(), limits::NODES_MAX),
        ("constants", module.constants.len(), limits::NODES_MAX),
        ("forests", module.forests.len(), limits::NODES_MAX),
        ("functions", module.functions.len(), limits::NODES_MAX),
        ("linear maps", module.matrices.len(), limits::NODES_MAX),
        ("nodes", module.nodes.len(), limits::NODES_MAX),
        ("outputs", module.outputs.len(), limits::NODES_MAX),
    ];
    for (what, found, max) in counts {
        if found > max {
            add(Problem::TooMany { what, found, max });
        }
    }
    if module.outputs.is_empty() {
        add(Problem::Empty { what: "outputs" });
    }
}

fn check_columns<D: Rules>(module: &Module<D>, errors: &mut Errors) {
    let mut names = HashSet::new();
    for (handle, column) in module.columns.iter() {
        let mut add = |problem| errors.add(Location::Column(handle.index()), problem);
        let name = &column.name;
        if !is_identifier(name) {
            add(Problem::NotAnIdentifier { name: name.clone() });
        }
        if !names.insert(name) {
            add(Problem::DuplicateName { name: name.clone() });
        }
        let range = column.range;
        if range.min > range.max {
            add(Problem::EmptyInterval { min: range.min, max: range.max });
        }
        let magnitude_max = limits::FEATURE_MAGNITUDE_MAX;
        for value in [range.min, range.max] {
            if value < -magnitude_max || value > magnitude_max {
                let (min, max) = (-i128::from(magnitude_max), magnitude_max.into());
                add(Problem::OutOfRange { value: value.into(), min, max });
            }
        }
        if let Some(missing) = column.missing.filter(|&missing| !range.contains(missing)) {
            let (min, max) = (range.min.into(), range.max.into());
            add(Problem::OutOfRange { value: missing.into(), min, max });
        }
    }
}

fn check_labels<D: Rules>(module: &Module<D>, errors: &mut Errors) {
    for (handle, table) in module.labels.iter() {
        let (what, found, max) = ("classes", table.len(), D::CLASSES_MAX);
        if found == 0 {
            errors.add(Location::Labels(handle.index()), Problem::Empty { what });
        } else if found > max {
            errors.add(Location::Labels(handle.index()), Problem::TooMany { what, found, max });
        }
    }
}

fn check_constants<D: Rules>(module: &Module<D>, errors: &mut Errors) {
    for (handle, constant) in module.constants.iter() {
        let location = Location::Constant(handle.index());
        check_type(module, location, &constant.ty, errors);
        let found = constant.elements.len();
        if let Some(expected) = elements_of(&constant.ty).filter(|&expected| expected != found) {
            errors.add(location, Problem::WrongCount { what: "elements", found, expected });
        }
        let elem = constant.ty.elem;
        for &number in &constant.elements {
            if errors.is_full() {
                return;
            }
            if !D::represents(elem, number) {
                let (number, elem) = (format!("{number:?}"), elem.to_string());
                errors.add(location, Problem::NotRepresentable { number, elem });
            }
        }
    }
}

fn check_nodes<D: Rules>(module: &Module<D>, errors: &mut Errors) {
    for (value, (_, node)) in module.values().zip(module.nodes.iter()) {
        let location = Location::Value(value);
        node.op.operands(&mut |operand| {
            if operand >= value {
                errors.add(location, Problem::NotOlder { operand: operand.index() });
            }
        });
        node.op.references(&mut |reference| {
            let (what, index, count) = match reference {
                Reference::Column(index) => ("column", index, module.columns.len()),
                Reference::Labels(index) => ("label table", index, module.labels.len()),
                Reference::Constant(index) => ("constant", index, module.constants.len()),
                Reference::Forest(index) => ("forest", index, module.forests.len()),
                Reference::Function(index) => ("function", index, module.functions.len()),
                Reference::Matrix(index) => ("linear map", index, module.matrices.len()),
            };
            if index >= count {
                errors.add(location, Problem::OutOfBounds { what, index, count });
            }
        });
        check_type(module, location, &node.ty, errors);
        check_origin(module, location, node.origin, errors);
    }
}

fn check_outputs<D: Rules>(module: &Module<D>, errors: &mut Errors) {
    let mut names = HashSet::new();
    for (index, output) in module.outputs.iter().enumerate() {
        let location = Location::Output(index);
        if !names.insert(&output.name) {
            errors.add(location, Problem::DuplicateName { name: output.name.clone() });
        }
        let (what, index, count) = ("value", output.value.index(), module.nodes.len());
        if index >= count {
            errors.add(location, Problem::OutOfBounds { what, index, count });
        }
    }
}

/// Is the type one of this domain, and of a size that can be counted?
fn check_type<D: Rules>(module: &Module<D>, location: Location, ty: &Type, errors: &mut Errors) {
    if !D::allows(ty.elem) {
        errors.add(location, Problem::TypeNotOfDomain { ty: ty.elem.to_string() });
    }
    if let ElementType::Label(table) = ty.elem {
        let (what, index, count) = ("label table", table.index(), module.labels.len());
        if index >= count {
            errors.add(location, Problem::OutOfBounds { what, index, count });
        }
    }
    let (axes, max) = (ty.shape.0.len(), limits::AXES_MAX);
    if axes > max {
        errors.add(location, Problem::TooMany { what: "axes", found: axes, max });
    } else if elements_of(ty).is_none() {
        let (what, max) = ("elements", limits::ELEMENTS_MAX);
        errors.add(location, Problem::TooMany { what, found: usize::MAX, max });
    }
}

/// Number of elements, if within [`limits::ELEMENTS_MAX`].
fn elements_of(ty: &Type) -> Option<usize> {
    let product = ty.shape.0.iter().try_fold(1usize, |n, &extent| n.checked_mul(extent as usize));
    product.filter(|&elements| elements <= limits::ELEMENTS_MAX)
}

pub(super) fn check_origin<D: Rules>(
    module: &Module<D>,
    location: Location,
    origin: crate::origin::OriginId,
    errors: &mut Errors,
) {
    let (what, index, count) = ("origin", origin.index(), module.origins.len());
    if index >= count {
        errors.add(location, Problem::OutOfBounds { what, index, count });
    }
}
