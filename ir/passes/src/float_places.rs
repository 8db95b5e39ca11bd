//! The floats of a type in order, for passes that look for the float at which an
//! answer changes.
//!
//! What must hold: of two floats, the greater has the greater place; -0 and 0
//! share one.

use skxc_ir::types::ElementType;

/// The place of a float in the order of all floats of its type.
pub(super) fn place(x: f64, elem: ElementType) -> i64 {
    let ordered = |bits: i64, sign: i64| if bits < 0 { sign - bits } else { bits };
    if elem == ElementType::F32 {
        ordered((x as f32).to_bits().cast_signed().into(), i64::from(i32::MIN))
    } else {
        ordered(x.to_bits().cast_signed(), i64::MIN)
    }
}

/// The float at a place.
pub(super) fn float_at(place: i64, elem: ElementType) -> f64 {
    if elem == ElementType::F32 {
        let bits = if place < 0 { i64::from(i32::MIN) - place } else { place };
        let bits = i32::try_from(bits).expect("the place is that of an f32");
        f64::from(f32::from_bits(bits.cast_unsigned()))
    } else {
        let bits = if place < 0 { i64::MIN - place } else { place };
        f64::from_bits(bits.cast_unsigned())
    }
}

/// The nearest float of the type that is finite.
pub(super) fn rounded(x: f64, elem: ElementType) -> f64 {
    if elem == ElementType::F32 { f64::from((x as f32).clamp(f32::MIN, f32::MAX)) } else { x }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_in_the_order_of_their_places() {
        for elem in [ElementType::F32, ElementType::F64] {
            let floats = [-2.5, -1.0, -1e-30, 0.0, 1e-30, 1.0, 1.5];
            let places = floats.map(|x| place(rounded(x, elem), elem));
            assert!(places.is_sorted_by(|a, b| a < b), "{places:?}");
            for (x, place) in floats.into_iter().zip(places) {
                assert_eq!(float_at(place, elem), rounded(x, elem));
            }
            assert!(float_at(place(1.0, elem) + 1, elem) > 1.0);
        }
    }
}
