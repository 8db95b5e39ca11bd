//! The names that a line can use: those defined above it.

use std::collections::HashMap;

use skxc_diagnostics::codes;

use super::lexer::{Cursor, Parsed};
use crate::arena::Handle;
use crate::limits;
use crate::module::{Column, LabelTable, Value};
use crate::types::{ElementType, Shape, Type};

/// How many of each there are so far. A definition with an error counts, so
/// that its users are not errors too.
#[derive(Debug, Default)]
pub struct Scope {
    pub(super) graph_nodes: u32,
    pub(super) columns: u32,
    pub(super) labels: u32,
    pub(super) constants: u32,
    pub(super) forests: u32,
    pub(super) functions: u32,
    pub(super) matrices: u32,
    pub(super) values: u32,
    /// Columns by name; the first of equals.
    pub(super) column_names: HashMap<String, u32>,
}

impl Scope {
    /// Takes a column: `@c3` or its name.
    pub(super) fn column(&self, cursor: &mut Cursor<'_>) -> Parsed<Handle<Column>> {
        if cursor.peek() == Some('@') {
            return existing(cursor, "@c", self.columns);
        }
        let start = cursor.position();
        let name = cursor.name()?;
        match self.column_names.get(name.as_str()) {
            Some(&index) => Ok(Handle::from_index(index as usize)),
            None => {
                let message = format!("there is no column `{name}`");
                Err(cursor.error(codes::TEXT_NAME, start, message))
            }
        }
    }

    /// Takes a label table: `@l0`.
    pub(super) fn labels(&self, cursor: &mut Cursor<'_>) -> Parsed<Handle<LabelTable>> {
        existing(cursor, "@l", self.labels)
    }

    /// Takes a constant: `@w0`.
    pub(super) fn constant<T>(&self, cursor: &mut Cursor<'_>) -> Parsed<Handle<T>> {
        existing(cursor, "@w", self.constants)
    }

    /// Takes a forest: `@t0`.
    pub(super) fn forest<T>(&self, cursor: &mut Cursor<'_>) -> Parsed<Handle<T>> {
        existing(cursor, "@t", self.forests)
    }

    /// Takes a function: `@f0`.
    pub(super) fn function<T>(&self, cursor: &mut Cursor<'_>) -> Parsed<Handle<T>> {
        existing(cursor, "@f", self.functions)
    }

    /// Takes a linear map: `@m0`.
    pub(super) fn matrix<T>(&self, cursor: &mut Cursor<'_>) -> Parsed<Handle<T>> {
        existing(cursor, "@m", self.matrices)
    }

    /// Takes a value: `%0`.
    pub(super) fn value(&self, cursor: &mut Cursor<'_>) -> Parsed<Value> {
        existing(cursor, "%", self.values)
    }

    /// Takes two values with a comma between.
    pub(super) fn values(&self, cursor: &mut Cursor<'_>) -> Parsed<(Value, Value)> {
        let first = self.value(cursor)?;
        cursor.expect(",")?;
        Ok((first, self.value(cursor)?))
    }

    /// Takes a type: `f32[1x20]`.
    pub(super) fn ty(&self, cursor: &mut Cursor<'_>) -> Parsed<Type> {
        let elem = self.elem(cursor)?;
        cursor.expect("[")?;
        let mut extents = Vec::new();
        if !cursor.eat("]") {
            loop {
                if extents.len() == limits::AXES_MAX {
                    let start = cursor.position();
                    let message = format!("more than {} axes", limits::AXES_MAX);
                    return Err(cursor.error(codes::TEXT_LIMIT, start, message));
                }
                extents.push(cursor.extent()?);
                if !cursor.eat_cross() {
                    break;
                }
            }
            cursor.expect("]")?;
        }
        Ok(Type { elem, shape: Shape(extents) })
    }

    /// Takes an element type: `f32`, `label(@l0)`, `q1.61`.
    pub(super) fn elem(&self, cursor: &mut Cursor<'_>) -> Parsed<ElementType> {
        let start = cursor.position();
        if cursor.is_handle("q") || cursor.is_handle("q-") {
            return fixed(cursor);
        }
        match cursor.word()? {
            "f32" => Ok(ElementType::F32),
            "f64" => Ok(ElementType::F64),
            "i64" => Ok(ElementType::I64),
            "bool" => Ok(ElementType::Bool),
            "label" => {
                cursor.expect("(")?;
                let table = self.labels(cursor)?;
                cursor.expect(")")?;
                Ok(ElementType::Label(table))
            }
            word => {
                let message = format!("`{word}` is not an element type");
                Err(cursor.error(codes::TEXT_SYNTAX, start, message))
            }
        }
    }
}

/// Takes `q1.61`: integer bits, which may be negative, and fraction bits.
fn fixed(cursor: &mut Cursor<'_>) -> Parsed<ElementType> {
    let start = cursor.position();
    let (integer_bits, frac_bits) = if cursor.is_handle("q-") {
        (-i64::from(cursor.handle("q-")?), cursor.handle(".")?)
    } else {
        (i64::from(cursor.handle("q")?), cursor.handle(".")?)
    };
    let bits = u8::try_from(integer_bits + i64::from(frac_bits));
    match (bits, u8::try_from(frac_bits)) {
        (Ok(bits), Ok(frac_bits)) => Ok(ElementType::Fixed { bits, frac_bits }),
        _ => {
            let message = "a fixed-point type has 0 to 255 bits".to_owned();
            Err(cursor.error(codes::TEXT_LIMIT, start, message))
        }
    }
}

/// Takes a handle of which there are `count`.
fn existing<T>(cursor: &mut Cursor<'_>, prefix: &str, count: u32) -> Parsed<Handle<T>> {
    let start = cursor.position();
    let index = cursor.handle(prefix)?;
    if index < count {
        Ok(Handle::from_index(index as usize))
    } else {
        let message = format!("`{prefix}{index}` is not defined above");
        Err(cursor.error(codes::TEXT_NAME, start, message))
    }
}
