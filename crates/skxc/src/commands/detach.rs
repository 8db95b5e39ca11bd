//! `skxc detach`: takes programs off an interface.

use std::path::Path;

use skxc_bpf::{Error, PIN_ROOT, attachments};
use skxc_diagnostics::{Diagnostic, codes, escape_to_one_line};

use crate::attached;
use crate::cli::Detach;
use crate::kernel;
use crate::session::{Exit, Session, Stop};

/// Detaches everything of skxc from the interface.
pub(crate) fn run(session: &Session, args: &Detach) -> Result<Exit, Stop> {
    let failed = |error: Error| kernel::failure("detach", &error);
    let mut found = attachments(Path::new(PIN_ROOT)).map_err(failed)?;
    found.retain(|attachment| attachment.interface == args.interface);
    if found.is_empty() {
        let name = escape_to_one_line(&args.interface);
        return Err(Stop::input(
            Diagnostic::error(codes::ATTACH, format!("`{name}` has no program of skxc"))
                .help("`skxc status` shows what is attached"),
        ));
    }
    for attachment in found {
        let copy = attachment.clone();
        attachment.detach().map_err(failed)?;
        attached::forget(&copy);
        session.say(format_args!("{} is off {}", copy.name, copy.interface));
    }
    Ok(Exit::Done)
}
