//! Medians and quartiles of a few samples.

use serde::Serialize;

/// Five numbers that say how samples lie.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Spread {
    /// The least sample.
    pub(crate) min: f64,
    /// A quarter of the samples is not above.
    pub(crate) lower_quartile: f64,
    /// Half of the samples are not above.
    pub(crate) median: f64,
    /// Three quarters of the samples are not above.
    pub(crate) upper_quartile: f64,
    /// The greatest sample.
    pub(crate) max: f64,
}

impl Spread {
    /// The spread of samples in any order. Quantiles lie between samples in
    /// proportion (Hyndman and Fan, "Sample quantiles in statistical packages",
    /// 1996, definition 7, which is that of R and NumPy).
    ///
    /// # Panics
    /// If there is no sample.
    pub(crate) fn of(samples: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = samples.into_iter().collect();
        assert!(!sorted.is_empty(), "a spread is of one sample at least");
        sorted.sort_by(f64::total_cmp);
        let quantile = |quarters: usize| {
            let place = (sorted.len() - 1) * quarters;
            let (below, fraction) = (sorted[place / 4], (place % 4) as f64 / 4.0);
            let above = sorted[(place / 4 + 1).min(sorted.len() - 1)];
            below + fraction * (above - below)
        };
        Self {
            min: quantile(0),
            lower_quartile: quantile(1),
            median: quantile(2),
            upper_quartile: quantile(3),
            max: quantile(4),
        }
    }

    /// The spread of the differences of samples that were taken side by side.
    pub(crate) fn of_differences(samples: &[f64], baseline: &[f64]) -> Self {
        Self::of(samples.iter().zip(baseline).map(|(sample, base)| sample - base))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(samples: &[f64], expect: [f64; 5]) {
        let found = Spread::of(samples.iter().copied());
        let Spread { min, lower_quartile, median, upper_quartile, max } = found;
        assert_eq!([min, lower_quartile, median, upper_quartile, max], expect, "{samples:?}");
    }

    #[test]
    fn quartiles_are_those_of_numpy() {
        check(&[7.0], [7.0; 5]);
        check(&[2.0, 1.0], [1.0, 1.25, 1.5, 1.75, 2.0]);
        check(&[3.0, 1.0, 2.0], [1.0, 1.5, 2.0, 2.5, 3.0]);
        check(&[40.0, 10.0, 30.0, 20.0], [10.0, 17.5, 25.0, 32.5, 40.0]);
        check(&[5.0, -1.0, 3.0, 1.0, 9.0], [-1.0, 1.0, 3.0, 5.0, 9.0]);
    }

    #[test]
    fn differences_are_taken_side_by_side() {
        // A slow machine in the second round cancels out.
        let found = Spread::of_differences(&[30.0, 80.0, 31.0], &[20.0, 70.0, 20.0]);
        assert_eq!((found.min, found.median, found.max), (10.0, 10.0, 11.0));
    }
}
