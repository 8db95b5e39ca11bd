//! Notation of tabulated functions: a line of what holds, a line a segment, `end`.

use std::ops::Range;

use skxc_diagnostics::codes;

use super::TextError;
use super::lexer::{Cursor, Parsed};
use super::printer::{print_list, put, put_float, quoted};
use super::scope::Scope;
use crate::function::{Function, Segment};
use crate::limits;
use crate::module::Interval;

/// Appends the definition of `@f` number `index`.
pub(super) fn print(out: &mut String, index: usize, function: &Function) {
    let Function { input, output, domain, range, error, slope, reach, .. } = function;
    let name = quoted(&function.name);
    put(out, format_args!("@f{index} = function {name}, {input} to {output}"));
    put(out, format_args!(", domain [{}, {}]", domain.min, domain.max));
    put(out, format_args!(", range [{}, {}]", range.min, range.max));
    for (word, number) in [(", error ", error), (", slope ", slope), (" within ", reach)] {
        out.push_str(word);
        put_float(out, *number);
    }
    let (position, gain, shift) = (function.position_bits, function.gain, function.shift);
    put(out, format_args!(", position {position}, gain {gain}, shift {shift}\n"));
    for (id, segment) in function.segments.iter().enumerate() {
        put(out, format_args!("  s{id} = from {} bits {} ", segment.start, segment.width_bits));
        print_list(out, &segment.coefficients, |out, x| put(out, format_args!("{x}")));
        out.push('\n');
    }
    out.push_str("end\n");
}

/// A function whose lines are being read.
#[derive(Debug)]
pub(super) struct Body {
    /// What was read so far; `None` if the first line has an error.
    function: Option<Function>,
    /// Segments so far, those with errors included.
    seen: u32,
    /// The first line.
    pub(super) span: Range<usize>,
}

impl Body {
    /// Reads the first line from behind the name. The lines of segments follow
    /// whether or not it has an error.
    pub(super) fn begin(
        scope: &Scope,
        cursor: &mut Cursor<'_>,
        span: Range<usize>,
    ) -> (Self, Parsed<()>) {
        let (function, result) = match signature(scope, cursor) {
            Ok(function) => (Some(function), Ok(())),
            Err(error) => (None, Err(error)),
        };
        (Self { function, seen: 0, span }, result)
    }

    /// Reads the line of a segment.
    pub(super) fn segment(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        let start = cursor.position();
        let id = cursor.handle("s")?;
        if id != self.seen || self.seen as usize == limits::SEGMENTS_MAX {
            let message = format!("expected the segment `s{}`", self.seen);
            return Err(cursor.error(codes::TEXT_NAME, start, message));
        }
        self.seen += 1;
        cursor.expect("=")?;
        cursor.expect("from")?;
        let start = cursor.integer()?;
        cursor.expect("bits")?;
        let width_bits = cursor.integer()?;
        let coefficients = cursor.list(limits::DEGREE_MAX + 1, Cursor::integer)?;
        if let Some(function) = &mut self.function {
            function.segments.push(Segment { start, width_bits, coefficients });
        }
        Ok(())
    }

    /// The function, if its first line is right.
    pub(super) fn end(self) -> Option<Function> {
        self.function
    }

    /// The problem of a function without an `end`.
    pub(super) fn unfinished(&self) -> TextError {
        let (code, label) = (codes::TEXT_SYNTAX, String::new());
        let message = "the function has no `end`".to_owned();
        TextError { code, message, span: self.span.clone(), label }
    }
}

fn signature(scope: &Scope, cursor: &mut Cursor<'_>) -> Parsed<Function> {
    cursor.expect("=")?;
    cursor.expect("function")?;
    let name = cursor.string()?;
    cursor.expect(",")?;
    let input = scope.elem(cursor)?;
    cursor.expect("to")?;
    let output = scope.elem(cursor)?;
    let word = |cursor: &mut Cursor<'_>, word| {
        cursor.expect(",")?;
        cursor.expect(word)
    };
    word(cursor, "domain")?;
    let domain = interval(cursor)?;
    word(cursor, "range")?;
    let range = interval(cursor)?;
    word(cursor, "error")?;
    let error = cursor.float()?;
    word(cursor, "slope")?;
    let slope = cursor.float()?;
    cursor.expect("within")?;
    let reach = cursor.float()?;
    word(cursor, "position")?;
    let position_bits = cursor.integer()?;
    word(cursor, "gain")?;
    let gain = cursor.integer()?;
    word(cursor, "shift")?;
    let shift = cursor.integer()?;
    let segments = Vec::new();
    Ok(Function {
        name,
        input,
        output,
        domain,
        range,
        error,
        slope,
        reach,
        position_bits,
        gain,
        shift,
        segments,
    })
}

/// Takes `[min, max]`, which need not be in order.
fn interval(cursor: &mut Cursor<'_>) -> Parsed<Interval> {
    cursor.expect("[")?;
    let min = cursor.integer()?;
    cursor.expect(",")?;
    let max = cursor.integer()?;
    cursor.expect("]")?;
    Ok(Interval { min, max })
}
