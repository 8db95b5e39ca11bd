//! What small headers look like, one snapshot a lowering.

use skxc_backend_c::{EmitOptions, emit};
use skxc_ir::text::parse;
use skxc_ir::validate::{Validated, Validator};
use skxc_ir::{
    Column, ElementType, Forest, Int, IntOp, IntTest, Interval, LabelTable, LeafWeight, Module,
    Origin, Output, OutputKind, ScoreKind, TreeNode, Type,
};
use skxc_lowering::linear::MapLowering;
use skxc_lowering::{Choice, Lowering, Options, Profile};

/// Two trees over three columns; `targets` sums, and the class of the greatest,
/// or of a single sum above one half. Text of the model is hostile.
fn module(targets: u32) -> Validated<Int> {
    let mut module: Module<Int> = Module::new("flows");
    for (name, min, max) in [("ip_ttl", 0, 255), ("int", -40, 1 << 20), ("never", 0, 1)] {
        let range = Interval::new(min, max);
        module.columns.push(Column { name: name.to_owned(), range, missing: None });
    }
    module.origins.graph_nodes.push("TreeEnsembleClassifier `/*forest*/`".to_owned());
    let origin = module.origins.add(Origin::Node { node: 0 });
    let elem = ElementType::Fixed { bits: 61, frac_bits: 60 };
    let mut forest = Forest::new(2, targets, elem, 0);
    for (tree, root) in [(0, 0), (1, 5)] {
        let mut place = |id| module.origins.add(Origin::TreeNode { node: 0, tree, id });
        let mut branch = |id, feature, at_most, yes, no| TreeNode::Branch {
            test: IntTest { feature, at_most },
            yes: root + yes,
            no: root + no,
            origin: place(id),
        };
        let branches = [branch(0, 0, 63, 1, 2), branch(2, 1, -7, 3, 4)];
        let leaf = |first| TreeNode::Leaf { first, count: targets, origin };
        let leaves = [0, 1, 2].map(|leaf| (leaf + 3 * tree) * targets);
        forest.roots.push(root);
        forest.nodes.extend([branches[0], leaf(leaves[0]), branches[1]]);
        forest.nodes.extend([leaf(leaves[1]), leaf(leaves[2])]);
        for share in [1_i64, 3, 4] {
            let weight = |target: u32| (share - i64::from(target)).max(0) << 57;
            let weights = (0..targets).map(|target| LeafWeight { target, weight: weight(target) });
            forest.weights.extend(weights);
        }
    }
    let forest = module.forests.push(forest);
    let columns = module.columns.handles().take(2).collect();
    let ty = Type::new(ElementType::I64, &[1, 2]);
    let input = module.push(IntOp::Input { columns }, ty, origin);
    let ty = Type::new(elem, &[1, targets]);
    let sums = module.push(IntOp::TreeEnsemble { forest, input }, ty, origin);
    let class = if targets == 1 {
        let op = IntOp::Greater { a: sums, threshold: 1 << 59 };
        module.push(op, Type::new(ElementType::Bool, &[1, 1]), origin)
    } else {
        let op = IntOp::ArgMax { input: sums, margin: 3 };
        module.push(op, Type::new(ElementType::I64, &[1]), origin)
    };
    let class = module.push(
        IntOp::Reshape { input: class },
        Type::new(module.ty(class).elem, &[1]),
        origin,
    );
    let labels = ["benign", "*/ #error", "other"].map(str::to_owned);
    let table = module.labels.push(LabelTable::Strings(labels.to_vec()));
    let ty = Type::new(ElementType::Label(table), &[1]);
    let label = module.push(IntOp::Label { table, class }, ty, origin);
    let mut output = |name: &str, kind, value| {
        module.outputs.push(Output { name: name.to_owned(), kind, value });
    };
    output("label", OutputKind::Label, label);
    output("scores", OutputKind::Score(ScoreKind::Raw), sums);
    Validator::validate(module).expect("the module is valid")
}

fn header(targets: u32, choice: Choice) -> String {
    let module = module(targets);
    let plan = skxc_lowering::plan(&module, &Options { choice, ..Options::default() });
    let options = EmitOptions {
        command: "skxc compile flows.onnx".to_owned(),
        generator: "skxc".to_owned(),
        build_id: "0123456789abcdef".repeat(4),
    };
    emit(&module, &plan.expect("it is small"), &options).text
}

#[test]
fn branch_of_one_sum() {
    insta::assert_snapshot!(header(1, Choice::Only(Lowering::Branch)));
}

#[test]
fn branch_of_three_sums() {
    insta::assert_snapshot!(header(3, Choice::Only(Lowering::Branch)));
}

#[test]
fn walk_of_one_sum() {
    insta::assert_snapshot!(header(1, Choice::Only(Lowering::Walk)));
}

#[test]
fn walk_of_three_sums() {
    insta::assert_snapshot!(header(3, Choice::Only(Lowering::Walk)));
}

#[test]
fn perfect_of_one_sum() {
    insta::assert_snapshot!(header(1, Choice::Only(Lowering::Perfect)));
}

