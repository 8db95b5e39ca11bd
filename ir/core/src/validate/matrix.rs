//! Linear maps: what they read is there, and their numbers fit. That no sum on
//! the way leaves 62 bits depends on what is put in ([`super::steps`]).

use super::error::{Errors, Location, Problem};
use super::{Rules, rules};
use crate::limits;
use crate::matrix::Matrix;
use crate::module::{Domain, Int, Module};

pub(super) fn check<D: Rules>(module: &Module<D>, errors: &mut Errors) {
    for (handle, matrix) in module.matrices.iter() {
        let what = "the real domain has matrices as constants";
        let domain = if D::NAME == Int::NAME { Ok(()) } else { Err(Problem::BadMatrix { what }) };
        if let Err(problem) = domain.and_then(|()| check_one(matrix)) {
            errors.add(Location::Matrix(handle.index()), problem);
        }
    }
}

fn check_one(matrix: &Matrix) -> Result<(), Problem> {
    let Matrix { elem, low_bits, wide, inputs, rows } = matrix;
    if *low_bits > 62 || (*low_bits == 0 && !wide.is_empty()) {
        return Err(Problem::BadMatrix { what: "wide inputs have no low part of 1 to 62 bits" });
    }
    if wide.windows(2).any(|pair| pair[0] >= pair[1]) || wide.last().is_some_and(|it| it >= inputs)
    {
        return Err(Problem::BadMatrix { what: "wide inputs do not ascend, or are not there" });
    }
    if !<Int as rules::Rules>::allows_sums(*elem) {
        return Err(Problem::TypeNotOfDomain { ty: elem.to_string() });
    }
    if rows.is_empty() {
        return Err(Problem::Empty { what: "rows" });
    }
    let (found, max) = (matrix.products().max(rows.len()), limits::PRODUCTS_MAX);
    if found > max {
        return Err(Problem::TooMany { what: "products", found, max });
    }
    for row in rows {
        let ascending = row.weights.windows(2).all(|pair| pair[0].input < pair[1].input);
        let inside = row.weights.last().is_none_or(|last| last.input < *inputs);
        if !ascending || !inside {
            let what = "the inputs of a row do not ascend, or are not there";
            return Err(Problem::BadMatrix { what });
        }
        if row.weights.iter().any(|weight| weight.weight == 0) {
            return Err(Problem::BadMatrix { what: "a weight is 0" });
        }
        if row.rounding.is_nan() || row.rounding < 0.0 {
            return Err(Problem::BadMatrix { what: "a bound is negative or no number" });
        }
    }
    Ok(())
}
