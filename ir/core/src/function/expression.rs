//! Real functions of one variable, composed of those that models have.

use super::jet::Jet;
use super::span::Span;
use crate::ops::{Binary, Unary};

/// Parts of an interval that are bounded each on its own, at most.
const PARTS_MAX: usize = 256;

/// A function of one variable: terms of terms before them; the last one is the
/// function.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Expression {
    terms: Vec<Term>,
}

/// Names a term of an [`Expression`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TermId(usize);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Term {
    Variable,
    Constant(f64),
    Unary(Unary, TermId),
    Binary(Binary, TermId, TermId),
}

impl Expression {
    /// No function yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The term of the variable.
    pub fn variable(&mut self) -> TermId {
        self.push(Term::Variable)
    }

    /// The term of a number.
    pub fn constant(&mut self, x: f64) -> TermId {
        self.push(Term::Constant(x))
    }

    /// A function of a term, as exact arithmetic computes it.
    ///
    /// # Panics
    /// If it is a function of truth values.
    pub fn unary(&mut self, function: Unary, x: TermId) -> TermId {
        assert_ne!(function, Unary::Not, "an expression is of numbers");
        self.push(Term::Unary(function, x))
    }

    /// A function of two terms, as exact arithmetic computes it.
    ///
    /// # Panics
    /// If it is a function of truth values.
    pub fn binary(&mut self, function: Binary, a: TermId, b: TermId) -> TermId {
        assert!(!function.is_logical(), "an expression is of numbers");
        self.push(Term::Binary(function, a, b))
    }

    /// A function of the variable alone.
    #[must_use]
    pub fn of(function: Unary) -> Self {
        let mut expression = Self::new();
        let x = expression.variable();
        expression.unary(function, x);
        expression
    }

    /// Is there more in it than sums and products?
    #[must_use]
    pub fn is_curved(&self) -> bool {
        self.terms.iter().any(|term| match term {
            Term::Variable | Term::Constant(_) | Term::Unary(Unary::Negate, _) => false,
            Term::Unary(..) => true,
            Term::Binary(function, ..) => {
                !matches!(function, Binary::Add | Binary::Subtract | Binary::Multiply)
            }
        })
    }

    /// The function that `end` is, without the terms that it does not need.
    #[must_use]
    pub fn ending_in(&self, end: TermId) -> Self {
        let mut needed = vec![false; self.terms.len()];
        needed[end.0] = true;
        for (at, term) in self.terms.iter().enumerate().rev().filter(|(at, _)| *at <= end.0) {
            match *term {
                _ if !needed[at] => {}
                Term::Variable | Term::Constant(_) => {}
                Term::Unary(_, x) => needed[x.0] = true,
                Term::Binary(_, a, b) => {
                    needed[a.0] = true;
                    needed[b.0] = true;
                }
            }
        }
        let mut new = Self::new();
        let mut new_of_old = vec![TermId(0); self.terms.len()];
        for (at, term) in self.terms.iter().enumerate().filter(|(at, _)| needed[*at]) {
            let of = |term: TermId| new_of_old[term.0];
            new_of_old[at] = new.push(match *term {
                Term::Variable | Term::Constant(_) => *term,
                Term::Unary(function, x) => Term::Unary(function, of(x)),
                Term::Binary(function, a, b) => Term::Binary(function, of(a), of(b)),
            });
        }
        new
    }

    /// `g` of `e^g`.
    pub(super) fn exponent(&self) -> Option<Self> {
        match self.terms.last()? {
            Term::Unary(Unary::Exp, exponent) => Some(self.ending_in(*exponent)),
            _ => None,
        }
    }

    fn push(&mut self, term: Term) -> TermId {
        self.terms.push(term);
        TermId(self.terms.len() - 1)
    }

    /// What the function can be for a variable between `min` and `max`;
    /// infinite ends where nothing is known. A quotient whose divisor reads the
    /// variable twice has a bound over parts of an interval alone, so that what has
    /// none is halved.
    ///
    /// # Panics
    /// If there is no term.
    #[must_use]
    pub fn bounds(&self, min: f64, max: f64) -> (f64, f64) {
        let of = |(min, max): (f64, f64)| {
            let span = Span::exactly(min).hull(Span::exactly(max));
            self.jet(span, 0).coefficient(0)
        };
        let whole = of((min, max));
        if whole.is_finite() || !min.is_finite() || !max.is_finite() {
            return (whole.min, whole.max);
        }
        let (mut known, mut parts) = (None::<Span>, 1);
        let mut pending = vec![(min, max)];
        while let Some((min, max)) = pending.pop() {
            let value = of((min, max));
            if value.is_finite() {
                known = Some(known.map_or(value, |known| known.hull(value)));
                continue;
            }
            let middle = min + (max - min) / 2.0;
            parts += 1;
            if parts > PARTS_MAX || middle <= min || max <= middle {
                return (whole.min, whole.max);
            }
            pending.extend([(middle, max), (min, middle)]);
        }
        known.map_or((whole.min, whole.max), |known| (known.min, known.max))
    }

    /// Taylor coefficients up to `degree` of the function around each number of `x`.
    pub(super) fn jet(&self, x: Span, degree: usize) -> Jet {
        let mut jets: Vec<Jet> = Vec::with_capacity(self.terms.len());
        for term in &self.terms {
            jets.push(match *term {
                Term::Variable => Jet::variable(x, degree),
                Term::Constant(c) => Jet::constant(Span::exactly(c), degree),
                Term::Unary(function, TermId(x)) => jets[x].unary(function),
                Term::Binary(function, TermId(a), TermId(b)) => jets[a].binary(function, &jets[b]),
            });
        }
        jets.pop().expect("an expression has a term")
    }
}

/// What functions are called: `1 / (1 + exp(-x))`.
impl std::fmt::Display for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut texts: Vec<String> = Vec::with_capacity(self.terms.len());
        for term in &self.terms {
            let text = match *term {
                Term::Variable => "x".to_owned(),
                Term::Constant(c) => format!("{c:?}"),
                Term::Unary(function, TermId(x)) => format!("{}({})", function.name(), texts[x]),
                Term::Binary(function, TermId(a), TermId(b)) => {
                    format!("{}({}, {})", function.name(), texts[a], texts[b])
                }
            };
            // Shared terms repeat: the text of a long expression says its end.
            let is_long = text.len() > TEXT_MAX;
            texts.push(if is_long { "...".to_owned() } else { text });
        }
        f.write_str(texts.last().map_or("", String::as_str))
    }
}

/// Longer texts of terms are left out.
const TEXT_MAX: usize = 120;
