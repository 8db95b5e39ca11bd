//! Every diagnostic code, with its document in `codes/`.
//!
//! A number is never reused. To add a code: add a line to the table and write
//! `codes/SKX….md` in the form of its neighbours (What, Why, Example, Instead);
//! the build breaks until it is there.
//!
//! | numbers | concern |
//! |---|---|
//! | 00xx | the file as a whole: bytes, limits, graph |
//! | 01xx | an ONNX node, attribute or type |
//! | 02xx | columns, features and input rows |
//! | 03xx | classes, actions, options and the project file |
//! | 04xx | numbers: ranges, overflow, bounds |
//! | 05xx | what does not fit the kernel or a lowering |
//! | 06xx | the machine: compiler, privileges, kernel |
//! | 07xx | the text form of the IR |

use std::fmt;
use std::str::FromStr;

/// A diagnostic code, shown as `SKX0102`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(u16);

/// What `skxc explain` says about a code.
#[derive(Clone, Copy, Debug)]
pub struct Document {
    /// The code.
    pub code: Code,
    /// The problem in a few words.
    pub title: &'static str,
    /// Markdown with the sections What, Why, Example and Instead.
    pub text: &'static str,
}

macro_rules! codes {
    ($($name:ident = $number:literal, $file:literal, $title:literal;)*) => {
        $(
            #[doc = $title]
            pub const $name: Code = Code($number);
        )*
        /// All codes in order.
        pub const ALL: &[Document] = &[
            $(Document { code: $name, title: $title, text: include_str!(concat!("codes/", $file, ".md")) },)*
        ];
    };
}

codes! {
    NOT_A_MODEL = 1, "SKX0001", "the file is not an ONNX model";
    COMPUTED_FEATURES = 401, "SKX0401", "trees read computed values";
    NO_INTEGER_FORM = 402, "SKX0402", "an operation has no integer form";
    SUM_TOO_LARGE = 403, "SKX0403", "a sum does not fit 62 bits";
}

impl Code {
    /// The document of this code.
    #[must_use]
    pub fn document(self) -> Document {
        let found = ALL.iter().find(|document| document.code == self);
        *found.expect("a code is made only by the table")
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SKX{:04}", self.0)
    }
}

/// The text is not the name of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownCode;

impl FromStr for Code {
    type Err = UnknownCode;

    /// Takes `SKX0102`, in either case, or the bare number.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let upper = text.to_ascii_uppercase();
        let digits = upper.strip_prefix("SKX").unwrap_or(&upper);
        let number: u16 = digits.parse().map_err(|_| UnknownCode)?;
        let known = ALL.iter().find(|document| document.code.0 == number);
        known.map(|document| document.code).ok_or(UnknownCode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_each_document_has_its_sections() {
        assert!(ALL.windows(2).all(|pair| pair[0].code < pair[1].code));
        for document in ALL {
            let title = format!("# {}: {}\n", document.code, document.title);
            assert!(
                document.text.starts_with(&title),
                "{} does not start with `{title}`",
                document.code
            );
            for section in ["\n## What\n", "\n## Why\n", "\n## Example\n", "\n## Instead\n"] {
                assert!(document.text.contains(section), "{} lacks {section:?}", document.code);
            }
        }
    }

    #[test]
    fn a_code_reads_back_from_its_name() {
        for document in ALL {
            assert_eq!(document.code.to_string().to_lowercase().parse(), Ok(document.code));
        }
        assert_eq!("SKX9999".parse::<Code>(), Err(UnknownCode));
    }
}
