//! Functions of one column, against texts and against the interpreter.

use proptest::prelude::*;

use super::*;
use crate::analysis::predicate::{Predicate, Source};
use crate::forest::{Mode, RealTest};
use crate::interpret::{self, Outcome};
use crate::module::Interval;
use crate::ops::Relation;
use crate::testing::{rows, tensor_modules};
use crate::text::parse;

const COLUMNS: &str = "real a
@c0 = column x [0, 65535]
@c1 = column y [0, 4294967295] missing 7
@w0 = constant f32[1x1] [0.10000000149011612]
@w1 = constant f32[1x1] [100.0]
@w2 = constant i64[2] [3, 70000]
@w3 = constant f32[3] [1.0, 2.0, 0.5]
@w4 = constant f32[1x3] [10.0, 20.5, 3e9]
%0 = input [x] : f32[1x1]
%1 = input [y] : f32[1x1]
%2 = constant @w0 : f32[1x1]
%3 = constant @w1 : f32[1x1]
%4 = constant @w4 : f32[1x3]
";

/// The runs of each element of what the last of `lines` gives, `end: value`, the
/// ends but the last of all; floats by whether they are above 0.5.
#[track_caller]
fn check(lines: &str, expect: &str) {
    let module = parse::<Real>(&format!("{COLUMNS}{lines}output \"y\" value %0\n"))
        .expect("the text is a module");
    assert_eq!(crate::validate::Validator::check(&module), []);
    let univariate = Univariate::of(&module);
    let value = module.values().next_back().expect("there are values");
    let shown = (0..module.shape(value).elements()).map(|element| {
        let Some(function) = univariate.function(value, element) else {
            return "none".to_owned();
        };
        let column = univariate.column(value, element).expect("it is of one column");
        let column = column.or(module.columns.handles().next());
        let column = &module.columns[column.expect("there is a column")];
        match function.runs(column, &mut Budget::default(), Span::as_integer) {
            Ok(runs) => {
                let (last, before) = runs.split_last().expect("a range is not empty");
                let before = before.iter().map(|(end, value)| format!("{value} to {end}, "));
                before.chain([last.1.to_string()]).collect::<String>()
            }
            Err(reason) => format!("{reason:?}"),
        }
    });
    assert_eq!(shown.collect::<Vec<_>>().join("; "), expect);
}

#[test]
fn scalers_keep_the_roundings_of_floats() {
    // f32(0.1) times 1000 is f32(100), which the reals would put above it.
    let text = "%5 = multiply %0, %2 : f32[1x1]\n%6 = greater %5, %3 : bool[1x1]\n";
    check(text, "0 to 1000, 1");
    // Beyond 2^24 neighbours meet.
    let text = "%5 = multiply %1, %2 : f32[1x1]\n%6 = greater %5, %4 : bool[1x3]\n";
    check(text, "0 to 100, 1; 0 to 205, 1; 0");
}

#[test]
fn bins_are_sums_of_comparisons() {
    let text = "%5 = greater %1, %4 : bool[1x3]\n%6 = cast %5 : i64[1x3]\n\
                %7 = reduce_sum %6 : i64[1]\n";
    check(text, "0 to 10, 1 to 20, 2 to 3000000128, 3");
}

#[test]
fn functions_that_turn_are_searched_to_the_end() {
    let text = "%5 = multiply %0, %0 : f32[1x1]\n%6 = multiply %0, %3 : f32[1x1]\n\
                %7 = subtract %5, %6 : f32[1x1]\n%8 = less %7, %2 : bool[1x1]\n";
    check(text, "1 to 100, 0");
    let text = "%5 = multiply %1, %1 : f32[1x1]\n%6 = multiply %1, %3 : f32[1x1]\n\
                %7 = subtract %5, %6 : f32[1x1]\n%8 = less %7, %2 : bool[1x1]\n";
    check(text, "1 to 6, 0 to 7, 1 to 100, 0");
    // The remainder of a division by 2.
    let parity = |column: &str| {
        format!(
            "%5 = input [{column}] : i64[1x1]\n%6 = divide %5, %5 : i64[1x1]\n\
             %7 = add %6, %6 : i64[1x1]\n%8 = divide %5, %7 : i64[1x1]\n\
             %9 = multiply %8, %7 : i64[1x1]\n%10 = less %9, %5 : bool[1x1]\n"
        )
    };
    check(&parity("x"), "Runs");
}

#[test]
fn logarithms_and_roots_have_their_domain() {
    let text = "%5 = subtract %1, %3 : f32[1x1]\n%6 = log %5 : f32[1x1]\n\
                %7 = greater %6, %2 : bool[1x1]\n";
    check(text, "0 to 101, 1");
    let text = "%5 = subtract %0, %3 : f32[1x1]\n%6 = square_root %5 : f32[1x1]\n\
                %7 = equal %6, %6 : bool[1x1]\n";
    check(text, "0 to 99, 1");
}

