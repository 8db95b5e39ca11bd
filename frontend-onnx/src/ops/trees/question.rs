//! What a branch asks: a feature, a comparison and a threshold, checked.

use skxc_diagnostics::codes::{BAD_NUMBER, INDEX_OUT_OF_RANGE};
use skxc_ir::{ElementType, Mode, RealTest};

use super::faults::Faults;
use crate::listing::counted;

/// What holds for all branches of an ensemble.
#[derive(Clone, Copy)]
pub(super) struct Questions {
    /// Width of the row of features.
    pub(super) features: u32,
    /// Type in which thresholds are compared.
    pub(super) elem: ElementType,
    /// The attribute that holds the thresholds.
    pub(super) thresholds: &'static str,
}

/// A branch as the model has it.
#[derive(Clone, Copy)]
pub(super) struct Question {
    pub(super) feature: i64,
    pub(super) mode: Mode,
    pub(super) threshold: f64,
    /// Does the test hold for NaN, whatever the mode?
    pub(super) missing_is_yes: bool,
}

impl Questions {
    /// The test of a branch; `describe` names it in messages.
    ///
    /// An infinite threshold becomes the greatest finite one.
    pub(super) fn test(
        &self,
        question: Question,
        describe: &dyn Fn() -> String,
        faults: &mut Faults<'_, '_>,
    ) -> RealTest {
        let Question { feature, mode, mut threshold, missing_is_yes } = question;
        let feature = u32::try_from(feature).ok().filter(|&id| id < self.features);
        let feature = feature.unwrap_or_else(|| {
            faults.add(INDEX_OUT_OF_RANGE, "nodes_featureids", || {
                let features = counted(self.features as usize, "feature");
                let asked = question.feature;
                format!("{} asks for feature {asked}; the input has {features}", describe())
            });
            0
        });
        if threshold.is_nan() {
            faults.add(BAD_NUMBER, self.thresholds, || format!("{} compares with NaN", describe()));
        } else if threshold.is_infinite() {
            threshold = self.greatest().copysign(threshold);
        }
        RealTest { feature, mode, threshold, missing_is_yes }
    }

    /// The greatest finite threshold.
    pub(super) fn greatest(&self) -> f64 {
        if self.elem == ElementType::F32 { f64::from(f32::MAX) } else { f64::MAX }
    }
}
