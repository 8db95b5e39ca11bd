//! Analyses: side tables that are computed from a module and never stored in
//! it. The validator recomputes what a proof rests on.

pub mod affine;
pub mod classes;
pub mod dependence;
pub mod predicate;
pub mod ranges;
pub mod reach;
pub mod real_ranges;
pub mod rounding;
pub mod score;
pub mod undefined;
pub mod univariate;
pub mod whole;