#[test]
fn a_missing_value_is_a_point() {
    check("%5 = equal %1, %1 : bool[1x1]\n", "1 to 6, 0 to 7, 1");
    let imputed = "%5 = equal %1, %1 : bool[1x1]\n%6 = select %5, %1, %3 : f32[1x1]\n\
                   %7 = less_or_equal %6, %4 : bool[1x3]\n";
    check(imputed, "1 to 6, 0 to 7, 1 to 10, 0; 1 to 6, 0 to 7, 1 to 20, 0; 1 to 3000000128, 0");
}

#[test]
fn rows_of_one_column() {
    let row = "%5 = multiply %0, %2 : f32[1x1]\n%6 = negate %5 : f32[1x1]\n\
               %7 = concat [%6, %3, %5] : f32[1x3]\n";
    check(&format!("{row}%8 = argmax %7 : i64[1]\n"), "1 to 1000, 2");
    check(&format!("{row}%8 = argmin %7 : i64[1]\n"), "0");
    let product = "%8 = matmul %6, %4 : f32[1x3]\n%9 = argmin %8 : i64[1]\n";
    check(&format!("{row}{product}"), "0 to 0, 2");
    // -0.1 x 10 + 100 x 20.5 + 0.1 x 3e9, each product fused with the sum before it.
    let fused = "%8 = reshape %4 : f32[3x1]\n%9 = matmul %7, %8 : f32[1x1]\n\
                 %10 = greater %9, %4 : bool[1x3]\n";
    check(&format!("{row}{fused}"), "1; 1; 0 to 9, 1");
}

#[test]
fn several_columns_are_no_function() {
    check("%5 = less %0, %1 : bool[1x1]\n", "none");
    check(
        "%5 = concat [%0, %1] : f32[1x2]\n%6 = less %5, %3 : bool[1x2]\n",
        "1 to 99, 0; 1 to 6, 0 to 7, 1 to 99, 0",
    );
    check("%5 = concat [%0, %1] : f32[1x2]\n%6 = argmax %5 : i64[1]\n", "none");
}

proptest! {
    /// A function is what the interpreter says, and spans hold what it gives.
    #[test]
    fn functions_are_what_floats_give((module, rows, ends) in tensor_modules().prop_flat_map(|module| {
        let row = rows(&module, &[0, 3, 128, 1 << 24]);
        let ends = proptest::collection::vec(any::<(prop::sample::Index, prop::sample::Index)>(), 4);
        (Just(module), proptest::collection::vec(row, 4), ends)
    })) {
        let univariate = Univariate::of(&module);
        let row_values: Vec<Vec<i64>> = rows.iter().map(|row| {
            let columns = module.columns.iter().map(|(_, column)| column);
            let cells = row.iter().zip(columns);
            cells.map(|(x, column)| x.or(column.missing).expect("the row fits")).collect()
        }).collect();
        for output in &module.outputs {
            let value = output.value;
            for element in 0..module.shape(value).elements() {
                let Some(function) = univariate.function(value, element) else { continue };
                let column = univariate.column(value, element).expect("it is of one column");
                let column = column.unwrap_or(Handle::from_index(0));
                for (row, values) in rows.iter().zip(&row_values) {
                    let outcomes = interpret::float(&module, row);
                    let at = module.outputs.iter().position(|other| other.value == value);
                    let Outcome::Numbers(numbers) = &outcomes[at.expect("it is an output")] else {
                        continue;
                    };
                    let x = values[column.index()];
                    let column = &module.columns[column];
                    let got = function.at(column, x, &mut Vec::new());
                    let number = match got {
                        Scalar::Number(x) => x,
                        Scalar::Integer(x) => x as f64,
                    };
                    let want = numbers[element];
                    let same = want == number || (want.is_nan() && number.is_nan());
                    prop_assert!(same, "{want} {number}");
                    if column.missing == Some(x) {
                        continue;
                    }
                    // Pieces around it, of any width.
                    for (below, above) in &ends {
                        let far = |index: &prop::sample::Index| {
                            1_i64 << index.index(63) >> index.index(4)
                        };
                        let mut piece = Interval {
                            min: x.saturating_sub(far(below)).max(column.range.min),
                            max: x.saturating_add(far(above)).min(column.range.max),
                        };
                        if let Some(missing) = column.missing {
                            if missing < x {
                                piece.min = piece.min.max(missing + 1);
                            } else {
                                piece.max = piece.max.min(missing - 1);
                            }
                        }
                        let span = function.over(piece, &mut Vec::new());
                        prop_assert!(span.holds(&got), "{got:?} {span:?} {piece:?} {function:?}");
                    }
                }
            }
        }
    }
}

/// What a chain does to a number.
#[derive(Clone, Copy, Debug)]
enum Link {
    Unary(Unary),
    Constant(Binary, f32),
    /// With the number two links before.
    Older(Binary),
}

