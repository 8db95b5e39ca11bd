//! Notation of tabulated functions: a line of what holds, a line a segment, `end`.

use std::ops::Range;

use super::lexer::{Cursor, Parsed};
use super::listing::{Listed, Listing, Listings};
use super::printer::{print_list, put, put_float, quoted};
use super::scope::Scope;
use super::spans::Spans;
use crate::function::{Function, Segment};
use crate::limits;
use crate::module::{Domain, Interval, Module};

/// Appends the definition of `@f` number `index`.
pub(super) fn print(out: &mut String, index: usize, function: &Function) {
    let Function { input, output, domain, range, error, slope, log_slope, reach, .. } = function;
    let name = quoted(&function.name);
    put(out, format_args!("@f{index} = function {name}, {input} to {output}"));
    put(out, format_args!(", domain [{}, {}]", domain.min, domain.max));
    put(out, format_args!(", range [{}, {}]", range.min, range.max));
    for (word, number) in [(", error ", error), (", slope ", slope), (" within ", reach)] {
        out.push_str(word);
        put_float(out, *number);
    }
    if log_slope.is_finite() {
        out.push_str(", log ");
        put_float(out, *log_slope);
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

impl Listed for Function {
    type Part = Segment;

    const NAME: &'static str = "function";
    const PART: &'static str = "segment";
    const PREFIX: &'static str = "s";
    const PARTS_MAX: usize = limits::SEGMENTS_MAX;

    fn first_line(scope: &Scope, cursor: &mut Cursor<'_>) -> Parsed<Self> {
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
        cursor.expect(",")?;
        let log_slope = if cursor.eat("log") {
            let log_slope = cursor.float()?;
            cursor.expect(",")?;
            log_slope
        } else {
            f64::INFINITY
        };
        cursor.expect("position")?;
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
            log_slope,
            reach,
            position_bits,
            gain,
            shift,
            segments,
        })
    }

    fn part(cursor: &mut Cursor<'_>) -> Parsed<Segment> {
        cursor.expect("from")?;
        let start = cursor.integer()?;
        cursor.expect("bits")?;
        let width_bits = cursor.integer()?;
        let coefficients = cursor.list(limits::DEGREE_MAX + 1, Cursor::integer)?;
        Ok(Segment { start, width_bits, coefficients })
    }

    fn push(&mut self, segment: Segment) {
        self.segments.push(segment);
    }

    fn current(listings: &mut Listings) -> &mut Option<Listing<Self>> {
        &mut listings.function
    }

    fn spans(spans: &mut Spans) -> &mut Vec<Range<usize>> {
        &mut spans.functions
    }

    fn add_to<D: Domain>(self, module: &mut Module<D>) {
        module.functions.push(self);
    }
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
