//! `skxc inspect`: what a model holds, what it becomes, what it costs.

mod cost;
mod summary;

use std::io::{self, Write};

use skxc_diagnostics::escape_to_one_line;
use skxc_ir::text;
use skxc_passes::pipeline::Snapshot;

use crate::cli::{Hook, Inspect, MessageFormat};
use crate::commands::compile::skir;
use crate::config::Project;
use crate::describe;
use crate::manifest::Manifest;
use crate::options::{Options, column_names};
use crate::pipeline::{self, Columns, Imported, Lowered, Model};
use crate::profile;
use crate::reports::small;
use crate::session::{Exit, Session, Stop, stdout};

/// Prints what there is to say. A model that cannot be compiled is shown as
/// far as it goes, and the exit code says so.
pub(crate) fn run(session: &mut Session, project: &Project, args: &Inspect) -> Result<Exit, Stop> {
    if let Some(Some(pass)) = &args.ir {
        pipeline::check_pass(pass)?;
    }
    let mut options = options(project, args)?;
    let columns = Columns::Bound(column_names(&args.model, project));
    let Imported { model, summary, listing } =
        pipeline::import(session, &args.model, &mut options, columns, project)?;
    let mut out = stdout();
    if args.listing {
        write!(out, "{}", session.sources.text(listing.source))?;
        out.flush()?;
        return model.map(|_| Exit::Done);
    }
    if let Some(pass) = &args.ir {
        let (text, rest) = ir_after(&model?, &options, pass.as_deref())?;
        write!(out, "{text}")?;
        out.flush()?;
        return rest.map(|()| Exit::Done);
    }
    if args.cost {
        let model = model?;
        let lowered = lower(session, project, args, &model, &mut options)?;
        // With a parser, if all columns are read from packets.
        let at_hook = Options { hook: Hook::Xdp, shadow: true, ..options.clone() };
        let program = pipeline::program(&model, &lowered, &at_hook)
            .or_else(|_| pipeline::program(&model, &lowered, &options))?;
        let report = cost::Report::new(&lowered, &program, &options);
        match session.format {
            MessageFormat::Human => report.write(&mut out)?,
            MessageFormat::Json => writeln!(out, "{}", report.json())?,
        }
        out.flush()?;
        return Ok(Exit::Done);
    }
    if session.format == MessageFormat::Json {
        let manifest = manifest(session, project, args, model, &mut options);
        writeln!(out, "{}", summary::json(&summary, manifest.as_ref().ok()))?;
        out.flush()?;
        return manifest.map(|_| Exit::Done);
    }
    summary::write(&mut out, &summary)?;
    out.flush()?;
    let manifest = manifest(session, project, args, model, &mut options)?;
    write_columns(&mut out, &manifest)?;
    write_program(&mut out, &manifest)?;
    out.flush()?;
    Ok(Exit::Done)
}

/// What the program of a model would be, if there can be one.
fn manifest(
    session: &Session,
    project: &Project,
    args: &Inspect,
    model: Result<Model, Stop>,
    options: &mut Options,
) -> Result<Manifest, Stop> {
    let model = model?;
    let lowered = lower(session, project, args, &model, options)?;
    let program = pipeline::program(&model, &lowered, options)?;
    Ok(describe::manifest(&model, &lowered, &program, options))
}

/// Runs the passes, and the rows of a profile.
fn lower(
    session: &Session,
    project: &Project,
    args: &Inspect,
    model: &Model,
    options: &mut Options,
) -> Result<Lowered, Stop> {
    let mut lowered = pipeline::lower(model, options, &mut |_, _, _| {})?;
    profile::apply(session, &profile::paths(&args.profile, project), &mut lowered, options)?;
    Ok(lowered)
}

fn options(project: &Project, args: &Inspect) -> Result<Options, Stop> {
    let program = crate::cli::ProgramArgs {
        actions: Vec::new(),
        fallback: Vec::new(),
        shadow: false,
        // What happens to packets is no matter here, nor is it where the columns come from.
        hook: Some(Hook::None),
        lowering: args.lowering,
        optimize: args.optimize,
        profile: Vec::new(),
        kernel: args.kernel.clone(),
    };
    Options::new(&args.model, &program, project)
}

/// The text form after a pass, or after all of them, and what came of the rest.
fn ir_after(
    model: &Model,
    options: &Options,
    pass: Option<&str>,
) -> Result<(String, Result<(), Stop>), Stop> {
    if pass == Some(pipeline::IMPORT) {
        return Ok((text::print(&model.real), Ok(())));
    }
    let mut wanted = None;
    let lowered = pipeline::lower(model, options, &mut |name, _, snapshot: Snapshot<'_>| {
        if pass == Some(name) {
            wanted = Some(skir(snapshot));
        }
    });
    match wanted {
        Some(text) => Ok((text, lowered.map(drop))),
        // A pass that `--passes` left out changed nothing: the end is its result.
        None => Ok((lowered?.skir, Ok(()))),
    }
}

fn write_columns(out: &mut impl Write, manifest: &Manifest) -> io::Result<()> {
    for column in &manifest.columns {
        let missing = column.missing.map_or_else(String::new, |it| format!(", missing {it}"));
        writeln!(out, "column     {} {} to {}{missing}", column.name, column.min, column.max)?;
    }
    Ok(())
}

fn write_program(out: &mut impl Write, manifest: &Manifest) -> io::Result<()> {
    let used = manifest.columns.iter().filter(|column| column.member.is_some()).count();
    writeln!(out, "reads      {used} of {} columns", manifest.columns.len())?;
    for output in &manifest.outputs {
        let name = escape_to_one_line(&output.name);
        let bounds = output.error_max.iter().map(|bound| bound.unwrap_or(f64::INFINITY));
        let bound = bounds.fold(0.0, f64::max);
        match output.error_max[..] {
            [] => writeln!(out, "gives      {name}: {}", output.kind)?,
            _ => writeln!(
                out,
                "gives      {name}: {} x {}, units of 2^-{}, rounding error {}",
                output.elements,
                output.kind,
                output.frac_bits,
                small(bound)
            )?,
        }
    }
    for forest in &manifest.forests {
        writeln!(
            out,
            "forest     {} trees, {} nodes, depth {}: lowering {}",
            forest.trees, forest.nodes, forest.depth_max, forest.lowering
        )?;
    }
    let cost = &manifest.cost;
    writeln!(
        out,
        "predicted  {} ns a decision, {} instructions ({} for the verifier), {} bytes of tables, {} of scratch",
        cost.decision_ns,
        cost.program_insns,
        cost.verifier_insns,
        cost.table_bytes,
        cost.scratch_bytes
    )
}