fn links() -> BoxedStrategy<Link> {
    let unary = Unary::ALL.into_iter().filter(|&function| function != Unary::Not);
    let unary = proptest::sample::select(unary.collect::<Vec<_>>());
    let binary = proptest::sample::select(vec![
        Binary::Add,
        Binary::Subtract,
        Binary::Multiply,
        Binary::Divide,
        Binary::Minimum,
        Binary::Maximum,
        Binary::Power,
    ]);
    let number = prop_oneof![
        (-12i16..12).prop_map(|x| f32::from(x) / 4.0),
        (-3000i16..3000).prop_map(f32::from),
        -1e-3..1e-3f32,
    ];
    prop_oneof![
        2 => unary.prop_map(Link::Unary),
        4 => (binary.clone(), number).prop_map(|(function, x)| Link::Constant(function, x)),
        1 => binary.prop_map(Link::Older),
    ]
    .boxed()
}

/// The chain over a column as a module: its last value but one is the number,
/// its last whether it is at most the threshold.
fn chain(range: Interval, links: &[Link], threshold: f32) -> Module<Real> {
    let mut module = Module::new("chain");
    let missing = Some(range.min + 5);
    module.columns.push(Column { name: "x".to_owned(), range, missing });
    let ty = Type::new(ElementType::F32, &[1, 1]);
    let origin = module.origins.add(crate::origin::Origin::Node { node: 0 });
    module.origins.graph_nodes = vec!["Chain".to_owned()];
    let columns = module.columns.handles().collect();
    let mut values = vec![module.push(RealOp::Input { columns }, ty.clone(), origin)];
    let constant = |module: &mut Module<Real>, x: f32| {
        let constant = Constant { ty: ty.clone(), elements: vec![x.into()] };
        let constant = module.constants.push(constant);
        module.push(RealOp::Constant { constant }, ty.clone(), origin)
    };
    for link in links {
        let a = *values.last().expect("there is an input");
        let op = match *link {
            Link::Unary(function) => RealOp::Unary { function, input: a },
            Link::Constant(function, x) => {
                RealOp::Binary { function, a, b: constant(&mut module, x) }
            }
            Link::Older(function) => {
                RealOp::Binary { function, a, b: values[values.len().saturating_sub(3)] }
            }
        };
        values.push(module.push(op, Type::new(ElementType::F32, &[1, 1]), origin));
    }
    let a = *values.last().expect("there is an input");
    let b = constant(&mut module, threshold);
    let bool = Type::new(ElementType::Bool, &[1, 1]);
    let compare = RealOp::Compare { relation: Relation::LessOrEqual, a, b };
    let compare = module.push(compare, bool, origin);
    let integer = Type::new(ElementType::I64, &[1, 1]);
    let value = module.push(RealOp::Cast { input: compare }, integer, origin);
    for (name, value) in [("x", a), ("y", value)] {
        let kind = crate::module::OutputKind::Value;
        module.outputs.push(crate::module::Output { name: name.to_owned(), kind, value });
    }
    module
}

/// The set for which the number of the chain is at most the threshold.
fn predicate(module: &Module<Real>, threshold: f32) -> Result<Predicate, NotTabled> {
    let univariate = Univariate::of(module);
    let function = univariate.function(module.outputs[0].value, 0).expect("it is of one column");
    let (_, column) = module.columns.iter().next().expect("there is a column");
    let test = RealTest {
        feature: 0,
        mode: Mode::LessOrEqual,
        threshold: threshold.into(),
        missing_is_yes: false,
    };
    Predicate::of(&test, Source { column, function: &function }, &mut Budget::default())
}

fn holds(module: &Module<Real>, x: i64) -> bool {
    interpret::float(module, &[Some(x)])[1] == Outcome::Numbers(vec![1.0])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The set of a test is what the interpreter says for every integer.
    #[test]
    fn sets_are_what_floats_say(
        links in proptest::collection::vec(links(), 1..6),
        threshold in -100i16..3000,
        xs in proptest::collection::vec(0..=i64::from(u32::MAX), 32),
    ) {
        let threshold = f32::from(threshold) / 8.0;
        let module = chain(Interval::new(-1000, 3095), &links, threshold);
        match predicate(&module, threshold) {
            Ok(set) => {
                for x in -1000..=3095 {
                    prop_assert_eq!(set.contains(x), holds(&module, x), "{} {:?}", x, &links);
                }
            }
            Err(reason) => prop_assert_eq!(reason, NotTabled::Runs),
        }
        let module = chain(Interval::new(0, u32::MAX.into()), &links, threshold);
        let Ok(set) = predicate(&module, threshold) else { return Ok(()) };
        let ends = set.ends.iter().flat_map(|&end| [end, end + 1]);
        for x in ends.chain(xs).filter(|x| *x <= i64::from(u32::MAX)) {
            prop_assert_eq!(set.contains(x), holds(&module, x), "{} {:?}", x, &links);
        }
    }
}
