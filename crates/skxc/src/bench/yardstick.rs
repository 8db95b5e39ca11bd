//! The yardstick: the trees of a model in user space, as nested ifs in plain C
//! that the system's compiler optimises as far as it can (`cc -O3`).
//!
//! That is what a program outside the kernel would use, and what code
//! generators for trees print; figures of the kernel are told beside it. It
//! only adds up the trees: labels and tensors around them cost next to nothing.
//!
//! What must hold: each tree is a function of its own, on the same struct of
//! features as in the kernel, and its sums are used, so that no work is left out.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::process::{Command, Stdio};

use skxc_backend_common::Layout;
use skxc_ir::{Forest, Int, IntOp, Module, NodeId, TreeNode, Value};
use skxc_lowering::{Element, Elements};
use tempfile::TempDir;

/// Nodes of all trees, shared ones counted each time: the compiler takes about
/// a minute for as many.
pub(crate) const NODES_MAX: u64 = 120_000;
/// Levels of a tree: what C compilers nest without complaint (clang's `-fbracket-depth`).
pub(crate) const DEPTH_MAX: u32 = 200;
/// The C compiler, as `cc` finds it.
const COMPILER: &str = "cc";

/// Why there is no yardstick.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfit {
    /// Nothing to compile.
    #[error("the model has no trees")]
    NoTrees,
    /// Too much to compile.
    #[error("{nodes} nodes as nested ifs; {NODES_MAX} are compiled at most")]
    Nodes {
        /// Nodes of all trees, at most `u64::MAX`.
        nodes: u64,
    },
    /// Too deep to compile.
    #[error("a tree of {levels} levels; {DEPTH_MAX} are nested at most")]
    Depth {
        /// Levels of the deepest tree.
        levels: u32,
    },
    /// Trees read what is computed.
    #[error("its trees read computed values")]
    Computed,
    /// The compiler or the file system failed.
    #[error("`{COMPILER}`: {0}")]
    Compiler(String),
}

/// A compiled program that times the trees on rows of features.
#[derive(Debug)]
pub(crate) struct Yardstick {
    folder: TempDir,
}

impl Yardstick {
    /// Compiles the trees of `module`; `features` are packed rows.
    pub(crate) fn build(
        module: &Module<Int>,
        layout: &Layout,
        features: &[u8],
    ) -> Result<Self, Unfit> {
        let source = source(module, layout)?;
        let failed = |error: io::Error| Unfit::Compiler(error.to_string());
        let folder = tempfile::Builder::new().prefix("skxc-").tempdir().map_err(failed)?;
        fs::write(folder.path().join("trees.c"), source).map_err(failed)?;
        fs::write(folder.path().join("rows"), features).map_err(failed)?;
        let output = Command::new(COMPILER)
            .args(["-O3", "-std=gnu11", "-w", "trees.c", "-o", "trees"])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .output()
            .map_err(failed)?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(Unfit::Compiler(said.lines().next().unwrap_or_default().to_owned()));
        }
        Ok(Self { folder })
    }

    /// Mean nanoseconds of a decision, on all rows or again and again on the
    /// first, less the loop around it.
    pub(crate) fn time(&self, warm: bool, repeat: u32) -> io::Result<f64> {
        let output = Command::new(self.folder.path().join("trees"))
            .args([if warm { "1" } else { "0" }, &repeat.to_string()])
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        text.trim().parse().map_err(|_| io::Error::other(format!("it said `{text}`")))
    }
}

