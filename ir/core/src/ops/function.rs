//! The functions that elementwise operations and reductions apply: data, without
//! a meaning of their own (`interpret` gives it) and without a domain.

/// A function of one element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unary {
    /// `-x` (ONNX Neg).
    Negate,
    /// `|x|` (ONNX Abs).
    Absolute,
    /// -1, 0 or 1; NaN of NaN (ONNX Sign).
    Sign,
    /// e^x (ONNX Exp).
    Exp,
    /// The natural logarithm: -infinity at 0, NaN below (ONNX Log).
    Log,
    /// The square root: NaN below 0 (ONNX Sqrt).
    SquareRoot,
    /// `1 / x` (ONNX Reciprocal).
    Reciprocal,
    /// The greatest integer that is not above (ONNX Floor).
    Floor,
    /// The least integer that is not below (ONNX Ceil).
    Ceil,
    /// The nearest integer, halves to even (ONNX Round).
    Round,
    /// `1 / (1 + e^-x)` (ONNX Sigmoid, post-transform LOGISTIC).
    Logistic,
    /// The hyperbolic tangent (ONNX Tanh).
    Tanh,
    /// The error function (ONNX Erf).
    Erf,
    /// The quantile function of the normal distribution times the square root
    /// of 2, as ONNX Runtime has it: `sqrt(2) * erf_inv(2 x - 1)` with the
    /// approximation of Winitzki (post-transform PROBIT).
    Probit,
    /// `max(0, x)` (ONNX Relu).
    Relu,
    /// `ln(1 + e^x)` (ONNX Softplus).
    Softplus,
    /// Of `bool`: the other truth value (ONNX Not).
    Not,
}

impl Unary {
    /// All of them.
    pub const ALL: [Self; 17] = [
        Self::Negate,
        Self::Absolute,
        Self::Sign,
        Self::Exp,
        Self::Log,
        Self::SquareRoot,
        Self::Reciprocal,
        Self::Floor,
        Self::Ceil,
        Self::Round,
        Self::Logistic,
        Self::Tanh,
        Self::Erf,
        Self::Probit,
        Self::Relu,
        Self::Softplus,
        Self::Not,
    ];

    /// Name in the text form.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Negate => "negate",
            Self::Absolute => "absolute",
            Self::Sign => "sign",
            Self::Exp => "exp",
            Self::Log => "log",
            Self::SquareRoot => "square_root",
            Self::Reciprocal => "reciprocal",
            Self::Floor => "floor",
            Self::Ceil => "ceil",
            Self::Round => "round",
            Self::Logistic => "logistic",
            Self::Tanh => "tanh",
            Self::Erf => "erf",
            Self::Probit => "probit",
            Self::Relu => "relu",
            Self::Softplus => "softplus",
            Self::Not => "not",
        }
    }
}

/// A function of two elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binary {
    /// `a + b` (ONNX Add).
    Add,
    /// `a - b` (ONNX Sub).
    Subtract,
    /// `a * b` (ONNX Mul).
    Multiply,
    /// `a / b`; of integers towards 0 (ONNX Div).
    Divide,
    /// `a` to the power of `b` (ONNX Pow).
    Power,
    /// The lesser; NaN if either is (ONNX Min).
    Minimum,
    /// The greater; NaN if either is (ONNX Max).
    Maximum,
    /// Of `bool`: both (ONNX And).
    And,
    /// Of `bool`: at least one (ONNX Or).
    Or,
    /// Of `bool`: exactly one (ONNX Xor).
    Xor,
}

impl Binary {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Add,
        Self::Subtract,
        Self::Multiply,
        Self::Divide,
        Self::Power,
        Self::Minimum,
        Self::Maximum,
        Self::And,
        Self::Or,
        Self::Xor,
    ];

    /// Name in the text form.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Subtract => "subtract",
            Self::Multiply => "multiply",
            Self::Divide => "divide",
            Self::Power => "power",
            Self::Minimum => "minimum",
            Self::Maximum => "maximum",
            Self::And => "and",
            Self::Or => "or",
            Self::Xor => "xor",
        }
    }

    /// Is it a function of truth values?
    #[must_use]
    pub fn is_logical(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Xor)
    }
}

/// A comparison; false if either side is NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// `a < b`.
    Less,
    /// `a <= b`.
    LessOrEqual,
    /// `a == b`; of truth values and labels too.
    Equal,
    /// `a > b`.
    Greater,
    /// `a >= b`.
    GreaterOrEqual,
}

impl Relation {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Less, Self::LessOrEqual, Self::Equal, Self::Greater, Self::GreaterOrEqual];

    /// Name in the text form: that of the ONNX operator.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Less => "less",
            Self::LessOrEqual => "less_or_equal",
            Self::Equal => "equal",
            Self::Greater => "greater",
            Self::GreaterOrEqual => "greater_or_equal",
        }
    }

    /// The relation of numbers that holds where this one does not, if there is one.
    #[must_use]
    pub fn negated(self) -> Option<Self> {
        match self {
            Self::Less => Some(Self::GreaterOrEqual),
            Self::LessOrEqual => Some(Self::Greater),
            Self::Equal => None,
            Self::Greater => Some(Self::LessOrEqual),
            Self::GreaterOrEqual => Some(Self::Less),
        }
    }

    /// The relation with its sides exchanged.
    #[must_use]
    pub fn mirrored(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Equal => Self::Equal,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
        }
    }

    /// Does it hold between `a` and `b`?
    #[must_use]
    pub fn holds<T: PartialOrd>(self, a: &T, b: &T) -> bool {
        match self {
            Self::Less => a < b,
            Self::LessOrEqual => a <= b,
            Self::Equal => a == b,
            Self::Greater => a > b,
            Self::GreaterOrEqual => a >= b,
        }
    }
}

/// What a reduction makes of the elements of the last axis, of which there is
/// at least one; in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reduction {
    /// The sum (ONNX ReduceSum).
    Sum,
    /// The product (ONNX ReduceProd).
    Product,
    /// The least (ONNX ReduceMin).
    Minimum,
    /// The greatest (ONNX ReduceMax).
    Maximum,
}

impl Reduction {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Sum, Self::Product, Self::Minimum, Self::Maximum];

    /// Name in the text form.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sum => "reduce_sum",
            Self::Product => "reduce_product",
            Self::Minimum => "reduce_minimum",
            Self::Maximum => "reduce_maximum",
        }
    }
}

/// Which end of a row an index points at, or an order begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Extreme {
    /// The greatest element first.
    Greatest,
    /// The least element first.
    Least,
}
