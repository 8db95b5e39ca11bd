//! Labels of integer modules where floats of the model are equal by saturation.

use skxc_ir::interpret::{self, Outcome};
use skxc_ir::module::{Module, Real};
use skxc_ir::text;

use crate::pipeline::{self, Options};

/// Runs all passes; the label of each row must be the one that floats give, and
/// `differs` of them are others without the pass.
fn check(text: &str, rows: &[&[i64]], differs: usize) {
    let module: Module<Real> = text::parse(text).unwrap();
    let others = pipeline::all().map(|(name, _)| name.to_owned());
    let others: Vec<String> = others.filter(|name| name != "saturation").collect();
    let run = |only| {
        let options = Options { only, ..Options::default() };
        pipeline::run(module.clone(), &options, &mut |_, _, _| {}).unwrap()
    };
    let (with, without) = (run(None), run(Some(others)));
    let mut found = 0;
    for row in rows {
        let cells: Vec<Option<i64>> = row.iter().copied().map(Some).collect();
        let Outcome::Label(want) = interpret::float(&module, &cells)[0] else { panic!() };
        let label = |module| match interpret::integer(module, &cells)[0] {
            Outcome::Label(class) => class,
            Outcome::Numbers(_) => panic!("a label comes first"),
        };
        assert_eq!(label(&with), want, "{row:?}");
        found += usize::from(label(&without) != want);
    }
    assert_eq!(found, differs, "rows that the pass changes");
}

#[test]
fn shares_of_0_and_1_are_a_tie_of_two_votes() {
    let text = include_str!("../../../../tests/filetests/run/saturated-pair.skir");
    let rows: [&[i64]; 6] =
        [&[200, -200], &[-200, 200], &[255, -37], &[-37, 40], &[200, -1], &[-2, 1]];
    check(text, &rows, 2);
}

#[test]
fn shares_that_are_divided_by_their_sum_saturate() {
    let text = include_str!("../../../../tests/filetests/run/saturated-vote.skir");
    let rows: [&[i64]; 8] = [
        &[10, 200, 3, 1],
        &[0, 10, 200, 1],
        &[-255, -200, -190, 1],
        &[-255, -190, -200, -1],
        &[-255, -255, -170, 1],
        &[0, 7, 39, 0],
        &[-187, -60, -50, 1],
        &[-14, 6, 5, 1],
    ];
    check(text, &rows, 4);
}
