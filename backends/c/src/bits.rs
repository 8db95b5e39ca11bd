//! Bit vectors as C ([`skxc_lowering::bits`]).

mod ranks;

use skxc_lowering::bits::words::{Kind, Lane, Word};
use skxc_lowering::bits::{HASH, Plan, WORDS_PER_BLOCK};

use crate::context::{Context, Part};
use crate::part::begin_part;
use skxc_backend_common::writer::{Writer, literal};

/// Rows of weights that are added to the sums in one go.
const ROWS_AT_ONCE: usize = 4;

/// Tables and functions of one part.
pub(crate) fn emit(out: &mut Writer, context: &Context<'_>, part: &Part<'_>, plan: &Plan) {
    if !plan.groups.is_empty() {
        ranks::tables(out, context, part, plan);
        masks(out, part, plan);
        and(out, part);
    }
    leaves(out, context, part, plan);
    add(out, context, part, plan);
}

fn masks(out: &mut Writer, part: &Part<'_>, plan: &Plan) {
    let lower = &part.lower;
    out.comment(&[
        "By ranks, the paths of the trees that they leave open, a bit each: words of 64."
            .to_owned(),
        "Zeros behind: a mask keeps the start of every row inside.".to_owned(),
    ]);
    out.open(&format!("static const __u64 {lower}_masks[{}] = {{", plan.masks.len()));
    let entries: Vec<String> = plan.masks.iter().map(|&mask| bits(mask)).collect();
    out.elements(entries.iter().map(String::as_str));
    out.close("};");
    out.line("");
}

/// A 64-bit pattern.
fn bits(mask: u64) -> String {
    format!("{mask:#x}ULL")
}

/// The functions that read a mask.
fn and(out: &mut Writer, part: &Part<'_>) {
    let lower = &part.lower;
    out.comment(&[
        "The paths that a row leaves open; and those of them that another does. In the kernel by \
         instructions, in the order they stand in: clang would read many rows first and spill \
         what it read."
            .to_owned(),
    ]);
    out.line("static __always_inline __u64");
    out.line(&format!("{lower}_open(const __u64 *row, const __u32 word)"));
    out.open("{");
    out.line("#ifdef __bpf__");
    out.line("__u64 paths;");
    out.line("");
    out.line("__asm__ volatile(\"%[paths] = *(u64 *)(%[row] + %[at])\\n\"");
    out.line("\t\t : [paths] \"=r\"(paths)");
    out.line("\t\t : [row] \"r\"(row), [at] \"i\"(8 * word));");
    out.line("return paths;");
    out.line("#else");
    out.line("return row[word];");
    out.line("#endif");
    out.close("}");
    out.line("");
    out.line("static __always_inline __u64");
    let open = format!("{lower}_and(");
    out.line(&format!("{open}__u64 paths, const __u64 *row, const __u32 word)"));
    out.open("{");
    out.line("#ifdef __bpf__");
    out.line("__u64 mask;");
    out.line("");
    out.line("__asm__ volatile(\"%[mask] = *(u64 *)(%[row] + %[at])\\n\"");
    out.line("\t\t \"%[paths] &= %[mask]\\n\"");
    out.line("\t\t : [mask] \"=&r\"(mask), [paths] \"+r\"(paths)");
    out.line("\t\t : [row] \"r\"(row), [at] \"i\"(8 * word));");
    out.line("return paths;");
    out.line("#else");
    out.line("return paths & row[word];");
    out.line("#endif");
    out.close("}");
    out.line("");
}

