//! Choices that bytes make: a byte or two each, and the least choice where there
//! are no bytes left, so that an input that is cut short is a smaller graph.

/// Ordinary numbers, of which most constants are made.
const ORDINARY: [f64; 16] =
    [0.0, 1.0, -1.0, 0.5, 2.0, -2.0, 0.25, 3.0, 0.1, -0.3, 1.5, 10.0, 100.0, -7.0, 63.5, 1e-3];

/// Numbers at which something may end.
const ENDS: [f64; 16] = [
    -0.0,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    1e-45,
    -1e-40,
    1e-20,
    f32::MIN_POSITIVE as f64,
    f32::MAX as f64,
    f32::MIN as f64,
    1e30,
    -1e19,
    16_777_217.0,
    2_147_483_648.0,
    9e15,
    -9.3e18,
];

/// The bytes that are left.
#[derive(Debug)]
pub(super) struct Choices<'b> {
    bytes: &'b [u8],
}

impl<'b> Choices<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes }
    }

    /// Is nothing left to choose by?
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn byte(&mut self) -> u8 {
        self.bytes.split_off_first().copied().unwrap_or(0)
    }

    /// A number below `count`, which is 1 to 256.
    pub(super) fn below(&mut self, count: usize) -> usize {
        if count <= 1 { 0 } else { usize::from(self.byte()) % count }
    }

    /// True once in `count` times, and never when nothing is left.
    pub(super) fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == count - 1
    }

    /// One of `items`, which are not empty.
    pub(super) fn of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    /// A number for a constant: mostly an ordinary one.
    pub(super) fn number(&mut self) -> f64 {
        match self.byte() {
            byte @ 0..192 => ORDINARY[usize::from(byte) % ORDINARY.len()],
            byte @ 192..240 => (f64::from(byte) - 216.0) * 1.7,
            byte => ENDS[usize::from(byte) % ENDS.len()],
        }
    }

    /// As [`Choices::number`], as an `f32`.
    pub(super) fn float(&mut self) -> f32 {
        self.number() as f32
    }

    /// So many numbers, drawn one by one.
    pub(super) fn floats(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.float()).collect()
    }

    /// An integer for a constant: mostly a small one.
    pub(super) fn integer(&mut self) -> i64 {
        match self.byte() {
            byte @ 0..240 => i64::from(byte % 16) - 4,
            byte => [1 << 24, 1 << 31, -(1 << 31), 1 << 53, i64::MAX, i64::MIN, 255, 65_536]
                [usize::from(byte % 8)],
        }
    }

    /// So many integers, drawn one by one.
    pub(super) fn integers(&mut self, count: usize) -> Vec<i64> {
        (0..count).map(|_| self.integer()).collect()
    }
}
