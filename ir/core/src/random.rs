//! Pseudo-random numbers for test vectors: SplitMix64 (Steele, Lea and Flood,
//! "Fast splittable pseudorandom number generators", OOPSLA 2014).
//!
//! What must hold: the sequence depends on the seed alone, so that a check run
//! twice tries the same vectors and a counterexample can be found again.

use crate::module::Interval;

/// A generator; two with one seed give the same numbers.
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// Starts from `seed`; any value is as good as another.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `count`, which is at least 1. The bias of the
    /// multiplication is below `count` in 2^64, which no test vector notices.
    pub fn below(&mut self, count: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(count)) >> 64) as u64
    }

    /// True once in `count` times.
    pub fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    /// An element of `range`, each as likely as the others.
    pub fn within(&mut self, range: Interval) -> i64 {
        // Features lie within plus and minus 2^62, so the width fits.
        let width = range.max.abs_diff(range.min);
        range.min.wrapping_add_unsigned(self.below(width + 1))
    }

    /// An element of `range` whose distance from the smaller end, or from 0 if
    /// the range holds it, has a length in bits that is as likely as any other.
    pub fn log_within(&mut self, range: Interval) -> i64 {
        let origin = 0i64.clamp(range.min, range.max);
        let upward = range.max.abs_diff(origin);
        let downward = origin.abs_diff(range.min);
        let down = downward > 0 && (upward == 0 || self.one_in(2));
        let reach = if down { downward } else { upward };
        let bits = self.below(u64::from(u64::BITS - reach.leading_zeros()) + 1);
        let distance = if bits == 0 { 0 } else { (self.bits() >> (64 - bits)).min(reach) };
        if down {
            origin.wrapping_sub_unsigned(distance)
        } else {
            origin.wrapping_add_unsigned(distance)
        }
    }

    /// An element of `items`.
    ///
    /// # Panics
    /// If there is none.
    pub fn choice<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_that_of_the_paper() {
        // The reference implementation, seed 1234567.
        let mut random = Random::new(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| random.bits()).collect();
        let wanted =
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!(first, wanted);
    }

    #[test]
    fn every_draw_stays_in_its_range_and_reaches_the_ends() {
        let mut random = Random::new(1);
        for range in [
            Interval::new(0, 1),
            Interval::new(-3, 2),
            Interval::new(5, 5),
            Interval::new(-((1 << 62) - 1), (1 << 62) - 1),
        ] {
            let draws: Vec<i64> =
                (0..200).flat_map(|_| [random.within(range), random.log_within(range)]).collect();
            assert!(draws.iter().all(|&x| range.contains(x)), "{range:?}");
            if range.max - range.min < 10 {
                assert!(draws.contains(&range.min) && draws.contains(&range.max), "{range:?}");
            }
        }
    }
}
