//! `skxc predict`: labels and scores of rows.

use std::io;

use skxc_equivalence::decision::{Decision, decide};
use skxc_ir::{Column, Module, Real};

use crate::clang;
use crate::cli::{Engine, Predict};
use crate::commands::compile::{self, Build};
use crate::config::Project;
use crate::files;
use crate::kernel;
use crate::manifest::Manifest;
use crate::options::{Options, column_names};
use crate::output::{Sink, Writer};
use crate::pipeline::{self, Columns};
use crate::prediction::{write_decision, write_exact, write_header, write_reference};
use crate::rows::{self, Rows};
use crate::session::{Exit, Session, Stop};

/// Prints one line a row.
pub(crate) fn run(session: &mut Session, project: &Project, args: &Predict) -> Result<Exit, Stop> {
    match args.engine {
        Engine::Reference => of_model(session, project, args, write_reference),
        Engine::Exact => of_model(session, project, args, write_exact),
        Engine::Ir => {
            let (columns, mut options) = columns(args, project)?;
            let model = import(session, project, args, &mut options, columns)?;
            let lowered = pipeline::lower(&model, &options, &mut |_, _, _| {})?;
            let rows = read_rows(args, lowered.int.columns.iter().map(|(_, it)| it))?;
            let mut sink = Sink::open(args.out.as_deref())?;
            sink.write(|out| write_header(out, &lowered.int))?;
            for row in rows.iter() {
                sink.write(|out| write_decision(out, &lowered.int, &decide(&lowered.int, row)))?;
            }
            sink.finish()?;
            Ok(Exit::Done)
        }
        Engine::Kernel => in_kernel(session, project, args),
    }
}

/// Writes what the model makes of a row.
type WriteRow = fn(&mut Writer, &Module<Real>, &[i64]) -> io::Result<()>;

fn of_model(
    session: &mut Session,
    project: &Project,
    args: &Predict,
    write: WriteRow,
) -> Result<Exit, Stop> {
    let (columns, mut options) = columns(args, project)?;
    let model = import(session, project, args, &mut options, columns)?;
    let rows = read_rows(args, model.real.columns.iter().map(|(_, it)| it))?;
    let mut sink = Sink::open(args.out.as_deref())?;
    sink.write(|out| write_header(out, &model.real))?;
    for row in rows.iter() {
        sink.write(|out| write(out, &model.real, row))?;
    }
    sink.finish()?;
    Ok(Exit::Done)
}

fn in_kernel(session: &mut Session, project: &Project, args: &Predict) -> Result<Exit, Stop> {
    let (columns, options) = columns(args, project)?;
    let mut build = compile::build(session, project, &args.model, columns, options, &[], &[])?;
    let (object, name) = match &args.object {
        Some(path) => (files::read_bytes(path)?, path.display().to_string()),
        None => {
            build.compile(session, &clang::find()?)?;
            let object = build.object.clone().expect("the object was just compiled");
            (object, format!("{}.bpf.o", build.manifest.name))
        }
    };
    let rows = read_rows(args, build.lowered.int.columns.iter().map(|(_, it)| it))?;
    let decisions = decide_in_kernel(&build, &object, &rows)
        .map_err(|error| kernel::failure(&format!("run `{name}`"), &error))?;
    let mut sink = Sink::open(args.out.as_deref())?;
    sink.write(|out| write_header(out, &build.lowered.int))?;
    for decision in &decisions {
        sink.write(|out| write_decision(out, &build.lowered.int, decision))?;
    }
    sink.finish()?;
    Ok(Exit::Done)
}

fn decide_in_kernel(
    build: &Build,
    object: &[u8],
    rows: &Rows,
) -> Result<Vec<Decision>, skxc_bpf::Error> {
    let layout = kernel::layout(&build.manifest);
    let mut bench = kernel::bench(object, &build.manifest)?;
    let mut features = Vec::with_capacity(rows.len() * layout.features_bytes);
    for row in rows.iter() {
        layout.pack(row, &mut features);
    }
    let results = bench.run(rows.len(), &features)?.results;
    Ok(layout.decisions(&results).collect())
}

/// Columns and options: with an object, those of its manifest.
fn columns(args: &Predict, project: &Project) -> Result<(Columns, Options), Stop> {
    let names = column_names(&args.model, project);
    let Some(object) = &args.object else {
        let mut options = Options::of_model(&args.model, project)?;
        options.lowering = args.lowering.unwrap_or(options.lowering);
        return Ok((Columns::Bound(names), options));
    };
    let manifest = Manifest::read(&Manifest::path_of(object))?;
    let columns = match names {
        Some(names) => Columns::Bound(Some(names)),
        None => Columns::Known(manifest.columns()),
    };
    // The hook, too: what there is to act upon shapes the result.
    Ok((columns, manifest.options.over_model(&args.model)?))
}

fn import(
    session: &mut Session,
    project: &Project,
    args: &Predict,
    options: &mut Options,
    columns: Columns,
) -> Result<pipeline::Model, Stop> {
    pipeline::import(session, &args.model, options, columns, project)?.model
}

fn read_rows<'a>(args: &Predict, columns: impl Iterator<Item = &'a Column>) -> Result<Rows, Stop> {
    let columns: Vec<Column> = columns.cloned().collect();
    rows::read(&args.input, &columns)
}