/// The program: struct, trees, their sum, and the loop that is timed.
fn source(module: &Module<Int>, layout: &Layout) -> Result<String, Unfit> {
    let elements = Elements::of(module);
    let mut text = String::from("#include <linux/types.h>\n\nstruct features {\n");
    for field in &layout.features {
        writeln!(text, "\t{} {};", field.ty.name(), field.name).expect(IN_MEMORY);
    }
    if layout.features.is_empty() {
        text.push_str("\t__u8 none;\n");
    }
    text.push_str("};\n\n");
    let mut sums = String::new();
    for value in module.values() {
        let IntOp::TreeEnsemble { forest, input } = module.node(value).op else { continue };
        let forest = &module.forests[forest];
        check(forest)?;
        let names = names(elements.of_value(input), layout)?;
        let first = value.index();
        writeln!(sums, "\t__s64 s{first}[{}] = {{{}}};", forest.targets, base(forest))
            .expect(IN_MEMORY);
        for (tree, &root) in forest.roots.iter().enumerate() {
            tree_text(&mut text, forest, &names, root, (value, tree));
            writeln!(sums, "\ttree_{first}_{tree}(f, s{first});").expect(IN_MEMORY);
        }
        for target in 0..forest.targets {
            writeln!(sums, "\tsum ^= s{first}[{target}];").expect(IN_MEMORY);
        }
    }
    if sums.is_empty() {
        return Err(Unfit::NoTrees);
    }
    write!(
        text,
        "__s64 decide(const struct features *f)\n{{\n\t__s64 sum = 0;\n{sums}\treturn sum;\n}}\n"
    )
    .expect(IN_MEMORY);
    text.push_str(TIMER);
    Ok(text)
}

const IN_MEMORY: &str = "writing to a string does not fail";

fn check(forest: &Forest<Int>) -> Result<(), Unfit> {
    let levels = forest.depths().into_iter().max().unwrap_or(0);
    if levels > DEPTH_MAX {
        return Err(Unfit::Depth { levels });
    }
    let mut below = vec![1_u64; forest.nodes.len()];
    for (id, node) in forest.nodes.iter().enumerate().rev() {
        if let TreeNode::Branch { yes, no, .. } = *node {
            let both = below[yes as usize].saturating_add(below[no as usize]);
            below[id] = both.saturating_add(1);
        }
    }
    let nodes =
        forest.roots.iter().fold(0_u64, |sum, &root| sum.saturating_add(below[root as usize]));
    if nodes > NODES_MAX { Err(Unfit::Nodes { nodes }) } else { Ok(()) }
}

fn names<'a>(row: &[Element], layout: &'a Layout) -> Result<Vec<&'a str>, Unfit> {
    let name = |element: &Element| match *element {
        Element::Column(column) => layout.field(column).map(|field| field.name.as_str()),
        Element::Constant(_) | Element::Cell { .. } => None,
    };
    row.iter().map(|element| name(element).ok_or(Unfit::Computed)).collect()
}

fn base(forest: &Forest<Int>) -> String {
    let base: Vec<String> = forest.base.iter().map(|base| format!("{base}LL")).collect();
    base.join(", ")
}

