//! Which sums over trees the program computes: every sum of the model that an
//! operation or an output needs as a number becomes a target of a forest.
//!
//! A wanted value is a linear form over the sums of ensembles, element by
//! element. Ensembles that meet in a value are computed together, as one forest
//! of all their trees, so that the coefficients of the form go into the leaf
//! weights: a mean of ten trees is a sum of tenths. Elements that are another
//! one, with its sign turned or moved by a constant (`1 - p` beside `p`), share
//! its target.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::quantize::chains::Chain;
use crate::quantize::invariant::is_invariant;
use crate::quantize::matrices;
use crate::quantize::univariate::{self, Decided};
use crate::quantize::weights::{SUM_BITS, scaled};
use skxc_ir::analysis::affine::{Affine, Atom, Form};
use skxc_ir::analysis::real_ranges::RealRanges;
use skxc_ir::analysis::univariate::{Budget, Univariate};
use skxc_ir::module::{Module, Operation, Real, Value};
use skxc_ir::ops::RealOp;
use skxc_ir::ratio::Ratio;

/// What needs numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Key {
    /// A value of the module.
    Value(Value),
    /// The difference of the operands of a comparison.
    Difference(Value),
}

/// What is needed of a module.
#[derive(Debug, Default)]
pub(super) struct Needs {
    /// The sums, row-major. The base values of the forests are in the constants.
    pub(super) sums: BTreeMap<Key, Vec<Form>>,
    /// Linear forms over columns and computed numbers, row-major.
    pub(super) matrices: BTreeMap<Key, Vec<Form>>,
    /// Operations that are computed from such sums, and constants.
    pub(super) operations: BTreeSet<Value>,
    /// Those of them that are functions of one number.
    pub(super) chains: HashMap<Value, Chain>,
    /// Those of them that are the same numbers for every input.
    pub(super) invariant: BTreeSet<Value>,
    /// Those of them that are decided by one column, element by element.
    pub(super) decided: HashMap<Value, Decided>,
}

impl Needs {
    /// What the outputs of `module` need.
    pub(super) fn of(
        module: &Module<Real>,
        affine: &Affine<'_>,
        univariate: &Univariate<'_>,
        ranges: &RealRanges,
        budget: &mut Budget,
    ) -> Self {
        let mut needs = Self::default();
        let mut pending: Vec<Value> = module.outputs.iter().map(|output| output.value).collect();
        while let Some(value) = pending.pop() {
            if affine.is_of_trees(value) {
                needs.want(module, affine, Key::Value(value));
            } else if is_invariant(module, ranges, value) && !affine.is_constant(value) {
                needs.operations.insert(value);
                needs.invariant.insert(value);
            } else if needs.operations.insert(value) && !affine.is_constant(value) {
                match univariate::decided(module, univariate, value, budget) {
                    Some(decided) => drop(needs.decided.insert(value, decided)),
                    None => needs.of_operation(module, affine, value, &mut pending),
                }
            }
        }
        needs
    }

    /// What the operation that makes `value` needs.
    fn of_operation(
        &mut self,
        module: &Module<Real>,
        affine: &Affine<'_>,
        value: Value,
        pending: &mut Vec<Value>,
    ) {
        if let Some(chain) = Chain::of(module, affine, value) {
            pending.extend(chain.inputs());
            self.chains.insert(value, chain);
            return;
        }
        match differing(module, affine, value) {
            Some(key @ Key::Difference(_)) => return self.want(module, affine, key),
            Some(Key::Value(sums)) => return pending.push(sums),
            None => {}
        }
        let differences = || {
            let forms = matrices::differences_of(module, affine, value)?;
            Some((Key::Difference(value), forms))
        };
        let forms = matrices::forms_of(module, affine, value);
        match forms.map(|forms| (Key::Value(value), forms)).or_else(differences) {
            Some((key, forms)) => {
                pending.extend(matrices::operands_of(module, affine, &forms));
                self.matrices.insert(key, forms);
            }
            None => module.node(value).op.operands(&mut |operand| pending.push(operand)),
        }
    }

    fn want(&mut self, module: &Module<Real>, affine: &Affine<'_>, key: Key) {
        self.sums.entry(key).or_insert_with(|| forms(module, affine, key));
    }
}

/// What a comparison of sums compares with a constant: an operand where the
/// other is one number, else the difference. `None` if it compares other things.
pub(super) fn differing(module: &Module<Real>, affine: &Affine<'_>, value: Value) -> Option<Key> {
    let RealOp::Compare { a, b, .. } = module.node(value).op else { return None };
    let with_one_number = |sums: Value, constant: Value| {
        module.shape(sums) == module.shape(value) && one_number(module, affine, constant).is_some()
    };
    let is_known = |side: Value| affine.is_of_trees(side) || affine.is_constant(side);
    if !is_known(a) || !is_known(b) {
        return None;
    }
    match (affine.is_constant(a), affine.is_constant(b)) {
        (false, true) if with_one_number(a, b) => Some(Key::Value(a)),
        (true, false) if with_one_number(b, a) => Some(Key::Value(b)),
        (true, true) => None,
        _ => Some(Key::Difference(value)),
    }
}

/// The number that all elements of a constant are.
pub(super) fn one_number(
    module: &Module<Real>,
    affine: &Affine<'_>,
    value: Value,
) -> Option<Ratio> {
    let count = module.shape(value).elements();
    let first = affine.form(value, 0).constant;
    (1..count).all(|i| affine.form(value, i).constant == first).then_some(first)
}

