//! `skxc features`: the packet features that a column can be bound to.

use std::io::Write as _;

use comfy_table::Table;
use skxc_runtime::{FEATURES, Feature, Offload};

use crate::cli::{Features, TableFormat};
use crate::session::{Exit, Stop, stdout};
use crate::tables;

/// Prints the table.
pub(crate) fn run(args: &Features) -> Result<Exit, Stop> {
    let mut out = stdout();
    match args.format {
        TableFormat::Text => writeln!(out, "{}", text().trim_fmt())?,
        TableFormat::Csv => {
            writeln!(out, "name,aliases,type,min,max,description,changed_by")?;
            for feature in FEATURES {
                let (aliases, c_type) = (feature.aliases.join(" "), feature.c_type.name());
                let doc = feature.doc.replace('"', "\"\"");
                let offload = feature.offload.map_or("", name);
                writeln!(
                    out,
                    "{},{aliases},{c_type},0,{},\"{doc}\",{offload}",
                    feature.name, feature.max
                )?;
            }
        }
        TableFormat::Json => {
            let features: Vec<_> = FEATURES.iter().map(json).collect();
            writeln!(out, "{:#}", serde_json::Value::from(features))?;
        }
    }
    out.flush()?;
    Ok(Exit::Done)
}

fn text() -> Table {
    let mut table = tables::plain(["FEATURE", "TYPE", "RANGE", "VALUE"]);
    for feature in FEATURES {
        let mut doc = feature.doc.to_owned();
        if !feature.aliases.is_empty() {
            doc.push_str(&format!(" (also {})", feature.aliases.join(", ")));
        }
        if let Some(offload) = feature.offload {
            doc.push_str(&format!("; changed by {}", describe(offload)));
        }
        let range = format!("0..={}", feature.max);
        table.add_row([feature.name, feature.c_type.name(), &range, &doc]);
    }
    table
}

fn json(feature: &Feature) -> serde_json::Value {
    serde_json::json!({
        "name": feature.name,
        "aliases": feature.aliases,
        "type": feature.c_type.name(),
        "min": 0,
        "max": feature.max,
        "description": feature.doc,
        "changed_by": feature.offload.map(name),
    })
}

/// The offload in JSON and CSV.
fn name(offload: Offload) -> &'static str {
    match offload {
        Offload::Stripping => "vlan-stripping",
        Offload::Merging => "merging",
    }
}

/// The offload for people.
fn describe(offload: Offload) -> &'static str {
    match offload {
        Offload::Stripping => "VLAN tag stripping (SKX0610)",
        Offload::Merging => "GRO and TSO (SKX0611)",
    }
}
