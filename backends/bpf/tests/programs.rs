//! What a program looks like at each hook, and that clang compiles it without
//! a warning. That it loads and computes the same is tested in the kernel by
//! the tests of the whole.

mod clang;

use skxc_backend_bpf::{Action, Artifact, Error, Hook, Options, emit};
use skxc_backend_c::EmitOptions;
use skxc_ir::limits::CLASSES_MAX;
use skxc_ir::testing::int_chain;
use skxc_ir::validate::{Validated, Validator};
use skxc_ir::{Int, Interval};
use skxc_lowering::Choice;

/// A tree of three tests on the IPv4 time to live.
fn module() -> Validated<Int> {
    let mut module = int_chain(3);
    module.name = "hops".to_owned();
    let column = module.columns.handles().next().expect("the chain reads a column");
    module.columns[column].name = "ip_ttl".to_owned();
    module.columns[column].range = Interval::new(0, 255);
    Validator::validate(module).expect("the module is valid")
}

fn options(hook: Hook) -> Options {
    let (_, ttl) = skxc_runtime::find("ip_ttl").expect("it is in the table");
    Options {
        hook,
        features: vec![ttl],
        actions: vec![Action::Pass, Action::Drop],
        header: EmitOptions {
            command: "skxc compile hops.onnx".to_owned(),
            generator: "skxc".to_owned(),
            build_id: "0123456789abcdef".repeat(4),
        },
        ..Options::default()
    }
}

/// A stump with as many classes as a model may have.
fn many_classes() -> Validated<Int> {
    let labels = (0..CLASSES_MAX).map(|label| label.to_string()).collect::<Vec<_>>().join(", ");
    let last = CLASSES_MAX - 1;
    let text = format!(
        "int hops
@c0 = column ip_ttl [0, 255]
@l0 = labels [{labels}]
@t0 = forest q1.61, 1 features, {CLASSES_MAX} targets
  roots [n0]
  n0 = if x0 <= 63 then n1 else n2
  n1 = leaf [{last}: 2305843009213693952]
  n2 = leaf [0: 2305843009213693952]
end
%0 = input [ip_ttl] : i64[1x1]
%1 = tree_ensemble @t0, %0 : q1.61[1x{CLASSES_MAX}]
%2 = argmax %1, margin 0 : i64[1]
%3 = label @l0, %2 : label(@l0)[1]
output \"label\" label %3
output \"probabilities\" score probability %1
"
    );
    let module = skxc_ir::text::parse::<Int>(&text).expect("the text is a module");
    Validator::validate(module).expect("the module is valid")
}

fn program(hook: Hook, choice: Choice) -> Artifact {
    program_of(&module(), choice, &options(hook))
}

fn program_of(module: &Validated<Int>, choice: Choice, options: &Options) -> Artifact {
    let wanted = skxc_lowering::Options { choice, ..skxc_lowering::Options::default() };
    let plan = skxc_lowering::plan(module, &wanted).expect("it is small");
    emit(module, &plan, options).expect("options fit the module")
}

fn text(artifact: &Artifact) -> &str {
    &artifact.files[1].1
}

#[test]
fn xdp() {
    insta::assert_snapshot!(text(&program(Hook::Xdp, Choice::Auto)));
}

#[test]
fn tc() {
    insta::assert_snapshot!(text(&program(Hook::Tc, Choice::Auto)));
}

#[test]
fn no_hook() {
    insta::assert_snapshot!(text(&program(Hook::None, Choice::Auto)));
}

#[test]
fn options_must_fit_the_module() {
    let module = module();
    let plan =
        skxc_lowering::plan(&module, &skxc_lowering::Options::default()).expect("it is small");
    let fit = |change: fn(&mut Options)| {
        let mut options = options(Hook::Xdp);
        change(&mut options);
        emit(&module, &plan, &options).map(|_| ())
    };
    assert_eq!(fit(|_| ()), Ok(()));
    let found = fit(|options| options.features.clear());
    assert_eq!(found, Err(Error::FeatureCount { columns: 1, features: 0 }));
    let found = fit(|options| options.actions.push(Action::Tx));
    assert_eq!(found, Err(Error::ActionCount { classes: 2, actions: 3 }));
    let found = fit(|options| {
        let (_, length) = skxc_runtime::find("packet_length").expect("it is in the table");
        options.features = vec![length];
    });
    let column = "ip_ttl".to_owned();
    assert_eq!(found, Err(Error::FeatureRange { column, feature: "packet_length" }));
}

#[test]
fn clang_compiles_every_shape_without_a_warning() {
    let Some(clang) = clang::find() else { return };
    for hook in [Hook::Xdp, Hook::Tc, Hook::None] {
        for choice in Choice::all() {
            clang::compile(&clang, &program(hook, choice), &format!("{hook:?}-{choice}"));
        }
    }
    let options = Options { actions: vec![Action::Pass; CLASSES_MAX], ..options(Hook::Xdp) };
    for choice in Choice::all() {
        let program = program_of(&many_classes(), choice, &options);
        clang::compile(&clang, &program, &format!("classes-{choice}"));
    }
}
