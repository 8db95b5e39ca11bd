//! `skxc attach`: an object onto an interface.

use std::path::Path;

use skxc_bpf::{Attachment, Error, Interface, Loader, LockedPins, PIN_ROOT, attach_xdp};
use skxc_diagnostics::{Diagnostic, codes};

use crate::actions::{ClassActions, by_class, resolve};
use crate::attached::{self, Record};
use crate::cli::{Attach, Hook, Mode};
use crate::digest;
use crate::embedded::Embedded;
use crate::files;
use crate::interface::{self, Placement};
use crate::kernel;
use crate::manifest::Manifest;
use crate::session::{Exit, Session, Stop};

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
    let members = Embedded::read(object, &manifest.name).disagreements(manifest);
    if members.is_empty() { Ok(()) } else { Err(Stop::input(Manifest::differs(path, &members))) }
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
    let attached = load_and_attach(session, object, &manifest, &interface, &placement);
    let (attachment, mode) = match (attached, placement.not_generic) {
        (Err(Error::Mode { .. } | Error::MtuTooLarge { .. }), Some(refused))
            if mode == Mode::Auto =>
        {
            return Err(Stop::input(refused));
        }
        (Ok((attachment, skxc_bpf::Mode::Generic)), Some(warning)) => {
            session.report(&[warning]);
            (attachment, skxc_bpf::Mode::Generic)
        }
        (attached, _) => attached.map_err(|error| failed(&error))?,
    };
    warn_of_mount_namespace(session);
    session.say(format_args!(
        "{} on {} ({mode}{}); `skxc status -i {1}` shows it, `skxc detach -i {1}` takes it off",
        attachment.name,
        attachment.interface,
        if manifest.options.shadow { ", shadow: everything passes" } else { "" },
    ));
    if !manifest.options.shadow
        && let Some(line) = manifest.fallback.line()
    {
        session.say(line);
    }
    Ok(Exit::Done)
}

/// Warns where pins may go with the command: in a mount namespace that is not that
/// of process 1, as inside of `ip netns exec`. Where either cannot be read, nothing
/// is known.
fn warn_of_mount_namespace(session: &Session) {
    let of = |process: &str| std::fs::read_link(format!("/proc/{process}/ns/mnt")).ok();
    if let (Some(ours), Some(first)) = (of("self"), of("1"))
        && ours != first
    {
        let message = "the program may go when the last process of this mount namespace ends";
        session.report(&[Diagnostic::warning(codes::ATTACH, message)
            .note("its pins are here alone if the BPF file system was mounted here, as inside `ip netns exec`")
            .help("in a network namespace: `nsenter --net=/run/netns/NAME skxc ...`")]);
    }
}

fn load_and_attach(
    session: &Session,
    object: &[u8],
    manifest: &Manifest,
    interface: &Interface,
    placement: &Placement,
) -> Result<(Attachment, skxc_bpf::Mode), Error> {
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
    let mut recorded = None;
    let attached = attach_xdp(&loaded, &program, name, interface, mode, &locked, |attachment| {
        recorded = Some(attachment.clone());
        remember(session, attachment, manifest);
    });
    if let (Err(_), Some(attachment)) = (&attached, recorded) {
        attached::forget(&attachment);
    }
    attached
}

fn remember(session: &Session, attachment: &Attachment, manifest: &Manifest) {
    if let Err(error) = attached::remember(attachment, &Record::of(manifest)) {
        let message = format!("`skxc status` will show classes by number: {error}");
        session.report(&[Diagnostic::warning(codes::ATTACH, message)]);
    }
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
