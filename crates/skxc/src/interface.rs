//! Whether a program sees on an interface what its model was trained on: link
//! type, VLAN tags, merged packets.
//!
//! What must hold: what is compared is the declared columns of the manifest with
//! the feature table ([`Offload`]), and every refusal names the line to type.

use skxc_bpf::{Interface, LinkLayer, Offloads};
use skxc_diagnostics::{Diagnostic, codes};
use skxc_runtime::{Offload, find};

use crate::cli::Mode;
use crate::kernel;
use crate::manifest::Manifest;
use crate::session::{Session, Stop};

/// How a program is to be put on an interface.
#[derive(Debug)]
pub(crate) struct Placement {
    /// What the constant `NAME_layer3` is to be.
    pub(crate) layer3: u32,
    /// The mode: never generic where that is refused.
    pub(crate) mode: Mode,
    /// What to say if the interface has no native mode, and generic is refused.
    pub(crate) not_generic: Option<Diagnostic>,
}

/// Looks at the interface. With `force` only warns of what it does to frames.
pub(crate) fn place(
    session: &Session,
    manifest: &Manifest,
    interface: &Interface,
    mode: Mode,
    force: bool,
) -> Result<Placement, Stop> {
    let failed = |error| kernel::failure("attach", &error);
    let layer3 = match interface.link_layer().map_err(failed)? {
        LinkLayer::Ethernet => 0,
        LinkLayer::Ip => 1,
        LinkLayer::Other { number, name } => {
            return Err(Stop::input(wrong_type(interface, number, name.as_deref())));
        }
    };
    let offloads = interface.offloads().map_err(failed)?;
    let stripping = stripping(manifest, interface, &offloads);
    let merging = merging(manifest, interface, &offloads);
    // What the other end of a pair does cannot be looked at.
    let is_warning = |it: &Diagnostic| it.severity == skxc_diagnostics::Severity::Warning;
    let (mut warnings, mut errors): (Vec<_>, Vec<_>) =
        stripping.into_iter().partition(|it| force || is_warning(it));
    let mut placement = Placement { layer3, mode, not_generic: None };
    match (merging, mode) {
        (None, _) | (_, Mode::Native) => {}
        (Some(found), Mode::Generic) if force || is_warning(&found) => warnings.push(found),
        (Some(found), Mode::Generic) => errors.push(found),
        (Some(found), Mode::Auto) if force || is_warning(&found) => {
            placement.not_generic = Some(found.into_warning());
        }
        (Some(found), Mode::Auto) => {
            placement.mode = Mode::Native;
            placement.not_generic = Some(found);
        }
    }
    if errors.is_empty() {
        session.report(&warnings.into_iter().map(Diagnostic::into_warning).collect::<Vec<_>>());
        Ok(placement)
    } else {
        Err(Stop::Input(errors))
    }
}

fn wrong_type(interface: &Interface, number: u16, name: Option<&str>) -> Diagnostic {
    let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
    let message =
        format!("frames of `{}` cannot be read: it is of type {number}{name}", interface.name);
    Diagnostic::error(codes::INTERFACE_TYPE, message)
        .help("attach to an interface whose frames begin with an Ethernet or an IP header")
}

/// The declared columns that an offload changes.
fn changed_by(manifest: &Manifest, offload: Offload) -> Vec<&str> {
    let names = manifest.columns.iter().map(|column| column.name.as_str());
    let changed = |name: &&str| find(name).is_some_and(|(_, it)| it.offload == Some(offload));
    names.filter(changed).collect()
}

fn stripping(
    manifest: &Manifest,
    interface: &Interface,
    offloads: &Offloads,
) -> Option<Diagnostic> {
    let name = &interface.name;
    if changed_by(manifest, Offload::Stripping).is_empty() {
        return None;
    }
    let other_end = "type `ethtool -K OTHER txvlan off` for its other end `OTHER`, where that is";
    if offloads.strips_vlan {
        let message =
            format!("`{name}` takes VLAN tags out of frames, so that `vlan_id` would be 0");
        let found = Diagnostic::error(codes::VLAN_STRIPPING, message)
            .help(format!("type `ethtool -K {name} rxvlan off`, or attach with `--force`"));
        return Some(if offloads.is_veth { found.help(other_end) } else { found });
    }
    let message = format!("the other end of `{name}` may keep VLAN tags beside frames");
    let warning = Diagnostic::warning(codes::VLAN_STRIPPING, message)
        .note("`vlan_id` is then 0")
        .help(other_end);
    offloads.is_veth.then_some(warning)
}

fn merging(manifest: &Manifest, interface: &Interface, offloads: &Offloads) -> Option<Diagnostic> {
    let name = &interface.name;
    let columns: Vec<String> =
        changed_by(manifest, Offload::Merging).iter().map(|it| format!("`{it}`")).collect();
    let columns = columns.join(", ");
    if columns.is_empty() {
        return None;
    }
    let other_end =
        "type `ethtool -K OTHER tso off gso off` for its other end `OTHER`, where that is";
    if !offloads.merging.is_empty() {
        let message = format!(
            "`{name}` merges packets before generic XDP sees them, which changes {columns}"
        );
        let off = offloads.merging.join(" off ");
        let found = Diagnostic::error(codes::MERGING, message)
            .help(format!("type `ethtool -K {name} {off} off`, or attach with `--force`"));
        return Some(if offloads.is_veth { found.help(other_end) } else { found });
    }
    let message = format!("the other end of `{name}` may send packets that are not yet split");
    let warning = Diagnostic::warning(codes::MERGING, message)
        .note(format!("that changes {columns} in generic mode"))
        .help(other_end);
    offloads.is_veth.then_some(warning)
}
