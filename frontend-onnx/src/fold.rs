//! Operators of constants: what they make is known, and the reference
//! interpreter computes it.

use std::mem;

use skxc_diagnostics::codes::{BAD_TENSOR, UNSUPPORTED_FORM};
use skxc_ir::interpret::{self, Outcome};
use skxc_ir::{ElementType, LabelTable, Module, Output, OutputKind, Real, Value};

use crate::build::INTEGER_MAX;
use crate::import::{Importer, known};
use crate::node::{Imported, Node, Operand};
use crate::tensor::{Data, Tensor};

/// Are all operands known, and is there one? Text is no number.
pub(crate) fn is_constant(node: &Node<'_>) -> bool {
    let is_number = |operand: &Operand| matches!(operand, Operand::Constant(tensor) if !matches!(tensor.data, Data::Text(_)));
    let mut operands = node.operands.iter().flatten().peekable();
    operands.peek().is_some() && operands.all(is_number)
}

/// Lowers a node of constants in a module of its own and computes its results.
pub(crate) fn import(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let outer = mem::replace(&mut importer.module, Module::new("constants"));
    let scores = mem::take(&mut importer.scores);
    let classes = mem::take(&mut importer.classes);
    let folds = mem::replace(&mut importer.folds, true);
    let results = import_alone(importer, node);
    importer.folds = folds;
    importer.module = outer;
    importer.scores = scores;
    importer.classes = classes;
    results
}

fn import_alone(importer: &mut Importer<'_>, node: &Node<'_>) -> Imported {
    let results = (node.operator.import)(importer, node)?;
    let values: Vec<Value> = results.iter().filter_map(value_of).collect();
    if values.is_empty() {
        return Ok(results);
    }
    importer.check_nodes(node, 0)?;
    let output = |&value| Output { name: format!("%{value:?}"), kind: OutputKind::Value, value };
    importer.module.outputs = values.iter().map(output).collect();
    let module = &importer.module;
    if module.values().any(|value| module.shape(value).elements() == 0) {
        let message = format!("`{}` of these constants is not supported", node.name());
        return Err(node.error(UNSUPPORTED_FORM, message).into());
    }
    let per_row = node
        .operands
        .iter()
        .flatten()
        .any(|operand| matches!(operand, Operand::Constant(tensor) if tensor.per_row));
    let mut outcomes = interpret::float(module, &[]).into_iter();
    let mut tensors = Vec::with_capacity(results.len());
    for result in results {
        let Some(value) = value_of(&result) else {
            tensors.push(result);
            continue;
        };
        let Some(Outcome::Numbers(elements)) = outcomes.next() else {
            unreachable!("an output of kind value is numbers");
        };
        let shape = module.shape(value).0.clone();
        let data = data_of(module, value, elements).ok_or_else(|| {
            let message = format!("`{}` makes an integer beyond 2^53", node.name());
            node.error(BAD_TENSOR, message)
        })?;
        tensors.push(known(Tensor { shape, data, per_row }));
    }
    Ok(tensors)
}

fn value_of(operand: &Operand) -> Option<Value> {
    match operand {
        Operand::Value(value) => Some(*value),
        Operand::Results(values) => values.first().copied(),
        Operand::Constant(_) | Operand::Refused => None,
    }
}

fn data_of(module: &Module<Real>, value: Value, elements: Vec<f64>) -> Option<Data> {
    let integers = || -> Option<Vec<i64>> {
        let exact = |&x: &f64| (x.abs() <= INTEGER_MAX as f64).then_some(x as i64);
        elements.iter().map(exact).collect()
    };
    Some(match module.ty(value).elem {
        ElementType::F32 => Data::F32(elements),
        ElementType::F64 => Data::F64(elements),
        ElementType::I64 => Data::Integers(integers()?),
        ElementType::Bool => Data::Bool(integers()?),
        ElementType::Label(table) => {
            let classes = elements.iter().map(|&class| class as usize);
            match &module.labels[table] {
                LabelTable::Integers(labels) => {
                    Data::Integers(classes.map(|class| labels[class]).collect())
                }
                LabelTable::Strings(labels) => {
                    Data::Text(classes.map(|class| labels[class].clone()).collect())
                }
            }
        }
        ElementType::Fixed { .. } => unreachable!("no type of the real domain"),
    })
}

#[cfg(test)]
mod tests {
    use crate::testing::{doubles, graph, model, node, operations, said};

    fn with_doubles(operator: &str, a: &[f64], b: &[f64]) -> crate::proto::ModelProto {
        let nodes = vec![
            node(operator, &["a", "b"], &["c"]),
            node("Cast", &["X"], &["x"]),
            node("Mul", &["x", "c"], &["Y"]),
        ];
        let mut model = model(1, nodes, &["Y"]);
        use crate::testing::WithAttributes;
        let cast = graph(&mut model).node[1].clone().int("to", 11);
        graph(&mut model).node[1] = cast;
        for (name, values) in [("a", a), ("b", b)] {
            let mut tensor = doubles(values);
            name.clone_into(&mut tensor.name);
            graph(&mut model).initializer.push(tensor);
        }
        model
    }

    #[test]
    fn constants_are_computed() {
        let model = with_doubles("Add", &[1.5, 2.0], &[1.0]);
        let expected = [
            "%0 = input [c0] : f32[1x1]",
            "%1 = cast %0 : f64[1x1]",
            "%2 = constant @w0 : f64[2]",
            "%3 = multiply %1, %2 : f64[1x2]",
            "output \"Y\" value %3",
        ];
        assert_eq!(operations(&model), expected);
        let module = crate::testing::imported(&model);
        let (_, sum) = module.constants.iter().next().unwrap();
        assert_eq!(sum.elements, [2.5, 3.0]);
    }

    #[test]
    fn what_is_no_number_is_refused_where_it_is_used() {
        let quotient = with_doubles("Div", &[1.0], &[0.0]);
        assert_eq!(said(&quotient), ["SKX0111: input 1 of `Mul` holds inf"]);
        let empty = with_doubles("Add", &[], &[1.0]);
        assert_eq!(said(&empty), ["SKX0108: `Add` of these constants is not supported"]);
    }
}