/// The tables of all lanes.
fn leaves(out: &mut Writer, context: &Context<'_>, part: &Part<'_>, plan: &Plan) {
    let lower = &part.lower;
    let elem = context.module.ty(part.value).elem;
    if plan.words.iter().any(Word::has_paths) {
        place_of_path(out, lower);
    }
    let entries = plan.leaves.len();
    if plan.holds_weights() {
        out.comment(&[format!("By place, what leaves add, {elem}: the tables of all lanes.")]);
        out.open(&format!("static const __s64 {lower}_leaves[{entries}] = {{"));
        let weights = plan.leaves.iter().map(|&row| literal(plan.weights[row as usize]));
        let weights: Vec<String> = weights.collect();
        out.elements(weights.iter().map(String::as_str));
    } else {
        let targets = plan.targets;
        let mask = plan.weight_mask();
        out.comment(&[format!(
            "What leaves add, {elem}: {} distinct rows of {targets}. Zeros behind them: a mask \
             keeps every row inside.",
            plan.weights.len() / targets.max(1)
        )]);
        out.line(&format!("#define {}_WEIGHTS_MASK {mask:#x}", part.upper));
        out.line("");
        out.open(&format!("static const __s64 {lower}_weights[{}] = {{", mask + targets));
        let weights: Vec<String> = plan.weights.iter().map(|&x| literal(x)).collect();
        out.elements(weights.iter().map(String::as_str));
        out.close("};");
        out.line("");
        out.comment(&["By place, where a row begins: the tables of all lanes.".to_owned()]);
        out.open(&format!("static const __u32 {lower}_leaves[{entries}] = {{"));
        let rows: Vec<String> =
            plan.leaves.iter().map(|&row| (row as usize * targets).to_string()).collect();
        out.elements(rows.iter().map(String::as_str));
    }
    out.close("};");
    out.line("");
}

/// The function that finds a place by the path that is left.
fn place_of_path(out: &mut Writer, lower: &str) {
    out.comment(&[
        "Place of the only bit, 0 to 63; 0 for no bit: the top six bits of a de Bruijn sequence, \
         shifted by its number."
            .to_owned(),
    ]);
    out.line("static __always_inline __u64");
    out.line(&format!("{lower}_place(__u64 path)"));
    out.open("{");
    out.line(&format!("return (path * {}) >> 58;", bits(HASH)));
    out.close("}");
    out.line("");
}

/// The function that adds all trees.
fn add(out: &mut Writer, context: &Context<'_>, part: &Part<'_>, plan: &Plan) {
    let Part { lower, sum, .. } = part;
    out.comment(&[
        format!("Adds {} trees to s->{sum}.", part.trees.positions.len()),
        "Each rank finds a row of masks; ANDed, they leave one path or one place.".to_owned(),
    ]);
    begin_part(out, context, part);
    declarations(out, plan);
    if plan.groups.is_empty() {
        out.line("(void)f;");
    }
    for (index, group) in plan.groups.iter().enumerate() {
        ranks::start(out, context, part, plan, group);
        let from = if group.first == 0 { String::new() } else { format!("{} + ", group.first) };
        out.wrapped(&[
            format!("row{index} = {lower}_masks +"),
            format!("{from}(at & {:#x});", group.start_mask()),
        ]);
        // The order of barriers is the only one that clang keeps: it would find the
        // ranks of all groups first, and spill each until its row is looked for.
        out.line(&format!("{}_barrier(row{index});", context.prefix.lower));
    }
    for (block, words) in plan.words.chunks(WORDS_PER_BLOCK).enumerate() {
        paths(out, part, plan, block, words.len());
        sums(out, part, plan, words);
        if plan.holds_weights() {
            out.line(&format!("{}_barrier(sum);", context.prefix.lower));
        }
    }
    if plan.holds_weights() {
        out.line(&format!("s->{sum}[0] += sum;"));
    }
    out.close("}");
    out.line("");
}