#[test]
fn perfect_of_three_sums() {
    insta::assert_snapshot!(header(3, Choice::Only(Lowering::Perfect)));
}

#[test]
fn ranked_of_one_sum() {
    insta::assert_snapshot!(header(1, Choice::Only(Lowering::Ranked)));
}

#[test]
fn bits_of_one_sum() {
    insta::assert_snapshot!(header(1, Choice::Only(Lowering::Bits)));
}

#[test]
fn bits_of_three_sums() {
    insta::assert_snapshot!(header(3, Choice::Only(Lowering::Bits)));
}

#[test]
fn direct_of_one_sum() {
    insta::assert_snapshot!(header(1, Choice::Only(Lowering::Direct)));
}

#[test]
fn direct_of_three_sums() {
    insta::assert_snapshot!(header(3, Choice::Only(Lowering::Direct)));
}

/// The first of the trees decides.
#[test]
fn exit_of_a_walk() {
    let mut text = String::from("int votes\n@c0 = column ip_ttl [0, 255]\n@l0 = labels [0, 1]\n");
    text += "@t0 = forest q1.40, 1 features, 1 targets\n  roots [n0";
    (1..64).for_each(|tree| text += &format!(", n{}", 3 * tree));
    text += "]\n";
    for tree in 0..64 {
        let (id, yes, no) = (3 * tree, 3 * tree + 1, 3 * tree + 2);
        let [low, high] = if tree == 0 { [0, 90] } else { [-1, 1] };
        text += &format!("  n{id} = if x0 <= {tree} then n{yes} else n{no}\n");
        text += &format!("  n{yes} = leaf [0: {low}]\n  n{no} = leaf [0: {high}]\n");
    }
    text += "end\n%0 = input [ip_ttl] : i64[1x1]\n%1 = tree_ensemble @t0, %0 : q1.40[1x1]\n";
    text += "%2 = greater %1, 70 : bool[1x1]\n%3 = reshape %2 : bool[1]\n";
    text += "%4 = label @l0, %3 : label(@l0)[1]\noutput \"label\" label %4\n";
    let module = parse(&text).expect("the text is a module");
    let module = Validator::validate(module).expect("the module is valid");
    let rows = [[0], [200], [0], [255]];
    let profile = Profile::of(&module, rows.iter().map(<[i64; 1]>::as_slice));
    let options = Options { choice: Choice::Only(Lowering::Walk), ..Options::default() };
    let plan = skxc_lowering::plan_for(&module, &options, profile).expect("it is small");
    let text = emit(&module, &plan, &EmitOptions::default()).text;
    let about: Vec<&str> = text.lines().skip_while(|line| !line.contains("trees as")).collect();
    let about = about.split(|line| line.is_empty() || *line == " */").next().unwrap_or_default();
    let (_, sums) = text.split_once("votes_trees(").expect("there is a forest");
    let (sums, _) = sums.split_once("\n}\n").expect("a function ends");
    insta::assert_snapshot!(format!("{}\n\nvotes_trees({sums}\n}}", about.join("\n")));
}

/// A linear map of three rows over two wide columns and five of few bits.
fn linear(lowering: MapLowering) -> String {
    let module = parse(
        "int sums
@c0 = column packet_length [0, 65535]
@c1 = column l4_dest_port [0, 65535]
@c2 = column ip_version [4, 6]
@c3 = column tcp_syn_flag [0, 1]
@c4 = column tcp_ack_flag [0, 1]
@c5 = column tcp_fin_flag [0, 1]
@c6 = column tcp_rst_flag [0, 1]
@m0 = matrix q62.0, 7 inputs
  r0 = base 7, rounding 0.0 [0: 300, 1: -400, 2: 5, 3: -6, 4: 9, 5: 2, 6: 1]
  r1 = base 8, rounding 0.0 [0: -1099511627776, 1: 2, 2: 3, 3: -4, 4: 2, 5: 1, 6: 8]
  r2 = base 9, rounding 0.0 [0: 44, 2: 1, 3: 7, 4: 1, 5: -1, 6: 6]
end
%0 = input [packet_length, l4_dest_port, ip_version, tcp_syn_flag, tcp_ack_flag, tcp_fin_flag, tcp_rst_flag] : i64[1x7]
%1 = linear @m0, [%0] : q62.0[1x3]
output \"sums\" value %1
",
    );
    let module = Validator::validate(module.expect("the text is a module"));
    let module = module.expect("the module is valid");
    let options = Options { choice: Choice::Maps(lowering), ..Options::default() };
    let plan = skxc_lowering::plan(&module, &options).expect("it is small");
    let text = emit(&module, &plan, &EmitOptions::default()).text;
    let (_, code) = text.rsplit_once("\"layout\");\n\n").expect("there is a layout");
    code.to_owned()
}

#[test]
fn straight_linear_map() {
    insta::assert_snapshot!(linear(MapLowering::Straight));
}

#[test]
fn linear_map_by_a_table() {
    insta::assert_snapshot!(linear(MapLowering::Table));
}

#[test]
fn the_same_module_gives_the_same_bytes() {
    for choice in Lowering::ALL.map(Choice::Only) {
        assert_eq!(header(3, choice), header(3, choice));
    }
}
