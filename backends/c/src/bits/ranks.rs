//! How ranks are found, as C: tables, and the place where a row of masks begins.

use skxc_lowering::bits::Plan;
use skxc_lowering::bits::groups::Group;
use skxc_lowering::bits::ranks::{Find, PAGE_BITS, Pages, Rank};

use crate::context::{Context, Part};
use skxc_backend_common::writer::{Writer, literal};

/// A number behind the threshold of every value, which takes at most 62 bits.
const BEYOND: i64 = (1 << 62) - 1;

/// The tables of all features that need one.
pub(super) fn tables(out: &mut Writer, context: &Context<'_>, part: &Part<'_>, plan: &Plan) {
    let lower = &part.lower;
    for (index, rank) in plan.ranks.iter().enumerate() {
        let x = context.element(part.trees.features[rank.feature as usize]);
        let count = rank.thresholds.len();
        match &rank.find {
            Find::Value | Find::Compare => {}
            Find::Table(ranks) => {
                out.comment(&[format!(
                    "By value of {x}: how many of {count} thresholds it exceeds."
                )]);
                let ty = if count < 256 { "__u8" } else { "__u16" };
                let mut entries = ranks.clone();
                entries.resize(ranks.len().next_power_of_two(), 0);
                array(out, ty, &format!("{lower}_rank_{index}"), entries.iter());
            }
            Find::Pages(pages) => {
                out.comment(&[
                    format!(
                        "How many of {count} thresholds a value of {x} exceeds: \
                         {lower}_page_{index}[value >> {PAGE_BITS}] = rank of the page's first \
                         value << 16 | offset of the page in {lower}_rank_{index}, whose entry is \
                         added to that rank."
                    ),
                    format!("Pages without a threshold share one page of {lower}_rank_{index}."),
                ]);
                let mut entries: Vec<u32> = pages
                    .of_value
                    .iter()
                    .map(|&(first, kind)| first << 16 | kind << PAGE_BITS)
                    .collect();
                entries.resize(entries.len().next_power_of_two(), 0);
                let entries: Vec<String> =
                    entries.iter().map(|entry| format!("{entry:#x}")).collect();
                array(out, "__u32", &format!("{lower}_page_{index}"), entries.iter());
                let mut added: Vec<u8> = pages.kinds.iter().flatten().copied().collect();
                added.resize(added.len().next_power_of_two(), 0);
                array(out, "__u8", &format!("{lower}_rank_{index}"), added.iter());
            }
            Find::Search(steps) => {
                out.comment(&[format!(
                    "The {count} thresholds of {x}, and some that no value exceeds."
                )]);
                let mut thresholds = rank.thresholds.clone();
                thresholds.resize((1 << steps) - 1, BEYOND);
                let thresholds: Vec<String> = thresholds.iter().map(|&x| literal(x)).collect();
                array(out, "__s64", &format!("{lower}_thresholds_{index}"), thresholds.iter());
            }
        }
    }
}

/// A table with one entry at least.
fn array<T: ToString>(
    out: &mut Writer,
    ty: &str,
    name: &str,
    entries: impl ExactSizeIterator<Item = T>,
) {
    out.open(&format!("static const {ty} {name}[{}] = {{", entries.len()));
    let entries: Vec<String> = entries.map(|entry| entry.to_string()).collect();
    out.elements(entries.iter().map(String::as_str));
    out.close("};");
    out.line("");
}

/// The locals that [`start`] works with.
pub(super) fn locals(plan: &Plan) -> Vec<&'static str> {
    let mut locals = vec!["__u64 at;"];
    let of = |find: fn(&Find) -> bool| plan.ranks.iter().any(|rank| find(&rank.find));
    let pages = of(|find| matches!(find, Find::Pages(_)));
    let search = of(|find| matches!(find, Find::Search(_) | Find::Compare));
    if pages {
        locals.push("__u64 x, page;");
    }
    if search || of(|find| matches!(find, Find::Pages(Pages { clamp: Some(_), .. }))) {
        locals.push("__s64 d;");
    }
    if search {
        locals.push("__u64 rank;");
    }
    locals
}

