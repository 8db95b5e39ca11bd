//! Against the intervals of 128 bits, and what must be exact.

use super::*;
use crate::interpret::Enclosure;
use crate::random::Random;

/// From -1 to 1.
fn unit(random: &mut Random) -> f64 {
    random.below(1 << 52) as f64 / f64::exp2(51.0) - 1.0
}

/// Floats of magnitudes that models have, and small integers.
fn float(random: &mut Random) -> f64 {
    match random.below(4) {
        0 => random.below(20) as f64 - 10.0,
        1 => unit(random),
        2 => unit(random) * 30.0,
        _ => unit(random) * f64::exp2(random.below(60) as f64 - 30.0),
    }
}

/// Do both hold a common number, as they must? The enclosure has 128 bits.
fn holds(near: Near, exact: &Enclosure, what: &str) {
    if !near.is_known() || !exact.is_finite() {
        return;
    }
    let rest = [near.high, near.low].into_iter().fold(exact.clone(), |rest, part| {
        rest.binary(Binary::Subtract, &Enclosure::exact(part), ElementType::F64)
    });
    let meet = rest.lower() <= near.radius && -near.radius <= rest.upper();
    assert!(meet, "{what}: {near:?}, {rest:?}");
}

#[test]
fn numbers_lie_within_their_radius() {
    let mut random = Random::new(11);
    let elem = ElementType::F64;
    for _ in 0..3000 {
        let mut near = Near::float(float(&mut random));
        let mut exact = Enclosure::exact(near.high);
        let mut what = format!("{}", near.high);
        for _ in 0..6 {
            let other = float(&mut random);
            let binary = Binary::ALL[random.below(Binary::ALL.len() as u64) as usize];
            let unary = Unary::ALL[random.below(Unary::ALL.len() as u64) as usize];
            if random.below(2) == 0 && unary != Unary::Not {
                what += &format!(" {}", unary.name());
                near = near.unary(unary, elem);
                exact = exact.unary(unary, elem);
            } else if !binary.is_logical() {
                what += &format!(" {} {other}", binary.name());
                near = near.binary(binary, &Near::float(other), elem);
                exact = exact.binary(binary, &Enclosure::exact(other), elem);
            }
            holds(near, &exact, &what);
        }
    }
}

#[test]
fn sums_and_products_of_few_bits_are_exact() {
    let tenth = Near::float(f64::from(0.1f32));
    let sum = (0..100).fold(Near::float(0.0), |sum, _| sum.plus(tenth));
    assert_eq!(sum.as_float(), Some(f64::from(0.1f32) * 100.0));
    let product = Near::float(f64::from(0.3f32)).times(tenth);
    assert_eq!((product.low, product.radius), (0.0, 0.0));
    assert_eq!(sum.distance(10 << 20, 20), Some((sum.high - 10.0, 0.0)));
}

#[test]
fn what_is_close_is_left_open() {
    let third = Near::float(1.0).over(Near::float(3.0));
    let one = third.times(Near::float(3.0));
    assert_eq!(one.compare(Mode::Less, &Near::float(1.0)), None);
    assert_eq!(one.compare(Mode::Less, &Near::float(1.0000000001)), Some(true));
    assert_eq!(third.compare(Mode::Equal, &third), None, "it may be any within the radius");
    assert!(third.radius > 0.0 && third.radius < 1e-29);
    let power = Near::float(-3.7).unary(Unary::Exp, ElementType::F64);
    assert!(power.radius > 0.0 && power.radius < 1e-27, "{power:?}");
}