fn forms(module: &Module<Real>, affine: &Affine<'_>, key: Key) -> Vec<Form> {
    let mut forms = match key {
        Key::Value(value) => {
            (0..module.shape(value).elements()).map(|i| affine.form(value, i)).collect::<Vec<_>>()
        }
        Key::Difference(compare) => differences(module, affine, compare).collect(),
    };
    for form in &mut forms {
        add_base_values(module, form);
    }
    forms
}

/// What the left side of a comparison is more than the right one, element by element.
pub(super) fn differences<'m>(
    module: &'m Module<Real>,
    affine: &'m Affine<'_>,
    compare: Value,
) -> impl Iterator<Item = Form> + 'm {
    let RealOp::Compare { a, b, .. } = module.node(compare).op else {
        unreachable!("only comparisons have a difference")
    };
    let side =
        move |operand, element| affine.form(operand, affine.position(operand, compare, element));
    let elements = 0..module.shape(compare).elements();
    elements.map(move |element| side(a, element).plus(&side(b, element).negated()))
}

fn add_base_values(module: &Module<Real>, form: &mut Form) {
    for (sum, coefficient) in &form.terms {
        let RealOp::TreeEnsemble { forest, .. } = module.node(sum.value).op else {
            unreachable!("a sum is of an ensemble")
        };
        let base = module.forests[forest].base[sum.element as usize];
        let base = Ratio::of(base).expect("base values are finite");
        form.constant = form.constant.plus(&base.times(coefficient));
    }
}

/// Wanted values whose ensembles are computed together.
#[derive(Debug)]
pub(super) struct Group {
    /// The ensembles, in the order of the model.
    pub(super) ensembles: Vec<Value>,
    /// What is wanted.
    pub(super) keys: Vec<Key>,
}

/// Puts what shares an ensemble into one group. Without any ensemble, a value
/// is a group of its own.
pub(super) fn groups(needs: &Needs) -> Vec<Group> {
    let mut groups: Vec<Option<(BTreeSet<Value>, BTreeSet<Key>)>> = Vec::new();
    let mut group_of: HashMap<Value, usize> = HashMap::new();
    for (&key, forms) in &needs.sums {
        let terms = forms.iter().flat_map(|form| &form.terms);
        let mut ensembles: BTreeSet<Value> = terms.map(|(sum, _)| sum.value).collect();
        let mut keys = BTreeSet::from([key]);
        let met: BTreeSet<usize> =
            ensembles.iter().filter_map(|ensemble| group_of.get(ensemble).copied()).collect();
        for (met_ensembles, met_keys) in met.into_iter().filter_map(|at| groups[at].take()) {
            ensembles.extend(met_ensembles);
            keys.extend(met_keys);
        }
        group_of.extend(ensembles.iter().map(|&ensemble| (ensemble, groups.len())));
        groups.push(Some((ensembles, keys)));
    }
    let group = |(ensembles, keys): (BTreeSet<Value>, BTreeSet<Key>)| Group {
        ensembles: ensembles.into_iter().collect(),
        keys: keys.into_iter().collect(),
    };
    groups.into_iter().flatten().map(group).collect()
}

/// An element of a wanted value: a target, perhaps with its sign turned, moved
/// by a constant that the format holds exactly.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Place {
    /// Index of the target.
    pub(super) target: usize,
    /// With its sign turned?
    pub(super) negated: bool,
    /// What is added, in units of the format.
    pub(super) offset: i64,
}

/// The targets that give all wanted elements.
#[derive(Debug, Default)]
pub(super) struct Targets {
    /// What each computes; the constant is its base value.
    pub(super) forms: Vec<Form>,
    by_terms: HashMap<Vec<(Atom, Ratio)>, Vec<usize>>,
}

impl Targets {
    /// The targets for `forms`, in this order as far as they are not shared.
    /// What starts with a plus sign is computed, what starts with a minus sign
    /// is its mirror image, if both are there.
    pub(super) fn of<'f>(forms: impl Iterator<Item = &'f Form> + Clone, frac_bits: u8) -> Self {
        let mut targets = Self::default();
        let is_mirrored =
            |form: &&Form| form.terms.first().is_some_and(|(_, first)| first.is_negative());
        for form in forms.clone().filter(|form| !is_mirrored(form)).chain(forms.filter(is_mirrored))
        {
            if targets.place(form, frac_bits).is_none() {
                targets.by_terms.entry(form.terms.clone()).or_default().push(targets.forms.len());
                targets.forms.push(form.clone());
            }
        }
        targets
    }

    /// Where an element is computed.
    pub(super) fn place(&self, form: &Form, frac_bits: u8) -> Option<Place> {
        let turned = form.negated().terms;
        let same = self.by_terms.get(&form.terms).into_iter().flatten().map(|&at| (at, false));
        let mirrored = self.by_terms.get(&turned).into_iter().flatten().map(|&at| (at, true));
        let mirrored = mirrored.filter(|_| !form.terms.is_empty());
        same.chain(mirrored).find_map(|(target, negated)| {
            let base = &self.forms[target].constant;
            let base = if negated { base.clone() } else { base.negated() };
            let offset = form.constant.plus(&base);
            let fits = scaled(offset.magnitude_max(), frac_bits) < f64::exp2(SUM_BITS.into());
            let (offset, exact) = fits.then(|| offset.scale().units(1.0, frac_bits))?;
            exact.then_some(Place { target, negated, offset })
        })
    }
}