/// Statements that leave in `at` where the row of a group begins.
pub(super) fn start(
    out: &mut Writer,
    context: &Context<'_>,
    part: &Part<'_>,
    plan: &Plan,
    group: &Group,
) {
    for (position, &(index, stride)) in group.ranks.iter().enumerate() {
        let rank = &plan.ranks[index];
        let value = find(out, context, part, index, rank);
        let value = if stride == 1 { value } else { format!("{value} * {stride}") };
        let assign = if position == 0 { "=" } else { "+=" };
        out.wrapped(&[format!("at {assign}"), format!("{value};")]);
    }
}

/// Statements that prepare, and an expression of, the rank of a feature.
fn find(
    out: &mut Writer,
    context: &Context<'_>,
    part: &Part<'_>,
    index: usize,
    rank: &Rank,
) -> String {
    let (lower, name) = (&part.lower, &context.prefix.lower);
    let x = context.element(part.trees.features[rank.feature as usize]);
    let from_min = match rank.min {
        0 => format!("(__u64){x}"),
        min if min < 0 => format!("(__u64)((__s64){x} + {})", literal(-min)),
        min => format!("(__u64)((__s64){x} - {})", literal(min)),
    };
    match &rank.find {
        Find::Value => from_min,
        Find::Compare => {
            out.line("rank = 0;");
            for &threshold in &rank.thresholds {
                out.line(&format!("d = {} - (__s64){x};", literal(threshold)));
                out.line(&format!("{name}_barrier(d);"));
                out.line("rank += (__u64)d >> 63;");
            }
            out.comment(&[
                "Verifier: of the sign and a factor clang would make a mask, and Linux 6.18 \
                 follows both values of one."
                    .to_owned(),
            ]);
            out.line(&format!("{name}_barrier(rank);"));
            "rank".to_owned()
        }
        Find::Table(ranks) => {
            let mask = ranks.len().next_power_of_two() - 1;
            format!("(__u64){lower}_rank_{index}[{from_min} & {mask:#x}]")
        }
        Find::Pages(pages) => {
            paged(out, name, &format!("{lower}_page_{index}"), pages, &x, &from_min);
            format!("((page >> 16) + {lower}_rank_{index}[x])")
        }
        Find::Search(steps) => {
            out.line("rank = 0;");
            for step in (0..*steps).rev() {
                let half = 1_u64 << step;
                out.wrapped(&[
                    format!("d = {lower}_thresholds_{index}[rank + {}] -", half - 1),
                    format!("(__s64){x};"),
                ]);
                out.line(&format!("{name}_barrier(d);"));
                out.line(&format!("rank += (__u64)d >> {} & {half};", 63 - step));
            }
            "rank".to_owned()
        }
    }
}

/// Leaves the entry of its page in `page` and its place behind in `x`. `x` is
/// the value, `from_min` its distance from the minimum.
fn paged(out: &mut Writer, name: &str, table: &str, pages: &Pages, x: &str, from_min: &str) {
    let values = (pages.of_value.len().next_power_of_two() << PAGE_BITS) - 1;
    match pages.clamp {
        None => out.line(&format!("x = {from_min} & {values:#x};")),
        Some(clamp) => {
            out.comment(&[format!("The lesser of {x} and {clamp}.")]);
            out.line(&format!("d = {} - (__s64){x};", literal(clamp)));
            out.line(&format!("{name}_barrier(d);"));
            out.line(&format!("x = {from_min};"));
            out.line("x += (__u64)d & -((__u64)d >> 63);");
            out.line(&format!("x &= {values:#x};"));
        }
    }
    let within = (1_usize << PAGE_BITS) - 1;
    let kinds = (pages.kinds.len().next_power_of_two() << PAGE_BITS) - 1;
    out.line(&format!("page = {table}[x >> {PAGE_BITS}];"));
    out.comment(&[
        "Verifier: to Linux 6.1 an OR of two numbers has no bounds; clang would make one of the \
                  sum if it knew how small x is."
            .to_owned(),
    ]);
    out.line(&format!("x &= {within:#x};"));
    out.line(&format!("{name}_barrier(x);"));
    out.line(&format!("x += page & {:#x};", kinds & !within));
}
