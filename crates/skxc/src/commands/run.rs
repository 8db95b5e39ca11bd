//! `skxc run`: compile, check, attach.

use skxc_diagnostics::{Diagnostic, codes};
use skxc_equivalence as equivalence;

use crate::bounds;
use crate::clang;
use crate::cli::{Emit, Hook, Run};
use crate::commands::{attach, check, compile};
use crate::config::Project;
use crate::kernel;
use crate::material::Material;
use crate::options::{Options, column_names};
use crate::output::Output;
use crate::pipeline::Columns;
use crate::profile;
use crate::session::{Exit, Session, Stop};

/// Attaches only what every comparison passed.
pub(crate) fn run(session: &mut Session, project: &Project, args: &Run) -> Result<Exit, Stop> {
    // Before anything takes time.
    skxc_bpf::Interface::find(&args.interface)
        .map_err(|error| kernel::failure("attach", &error))?;
    let options = Options::new(&args.model, &args.program, project)?;
    if options.hook == Hook::None {
        let message = "with `--hook none` there is nothing to attach";
        return Err(Stop::input(
            Diagnostic::error(codes::ATTACH, message).help("`skxc compile` makes the program"),
        ));
    }
    let columns = Columns::Bound(column_names(&args.model, project));
    let profile = profile::paths(&args.program.profile, project);
    let mut build = compile::build(session, project, &args.model, columns, options, &profile, &[])?;
    let max_error = args.max_error.or(project.config.max_error);
    if let Some(exit) = bounds::errors_exceeded(session, max_error, &build.manifest) {
        return Ok(exit);
    }
    session.report(&build.warnings());
    build.compile(session, &clang::find()?)?;
    let folder = compile::output_folder(args.out.as_deref(), project);
    let mut output = Output::default();
    build.add_files(&mut output, &folder, &[Emit::Source, Emit::Object, Emit::Manifest]);
    output.write()?;
    let path = folder.join(format!("{}.bpf.o", build.manifest.name));
    let object = build.object.clone().expect("the object was just compiled");
    let given = (project, &args.given);
    let how_much = equivalence::Options::default();
    let material = Material::read(session, given, &args.model.model, &build, how_much)?;
    let findings = check::compare_all(session, &build, &object, &path, material, None)?;
    session.say(findings.text().trim_end());
    session.report(&findings.diagnostics());
    match findings.exit() {
        Exit::Done => {
            let manifest = build.manifest;
            let how = (args.mode, args.force);
            attach::attach(session, &object, &path, manifest, &args.interface, how)
        }
        exit => Ok(exit),
    }
}
