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
    /// The code it explains.
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
    LIMIT_EXCEEDED = 2, "SKX0002", "a limit is exceeded";
    UNSUPPORTED_PART = 3, "SKX0003", "the model uses a part of ONNX that is not supported";
    OPSET = 4, "SKX0004", "an operator set is unknown or not imported";
    DUPLICATE_NAME = 5, "SKX0005", "a name is defined twice";
    UNDEFINED_NAME = 6, "SKX0006", "a name is not defined";
    GRAPH_CYCLE = 7, "SKX0007", "the graph has a cycle";
    INPUT_UNSUPPORTED = 8, "SKX0008", "an input is not a row of numbers";
    OUTPUT_UNSUPPORTED = 9, "SKX0009", "the outputs make no decision";
    BAD_TENSOR = 10, "SKX0010", "a tensor is not what it says";
    EXTERNAL_DATA = 11, "SKX0011", "the data of a tensor cannot be read from its file";
    INVALID_MODULE = 12, "SKX0012", "skxc made a module that is not valid";
    UNKNOWN_OPERATOR = 101, "SKX0101", "an operator is not supported";
    NOT_CONSTANT = 102, "SKX0102", "an input must be constant";
    ATTRIBUTE_MISSING = 103, "SKX0103", "an attribute is missing";
    ATTRIBUTE_INVALID = 104, "SKX0104", "an attribute is not valid";
    LENGTHS_DIFFER = 105, "SKX0105", "lists that belong together differ in length";
    OPERAND_COUNT = 106, "SKX0106", "a node has too few or too many inputs or outputs";
    TYPE_MISMATCH = 107, "SKX0107", "types or shapes do not fit";
    UNSUPPORTED_FORM = 108, "SKX0108", "this form of an operator is not supported";
    TREE_STRUCTURE = 110, "SKX0110", "the nodes form no tree";
    BAD_NUMBER = 111, "SKX0111", "a number is not finite";
    INDEX_OUT_OF_RANGE = 112, "SKX0112", "an index is out of range";
    POST_TRANSFORM = 113, "SKX0113", "the post-transform is not supported";
    CLASS_LABELS = 114, "SKX0114", "the class labels are not usable";
    BASE_VALUES = 115, "SKX0115", "the base values do not fit";
    AMBIGUOUS_LABEL = 116, "SKX0116", "ONNX Runtime may decide otherwise";
    IGNORED_PART = 117, "SKX0117", "a part of the model is never used";
    COLUMNS_UNNAMED = 201, "SKX0201", "nothing names the columns of the model";
    UNKNOWN_FEATURE = 202, "SKX0202", "there is no such feature";
    FEATURE_COUNT = 203, "SKX0203", "the number of features is not the number of columns";
    FEATURE_TWICE = 204, "SKX0204", "a feature is bound twice";
    COLUMN_RANGE = 205, "SKX0205", "a column has no usable range";
    ROW_HEADER = 206, "SKX0206", "the rows lack a column";
    ROW_VALUE = 207, "SKX0207", "a value in a row is not possible";
    ROW_MISSING = 208, "SKX0208", "a value is missing";
    NOT_A_CAPTURE = 209, "SKX0209", "the file is not a capture";
    LINK_TYPE = 210, "SKX0210", "the capture holds neither Ethernet frames nor IP packets";
    CAPTURE_CUT = 211, "SKX0211", "the capture ends early or is damaged";
    CAPTURE_SHORT = 212, "SKX0212", "packets were not captured whole";
    NOT_A_PACKET_FEATURE = 213, "SKX0213", "a column does not come from packets";
    EXPECTED_LABELS = 214, "SKX0214", "the expected labels do not fit";
    CAPTURE_MERGED = 215, "SKX0215", "the capture holds packets that were merged";
    PROJECT_FILE = 301, "SKX0301", "the project file is not right";
    ACTION_REQUIRED = 302, "SKX0302", "nothing says what happens to packets of which class";
    UNKNOWN_CLASS = 303, "SKX0303", "the model has no such class";
    PROGRAM_NAME = 304, "SKX0304", "the name cannot be that of a program";
    UNKNOWN_PASS = 305, "SKX0305", "there is no such pass";
    CANNOT_READ = 306, "SKX0306", "the file cannot be read";
    MANIFEST = 307, "SKX0307", "the manifest is not usable";
    OBJECT_DIGEST = 308, "SKX0308", "the object is not the one that its manifest describes";
    BUILD_ID = 309, "SKX0309", "the object was not made from this model";
    NO_DECISION = 310, "SKX0310", "the model makes no decision";
    KERNEL_VERSION = 311, "SKX0311", "the kernel version is not one";
    BOUND_EXCEEDED = 312, "SKX0312", "a bound is exceeded";
    RANGE = 314, "SKX0314", "a range of predictions is not usable";
    MANIFEST_DIFFERS = 315, "SKX0315", "the manifest does not describe this program";
    ERROR_EXCEEDED = 316, "SKX0316", "the error of a score may exceed a bound";
    THRESHOLD_CLASS = 317, "SKX0317", "a threshold does not say which class it is for";
    CLASS_NEVER = 318, "SKX0318", "a class is never decided for";
    ALWAYS_SAME = 319, "SKX0319", "the program always decides the same";
    SEVERAL_THRESHOLDS = 320, "SKX0320", "several thresholds are given";
    COARSE_PRECISION = 326, "SKX0326", "the precision may change many labels";
    WRONG_EXPORT = 327, "SKX0327", "the ONNX file differs from the trainer";
    LABELS_REQUIRED = 328, "SKX0328", "the trainer's labels are required";
    LABELS_CHANGED = 329, "SKX0329", "the program changes more labels than it may";
    COMPUTED_FEATURES = 401, "SKX0401", "trees read what is no function of one column";
    NO_INTEGER_FORM = 402, "SKX0402", "an operation has no integer form";
    SUM_TOO_LARGE = 403, "SKX0403", "a sum does not fit 62 bits";
    NO_THRESHOLD = 404, "SKX0404", "the model takes no threshold";
    NEVER_A_NUMBER = 407, "SKX0407", "a result is never a number";
    CAN_BE_NO_NUMBER = 408, "SKX0408", "a result can be no number";
    FOREST_DOES_NOT_FIT = 501, "SKX0501", "the forest does not fit any lowering";
    LOWERING_DOES_NOT_FIT = 502, "SKX0502", "the forest does not fit the lowering that was asked for";
    OPERATIONS_DO_NOT_FIT = 503, "SKX0503", "the operations beside the trees do not fit";
    GIVEN_UP = 504, "SKX0504", "a lowering was given up, since clang refused it";
    LOWERING_REFUSED = 505, "SKX0505", "clang refused the lowering that was asked for";
    TABLES_DO_NOT_FIT = 506, "SKX0506", "the tables of the program do not fit the kernel";
    NO_CLANG = 601, "SKX0601", "no usable clang was found";
    NO_HEADERS = 602, "SKX0602", "the kernel's headers were not found";
    CLANG_REFUSED = 603, "SKX0603", "clang refused the program";
    NO_PRIVILEGE = 604, "SKX0604", "privileges are missing";
    KERNEL_REFUSED = 605, "SKX0605", "the kernel refused the program";
    NO_INTERFACE = 606, "SKX0606", "there is no such interface";
    ATTACH = 607, "SKX0607", "the program cannot be attached or taken off";
    CANNOT_RUN = 608, "SKX0608", "the object cannot be run here";
    CANNOT_WRITE = 609, "SKX0609", "the file cannot be written";
    VLAN_STRIPPING = 610, "SKX0610", "the interface takes VLAN tags out of frames";
    MERGING = 611, "SKX0611", "the program would see packets that were merged";
    INTERFACE_TYPE = 612, "SKX0612", "frames of this type of interface cannot be read";
    NOT_SEEN = 614, "SKX0614", "what is attached cannot be seen from here";
    SHORT_LIVED = 615, "SKX0615", "the program goes with this mount namespace";
    TEXT_SYNTAX = 701, "SKX0701", "a line of the IR does not follow its grammar";
    TEXT_NAME = 702, "SKX0702", "a name in the IR does not exist or is taken";
    TEXT_TYPE = 703, "SKX0703", "the types of the IR do not fit";
    TEXT_LIMIT = 704, "SKX0704", "the IR is larger than allowed";
    TEXT_RULE = 705, "SKX0705", "the IR breaks a rule";
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
