//! `skxc detach`: takes programs off an interface.
//!
//! What must hold: the lock of the pins is held from looking to the end, so that
//! no attach or other detach is seen by half.

use std::path::Path;

use skxc_bpf::{Error, LockedPins, PIN_ROOT, attachments};
use skxc_diagnostics::{Diagnostic, codes, escape_to_one_line};

use crate::attached;
use crate::cli::Detach;
use crate::kernel;
use crate::session::{Exit, Session, Stop};

/// Detaches everything of skxc from the interface.
pub(crate) fn run(session: &Session, args: &Detach) -> Result<Exit, Stop> {
    let failed = |error: Error| kernel::failure("detach", &error);
    let locked = LockedPins::lock(Path::new(PIN_ROOT)).map_err(failed)?;
    let mut found = attachments(locked.root()).map_err(failed)?;
    found.retain(|attachment| attachment.interface == args.interface);
    let mut taken_off = !found.is_empty();
    for attachment in found {
        let copy = attachment.clone();
        attachment.detach(&locked).map_err(failed)?;
        attached::forget(&copy);
        session.say(format_args!("{} is off {}", copy.name, copy.interface));
    }
    for running in skxc_bpf::running().map_err(failed)? {
        if running.interface.name != args.interface {
            continue;
        }
        if let Some(model) = running.model().map_err(failed)? {
            running.detach().map_err(failed)?;
            taken_off = true;
            session.say(format_args!("{model} is off {}; it had no pins here", args.interface));
        }
    }
    if taken_off {
        return Ok(Exit::Done);
    }
    let name = escape_to_one_line(&args.interface);
    Err(Stop::input(
        Diagnostic::error(codes::ATTACH, format!("`{name}` has no program of skxc"))
            .help("`skxc status` shows what is attached"),
    ))
}
