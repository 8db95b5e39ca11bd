//! `skxc detach`: takes programs off an interface.
//!
//! What must hold: the lock of the pins is held from looking to the end, so that
//! no attach or other detach is seen by half.

use std::path::Path;

use skxc_bpf::{Error, Interface, LockedPins, PIN_ROOT, Running, attachments, running};
use skxc_diagnostics::{Diagnostic, codes, escape_to_one_line};

use crate::cli::Detach;
use crate::kernel;
use crate::session::{Exit, Session, Stop};

/// Detaches everything of skxc from the interface.
pub(crate) fn run(session: &Session, args: &Detach) -> Result<Exit, Stop> {
    let failed = |error: Error| kernel::failure("detach", &error);
    // One that is gone, or has left, is known by the name that it had.
    let interface = Interface::find(&args.interface).map_or(args.interface.clone(), |it| it.name);
    let locked = match LockedPins::lock(Path::new(PIN_ROOT)) {
        Ok(locked) => locked,
        Err(error) => return Err(cannot_lock(&interface, &error)),
    };
    let mut found = attachments(locked.root()).map_err(failed)?;
    found.retain(|attachment| attachment.interface == interface);
    let mut taken_off = !found.is_empty();
    for attachment in found {
        let line = format!("{} is off {}", attachment.name, attachment.interface);
        attachment.detach(&locked).map_err(failed)?;
        session.say(line);
    }
    for running in on(&interface).map_err(failed)? {
        if let Some(program) = running.resident().map_err(failed)? {
            running.detach().map_err(failed)?;
            taken_off = true;
            let model = program.model();
            session.say(format_args!("{model} is off {interface}; it had no pins here"));
        }
    }
    if taken_off { Ok(Exit::Done) } else { Err(nothing_on(&interface)) }
}

/// The programs of an interface.
fn on(interface: &str) -> Result<Vec<Running>, Error> {
    let mut found = running()?;
    found.retain(|it| it.interface.name == interface);
    Ok(found)
}

fn nothing_on(interface: &str) -> Stop {
    if let Err(error) = Interface::find(interface) {
        return kernel::failure("detach", &error);
    }
    let name = escape_to_one_line(interface);
    Stop::input(
        Diagnostic::error(codes::ATTACH, format!("`{name}` has no program of skxc"))
            .help("`skxc status` shows what is attached"),
    )
}

/// Pins cannot be changed: says what stays on the interface, if anything does.
fn cannot_lock(interface: &str, error: &Error) -> Stop {
    let found = match on(interface) {
        Ok(found) => found,
        Err(error) => return kernel::failure("detach", &error),
    };
    let name = escape_to_one_line(interface);
    let stays = found.iter().filter_map(|it| {
        let (mode, id) = (it.mode, it.program_id);
        match it.resident() {
            Ok(None) => None,
            Ok(Some(program)) => {
                let model = escape_to_one_line(program.model());
                Some(format!("`{model}` stays on `{name}` ({mode}, program {id})"))
            }
            Err(_) => Some(format!(
                "program {id} ({mode}) stays on `{name}`; to tell whether it is of skxc needs \
                 CAP_SYS_ADMIN (or root)"
            )),
        }
    });
    let stays: Vec<String> = stays.collect();
    match kernel::failure("detach", error) {
        _ if stays.is_empty() => nothing_on(interface),
        Stop::Environment(mut list) => {
            if let Some(first) = list.first_mut() {
                first.notes.splice(0..0, stays);
            }
            Stop::Environment(list)
        }
        other => other,
    }
}
