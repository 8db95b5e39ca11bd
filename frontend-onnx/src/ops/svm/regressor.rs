//! SVMRegressor (ai.onnx.ml 1): a weighted sum of the kernels of all support
//! vectors, and `rho`; without vectors, of the features.
//!
//! Decisions, as ONNX Runtime has them (svmregressor.cc): with `one_class` the
//! result is 1 where the sum is above 0, else -1; `post_transform` changes
//! nothing.

use skxc_diagnostics::codes::{AMBIGUOUS_LABEL, ATTRIBUTE_INVALID};
use skxc_ir::{Binary, ElementType, Relation, Value};

use super::{Kernel, coefficients, products, rho, support_vectors};
use crate::import::Importer;
use crate::node::{Imported, Node, Operand};
use crate::ops::Operator;
use crate::ops::trees::{POST_TRANSFORM_NAME, PostTransform};

pub(in crate::ops) static SVM_REGRESSOR: Operator = Operator {
    domain: "ai.onnx.ml",
    name: "SVMRegressor",
    since: 1,
    inputs: 1..=1,
    attributes: &[
        "coefficients",
        "kernel_params",
        "kernel_type",
        "n_supports",
        "one_class",
        "post_transform",
        "rho",
        "support_vectors",
    ],
    supported: "all kernels; no post-transform",
    import,
};

fn import(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let kernel = Kernel::read(node)?;
    let (row, width) = importer.feature_row(node)?;
    let (coefficients, rho) = (coefficients(node)?, rho(node)?);
    let transform = PostTransform::by_name(node)?;
    if transform != PostTransform::None {
        warn_of_transform(importer, node, transform);
    }
    let count = vectors(node)?;
    let sum = if count == 0 {
        let why = format!("{width} features without support vectors");
        node.check_length("coefficients", coefficients.len(), width as usize, &why)?;
        products(importer, node, row, &coefficients, 1)?
    } else {
        let vectors = support_vectors(node, count, width)?;
        let why = format!("{count} support vectors");
        node.check_length("coefficients", coefficients.len(), count, &why)?;
        let kernels = kernel.of(importer, node, row, &vectors, count)?;
        products(importer, node, kernels, &coefficients, 1)?
    };
    let rho = importer.scalar(rho[0], ElementType::F32, node.origin);
    let sum = importer.binary(node, Binary::Add, sum, rho)?;
    let is_one_class = node.int("one_class")?.unwrap_or(0) != 0;
    let value = if is_one_class { side(importer, node, sum)? } else { sum };
    Ok(vec![Operand::Value(value)])
}

/// `n_supports`, the number of support vectors.
fn vectors(node: &Node<'_>) -> Imported<usize> {
    let count = node.int("n_supports")?.unwrap_or(0);
    let most = node.floats("support_vectors")?.len();
    usize::try_from(count).ok().filter(|&count| count <= most).ok_or_else(|| {
        let message = format!("`n_supports` is {count}; `support_vectors` has {most} elements");
        node.attribute_error("n_supports", ATTRIBUTE_INVALID, message).into()
    })
}

/// 1 above 0, else -1.
fn side(importer: &mut Importer<'_>, node: &Node<'_>, sum: Value) -> Imported<Value> {
    let mut scalar = |number| importer.scalar(number, ElementType::F32, node.origin);
    let (zero, inside, outside) = (scalar(0.0), scalar(1.0), scalar(-1.0));
    let is_inside = importer.compare(node, Relation::Greater, sum, zero)?;
    importer.select(node, is_inside, inside, outside)
}

fn warn_of_transform(importer: &mut Importer<'_>, node: &Node<'_>, transform: PostTransform) {
    let name = POST_TRANSFORM_NAME;
    let message = format!("`{name}` {} has no effect on `SVMRegressor`", transform.name());
    let warning = node.attribute_warning(name, AMBIGUOUS_LABEL, message);
    importer.warn(warning.note("as in ONNX Runtime; the specification would apply it"));
}

#[cfg(test)]
mod tests {
    //! What ONNX Runtime makes of the same models is in the comments.

    use crate::proto::NodeProto;
    use crate::testing::{WithAttributes, model, node, numbers, said};

    fn machine(kernel: &str) -> NodeProto {
        node("SVMRegressor", &["X"], &["Y"])
            .string("kernel_type", kernel)
            .floats("kernel_params", &[0.5, 1.0, 3.0])
            .floats("coefficients", &[1.0, -0.5])
            .floats("support_vectors", &[1.0, 3.0])
            .floats("rho", &[0.25])
            .int("n_supports", 2)
    }

    fn assert_near(machine: NodeProto, expected: [f64; 2]) {
        let found = numbers(&model(1, vec![machine], &["Y"]), 2);
        let is_near = |(found, expected): (&Vec<f64>, f64)| (found[0] - expected).abs() < 1e-6;
        assert!(found.iter().zip(expected).all(is_near), "{found:?}");
    }

    #[test]
    fn kernels_are_weighted() {
        assert_near(machine("LINEAR"), [0.25, -0.25]);
        // [[0.75], [-4.1875]]
        assert_near(machine("POLY"), [0.75, -4.1875]);
        // [[0.8509761], [1.1823323]]
        assert_near(machine("RBF"), [0.850_976_2, 1.182_332_4]);
        // [[0.63079703], [0.66184115]]
        assert_near(machine("SIGMOID"), [0.630_797_1, 0.661_841_1]);
    }

    #[test]
    fn without_vectors_features_are_weighted() {
        let linear = machine("LINEAR").int("n_supports", 0).floats("coefficients", &[2.0]);
        assert_near(linear.clone(), [0.25, 2.25]);
        assert_near(linear.clone().int("one_class", 1).floats("rho", &[-1.0]), [-1.0, 1.0]);
        assert_eq!(
            said(&model(1, vec![linear.string("post_transform", "LOGISTIC")], &["Y"])),
            ["SKX0116: `post_transform` LOGISTIC has no effect on `SVMRegressor`"]
        );
    }

    #[test]
    fn lists_fit() {
        let say = |machine| said(&model(1, vec![machine], &["Y"]));
        assert_eq!(
            say(machine("LINEAR").int("n_supports", 3)),
            ["SKX0104: `n_supports` is 3; `support_vectors` has 2 elements"]
        );
        assert_eq!(
            say(machine("LINEAR").floats("coefficients", &[1.0])),
            ["SKX0105: `coefficients` has 1 element; 2 support vectors need 2"]
        );
        assert_eq!(
            say(machine("RBF").floats("kernel_params", &[1.0])),
            ["SKX0105: `kernel_params` has 1 elements; they are gamma, coef0 and degree"]
        );
        assert_eq!(
            say(machine("COSINE")),
            ["SKX0104: `ai.onnx.ml.SVMRegressor` knows the kernels LINEAR, POLY, RBF and SIGMOID"]
        );
    }
}