/// What is still to be printed of a tree.
enum Rest {
    Node(NodeId),
    Text(&'static str),
}

fn tree_text(
    text: &mut String,
    forest: &Forest<Int>,
    names: &[&str],
    root: NodeId,
    (value, tree): (Value, usize),
) {
    // Visible outside, so that the compiler keeps it a function of its own.
    writeln!(text, "void tree_{}_{tree}(const struct features *f, __s64 *s)\n{{", value.index())
        .expect(IN_MEMORY);
    let mut rest = vec![Rest::Node(root)];
    while let Some(next) = rest.pop() {
        match next {
            Rest::Text(piece) => text.push_str(piece),
            Rest::Node(id) => match forest.nodes[id as usize] {
                TreeNode::Branch { test, yes, no, .. } => {
                    let name = names[test.feature as usize];
                    writeln!(text, "if (f->{name} <= {}LL) {{", test.at_most).expect(IN_MEMORY);
                    rest.extend([Rest::Text("}\n"), Rest::Node(no), Rest::Text("} else {\n")]);
                    rest.push(Rest::Node(yes));
                }
                TreeNode::Leaf { first, count, .. } => {
                    for weight in forest.leaf_weights(first, count) {
                        writeln!(text, "s[{}] += {}LL;", weight.target, weight.weight)
                            .expect(IN_MEMORY);
                    }
                }
            },
        }
    }
    text.push_str("}\n\n");
}

/// Reads the rows, times `repeat` decisions and as many rounds of a loop that
/// only looks at each row, and prints the difference.
const TIMER: &str = r#"
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

int main(int argc, char **argv)
{
	long repeat = atol(argv[2]), count, at, i;
	struct features *rows;
	double start, loop, both;
	__s64 sink = 0;
	FILE *file = fopen("rows", "rb");

	if (!file || fseek(file, 0, SEEK_END))
		return 1;
	count = ftell(file) / sizeof(*rows);
	rows = malloc(count * sizeof(*rows));
	rewind(file);
	if (!rows || !count || fread(rows, sizeof(*rows), count, file) != count)
		return 1;
	if (atol(argv[1]))
		count = 1;
	for (at = 0, i = 0; i < repeat && i < count; i++, at = at + 1 == count ? 0 : at + 1)
		sink += decide(rows + at);
	start = now();
	for (at = 0, i = 0; i < repeat; i++, at = at + 1 == count ? 0 : at + 1)
		__asm__ volatile("" : : "r"(rows + at) : "memory");
	loop = now() - start;
	start = now();
	for (at = 0, i = 0; i < repeat; i++, at = at + 1 == count ? 0 : at + 1) {
		sink += decide(rows + at);
		__asm__ volatile("" : "+r"(sink) : : "memory");
	}
	both = now() - start;
	printf("%.3f\n", (both - loop) / repeat);
	return 0;
}
"#;

#[cfg(test)]
mod tests {
    use skxc_ir::{Module, text};

    use super::*;

    const TREE: &str = r#"int m
@c0 = column a [0, 255]
@c1 = column b [0, 65535]
@t0 = forest q1.61, 2 features, 1 targets
  base [5]
  roots [n0]
  n0 = if x1 <= 1024 then n1 else n2
  n1 = leaf [0: 7]
  n2 = leaf [0: -8]
end
%0 = input [a, b] : i64[1x2]
%1 = tree_ensemble @t0, %0 : q1.61[1x1]
output "score" score raw %1
"#;

    fn module(text: &str) -> Module<Int> {
        text::parse(text).unwrap()
    }

    #[test]
    fn it_runs_and_takes_time() {
        let module = module(TREE);
        let layout = Layout::of(&module, &Elements::of(&module));
        let rows = vec![0; layout.features_bytes as usize * 3];
        match Yardstick::build(&module, &layout, &rows) {
            Ok(yardstick) => assert!(yardstick.time(false, 1000).unwrap().is_finite()),
            // A machine may have no C compiler for itself.
            Err(why) => assert!(matches!(why, Unfit::Compiler(_)), "{why}"),
        }
    }

    #[test]
    fn nested_ifs_on_the_fields_of_the_struct() {
        let module = module(TREE);
        let text = source(&module, &Layout::of(&module, &Elements::of(&module))).unwrap();
        for piece in ["__u16 b;", "if (f->b <= 1024LL) {\ns[0] += 7LL;\n} else {", "= {5LL};"] {
            assert!(text.contains(piece), "{piece} in:\n{text}");
        }
    }

    #[test]
    fn too_much_is_said() {
        let (first, rest) = TREE.split_once("output").unwrap();
        let chain: String = (0..300)
            .map(|id| format!("  n{id} = if x0 <= {id} then n300 else n{}\n", id + 1))
            .chain(["  n300 = leaf [0: 1]\n".to_owned()])
            .collect();
        let start = first.find("  n0 =").unwrap();
        let end = first.find("end\n").unwrap();
        let deep = format!("{}{chain}{}output{rest}", &first[..start], &first[end..]);
        let module = module(&deep);
        let error = source(&module, &Layout::of(&module, &Elements::of(&module))).unwrap_err();
        assert_eq!(error.to_string(), "a tree of 300 levels; 200 are nested at most");
    }
}
