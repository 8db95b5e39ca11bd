//! Words that a member of a generated struct cannot be called, because a
//! compiler or a header that the program includes gives them a meaning.

/// Sorted, for a binary search.
const RESERVED: &[&str] = &[
    "NULL",
    "SEC",
    "__array",
    "__hidden",
    "__kconfig",
    "__ksym",
    "__noinline",
    "__s16",
    "__s32",
    "__s64",
    "__s8",
    "__type",
    "__u16",
    "__u32",
    "__u64",
    "__u8",
    "__uint",
    "__weak",
    "alignas",
    "alignof",
    "and",
    "and_eq",
    "asm",
    "auto",
    "barrier",
    "barrier_var",
    "bitand",
    "bitor",
    "bool",
    "break",
    "case",
    "catch",
    "char",
    "class",
    "compl",
    "const",
    "constexpr",
    "continue",
    "default",
    "delete",
    "do",
    "double",
    "else",
    "enum",
    "errno",
    "explicit",
    "export",
    "extern",
    "false",
    "float",
    "for",
    "friend",
    "goto",
    "i386",
    "if",
    "inline",
    "int",
    "linux",
    "long",
    "mutable",
    "namespace",
    "new",
    "not",
    "not_eq",
    "nullptr",
    "offsetof",
    "operator",
    "or",
    "or_eq",
    "private",
    "protected",
    "public",
    "register",
    "restrict",
    "return",
    "short",
    "signed",
    "sizeof",
    "static",
    "static_assert",
    "struct",
    "switch",
    "template",
    "this",
    "thread_local",
    "throw",
    "true",
    "try",
    "typedef",
    "typeid",
    "typename",
    "typeof",
    "typeof_unqual",
    "union",
    "unix",
    "unsigned",
    "using",
    "virtual",
    "void",
    "volatile",
    "wchar_t",
    "while",
    "xor",
    "xor_eq",
];

/// Has `word` a meaning in C, in C++, in libbpf's headers, or is it kept for
/// the implementation (C11 7.1.3)?
#[must_use]
pub fn is_reserved(word: &str) -> bool {
    let kept = word.starts_with("__")
        || (word.starts_with('_') && word[1..].starts_with(|c: char| c.is_ascii_uppercase()));
    kept || RESERVED.binary_search(&word).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_found() {
        assert!(RESERVED.windows(2).all(|pair| pair[0] < pair[1]));
        for word in ["int", "barrier", "__u64", "__x", "_Bool", "linux"] {
            assert!(is_reserved(word), "{word}");
        }
        assert!(!is_reserved("ip_ttl"));
    }
}
