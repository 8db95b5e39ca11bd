//! `skxc attach`: an object onto an interface.

use std::path::Path;

use skxc_bpf::{
    Attached, Error, Interface, Loader, LockedPins, PIN_ROOT, attach_xdp,
    ends_with_mount_namespace, ip_netns_exec,
};
use skxc_diagnostics::{Diagnostic, codes, escape_to_one_line};

use crate::actions::{ClassActions, by_class, resolve};
use crate::cli::{Attach, Hook, Mode};
use crate::digest;
use crate::embedded::Embedded;
use crate::files;
use crate::interface::{self, Placement};
use crate::kernel;
use crate::manifest::Manifest;
use crate::session::{Exit, Session, Stop};
use crate::shell;

/// Attaches an object that its manifest describes.
pub(crate) fn run(session: &Session, args: &Attach) -> Result<Exit, Stop> {
    let object = files::read_bytes(&args.object)?;
    let mut manifest = Manifest::read(&Manifest::path_of(&args.object))?;
    match check_described(&manifest, &args.object, &object) {
        Err(Stop::Input(list)) if args.force => {
            session.report(&list.into_iter().map(Diagnostic::into_warning).collect::<Vec<_>>());
        }
        other => other?,
    }
    set_actions(&mut manifest, &args.actions)?;
    manifest.fallback.change(&args.fallback);
    manifest.options.shadow |= args.shadow;
    attach(session, &object, &args.object, manifest, &args.interface, (args.mode, args.force))
}

/// Refuses an object that is not the one that its manifest describes.
fn check_described(manifest: &Manifest, path: &Path, object: &[u8]) -> Result<(), Stop> {
    manifest.check_object(path, &digest::sha256(object))?;
    match Embedded::read(object, &manifest.name).refusal(manifest, path) {
        Some(refusal) => Err(Stop::input(refusal)),
        None => Ok(()),
    }
}

/// Attaches, with the actions of the manifest.
pub(crate) fn attach(
    session: &Session,
    object: &[u8],
    path: &Path,
    manifest: Manifest,
    interface: &str,
    (mode, force): (Mode, bool),
) -> Result<Exit, Stop> {
    if manifest.options.hook == Hook::None {
        let message = format!("`{}` has no program for a hook", path.display());
        return Err(Stop::input(
            Diagnostic::error(codes::ATTACH, message).help("compile with `--hook xdp`"),
        ));
    }
    let failed = |error: &Error| kernel::failure(&format!("attach `{}`", path.display()), error);
    let interface = Interface::find(interface).map_err(|error| failed(&error))?;
    let placement = interface::place(session, &manifest, &interface, mode, force)?;
    let attached = load_and_attach(object, &manifest, &interface, &placement);
    let attached = match (attached, placement.not_generic) {
        (Err(error @ (Error::Mode { .. } | Error::MtuTooLarge { .. })), Some(refused))
            if mode == Mode::Auto =>
        {
            return Err(Stop::input(
                refused.note(format!("native mode was refused: {}", kernel::chain(&error))),
            ));
        }
        (Ok(attached), Some(warning)) if attached.mode == skxc_bpf::Mode::Generic => {
            session.report(&[warning]);
            attached
        }
        (attached, _) => attached.map_err(|error| failed(&error))?,
    };
    say_attached(session, &attached, &manifest);
    Ok(Exit::Done)
}

fn say_attached(session: &Session, attached: &Attached, manifest: &Manifest) {
    let Attached { attachment, mode, not_native } = attached;
    let shadow = manifest.options.shadow;
    let word = shell::word(&attachment.interface);
    warn_of_mount_namespace(session, &attachment.name);
    session.say(format_args!(
        "{} on {} ({mode}{}); `skxc status -i {word}` shows it, `skxc detach -i {word}` takes it off",
        attachment.name,
        escape_to_one_line(&attachment.interface),
        if shadow { ", shadow: everything passes" } else { "" },
    ));
    if let Some(error) = not_native {
        session.say(format_args!("generic because {}", kernel::chain(error)));
    }
    if let Some(line) = manifest.fallback.line().filter(|_| !shadow) {
        session.say(line);
    }
}

/// Warns where the pins, and the program with them, go when a command ends.
fn warn_of_mount_namespace(session: &Session, name: &str) {
    if !ends_with_mount_namespace(Path::new(PIN_ROOT)) {
        return;
    }
    let message = format!("`{name}` goes with this mount namespace");
    let warning = Diagnostic::warning(codes::SHORT_LIVED, message)
        .note("the BPF file system that holds its pins is mounted here alone");
    session.report(&[match ip_netns_exec() {
        Some(namespace) => kernel::instead_of_ip_netns_exec(warning, &namespace),
        None => warning.help("attach where the machine has mounted /sys/fs/bpf"),
    }]);
}

fn load_and_attach(
    object: &[u8],
    manifest: &Manifest,
    interface: &Interface,
    placement: &Placement,
) -> Result<Attached, Error> {
    let name = &manifest.name;
    let program = kernel::xdp_program(name);
    let actions: Vec<u8> =
        manifest.classes.iter().flat_map(|class| class.action.xdp().to_ne_bytes()).collect();
    let fallbacks: Vec<u8> =
        manifest.fallback.xdp().into_iter().flat_map(u32::to_ne_bytes).collect();
    let shadow = u32::from(manifest.options.shadow);
    let loaded = Loader::new(object)?
        .program(&program)
        .variable(&format!("{name}_actions"), &actions)
        .variable(&format!("{name}_fallbacks"), &fallbacks)
        .variable(&format!("{name}_shadow"), &shadow.to_ne_bytes())
        .variable(&format!("{name}_layer3"), &placement.layer3.to_ne_bytes())
        .load()?;
    let mode = match placement.mode {
        Mode::Auto => None,
        Mode::Native => Some(skxc_bpf::Mode::Native),
        Mode::Generic => Some(skxc_bpf::Mode::Generic),
    };
    let locked = LockedPins::lock(Path::new(PIN_ROOT))?;
    attach_xdp(&loaded, &program, name, interface, mode, &locked)
}

/// Actions given here replace all that were compiled in.
fn set_actions(manifest: &mut Manifest, wanted: &[ClassActions]) -> Result<(), Stop> {
    if wanted.is_empty() {
        return Ok(());
    }
    let shadow = manifest.options.shadow;
    let actions = resolve(&manifest.labels(), &by_class(wanted), shadow).map_err(Stop::Input)?;
    for (class, action) in manifest.classes.iter_mut().zip(actions) {
        class.action = action;
    }
    Ok(())
}