fn declarations(out: &mut Writer, plan: &Plan) {
    let names = |prefix: &str, count: usize| {
        let names: Vec<String> = (0..count).map(|index| format!("{prefix}{index}")).collect();
        names.join(", ")
    };
    if !plan.groups.is_empty() {
        let rows = names("*row", plan.groups.len());
        let mut pieces: Vec<String> =
            format!("const __u64 {rows};").split(' ').map(str::to_owned).collect();
        let head = pieces.drain(..2).collect::<Vec<_>>().join(" ");
        pieces.insert(0, head);
        out.wrapped(&pieces);
        for local in ranks::locals(plan) {
            out.line(local);
        }
    }
    let lanes = plan.words.len().min(WORDS_PER_BLOCK);
    // Without a test all trees are one entry of a table.
    if plan.words.iter().any(|word| word.mask() != 0) {
        out.line(&format!("__u64 {};", names("paths", lanes)));
    }
    if plan.holds_weights() {
        out.line("__s64 sum = 0;");
    } else {
        let lanes = |words: &[Word]| words.iter().map(|word| word.lanes.len()).sum();
        let most = plan.words.chunks(WORDS_PER_BLOCK).map(lanes).max().unwrap_or(0);
        if most > 0 {
            out.line(&format!("const __s64 {};", names("*weights", most.min(ROWS_AT_ONCE))));
            out.line("__u32 i;");
        }
    }
    out.line("");
}

/// ANDs the rows of one block of words.
fn paths(out: &mut Writer, part: &Part<'_>, plan: &Plan, block: usize, words: usize) {
    let lower = &part.lower;
    let first = block * WORDS_PER_BLOCK;
    let mut is_open = vec![false; words];
    for (index, group) in plan.groups.iter().enumerate() {
        for (word, is_open) in is_open.iter_mut().enumerate() {
            let Ok(column) = group.words.binary_search(&((first + word) as u32)) else { continue };
            out.line(&match std::mem::replace(is_open, true) {
                false => format!("paths{word} = {lower}_open(row{index}, {column});"),
                true => format!("paths{word} = {lower}_and(paths{word}, row{index}, {column});"),
            });
        }
    }
    // Trees without a test have one path.
    for (word, _) in is_open.iter().enumerate().filter(|(_, is_open)| !**is_open) {
        if plan.words[first + word].mask() == 0 {
            continue;
        }
        out.line(&format!("paths{word} = {};", bits(plan.words[first + word].mask())));
    }
}

/// Adds the leaves of one block of words.
fn sums(out: &mut Writer, part: &Part<'_>, plan: &Plan, words: &[Word]) {
    let Part { lower, upper, sum, .. } = part;
    let places: Vec<String> = words
        .iter()
        .enumerate()
        .flat_map(|(index, word)| word.lanes.iter().map(move |lane| (index, word, lane)))
        .map(|(index, word, lane)| place(lower, index, word, lane))
        .collect();
    if plan.holds_weights() {
        for place in places {
            out.wrapped(&["sum +=".to_owned(), format!("{lower}_leaves[{place}];")]);
        }
        return;
    }
    for places in places.chunks(ROWS_AT_ONCE) {
        for (lane, place) in places.iter().enumerate() {
            out.wrapped(&[
                format!("weights{lane} = {lower}_weights +"),
                format!("({lower}_leaves[{place}] &"),
                format!("{upper}_WEIGHTS_MASK);"),
            ]);
        }
        out.open(&format!("for (i = 0; i < {}; i++)", plan.targets));
        let mut pieces = vec![format!("s->{sum}[i] +=")];
        pieces.extend((0..places.len()).map(|lane| {
            let end = if lane + 1 == places.len() { ";" } else { " +" };
            format!("weights{lane}[i]{end}")
        }));
        out.wrapped(&pieces);
        out.indent_to(1);
    }
}

/// The entry that a lane of the word in `paths{index}` finds.
fn place(lower: &str, index: usize, word: &Word, lane: &Lane) -> String {
    let place = match &lane.kind {
        Kind::Paths(_) if word.lanes.len() == 1 => format!("{lower}_place(paths{index})"),
        Kind::Paths(_) => format!("{lower}_place(paths{index} & {})", bits(lane.mask())),
        Kind::Direct(_) if lane.mask() == 0 => return lane.table.to_string(),
        Kind::Direct(_) => {
            let mask = lane.mask() >> lane.first;
            let shift = if lane.first == 0 { String::new() } else { format!(" >> {}", lane.first) };
            format!("(paths{index}{shift} & {mask:#x})")
        }
    };
    if lane.table == 0 { place } else { format!("{} + {place}", lane.table) }
}
