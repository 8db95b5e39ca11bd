//! `skxc features`: the packet features that a column can be bound to.

use std::io::Write as _;

use comfy_table::Table;
use skxc_runtime::{FEATURES, Feature};

use crate::cli::{Features, TableFormat};
use crate::session::{Exit, Stop, stdout};
use crate::tables;

/// Prints the table.
pub(crate) fn run(args: &Features) -> Result<Exit, Stop> {
    let mut out = stdout();
    match args.format {
        TableFormat::Text => writeln!(out, "{}", text().trim_fmt())?,
        TableFormat::Csv => {
            writeln!(out, "name,aliases,type,min,max,description")?;
            for feature in FEATURES {
                let (aliases, c_type) = (feature.aliases.join(" "), feature.c_type.name());
                let doc = feature.doc.replace('"', "\"\"");
                writeln!(out, "{},{aliases},{c_type},0,{},\"{doc}\"", feature.name, feature.max)?;
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
    })
}
