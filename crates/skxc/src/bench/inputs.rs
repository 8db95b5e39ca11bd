//! What is measured on: rows and packets that vary.
//!
//! What must hold:
//! - given rows and packets are used; others are made up only if there are none;
//! - they come in random order, each repetition of a few in another one, so
//!   that a branch predictor cannot learn the sequence;
//! - the same arguments give the same inputs.

use std::fmt::Write as _;

use skxc_equivalence::frames::{self, Packet};
use skxc_equivalence::{self as equivalence, Inputs, Kind, Rows};
use skxc_ir::random::Random;
use skxc_ir::{Column, Int, Module};
use skxc_runtime::{Link, Needs, parse};

use crate::capture;
use crate::cli::Bench;
use crate::material::{PACKETS_MAX, push_packets};
use crate::rows;
use crate::session::{Session, Stop};

/// Vectors in a round trip: more than a branch predictor remembers.
const VECTORS: usize = 1 << 15;
/// Packets in a round trip.
const PACKETS: usize = 1 << 14;
/// Made-up packets tried for each that can be classified.
const TRIES: u64 = 8;

/// Rows for the decision, frames for the whole program.
#[derive(Debug)]
pub(crate) struct Material {
    /// One row a vector.
    pub(crate) rows: Vec<Vec<i64>>,
    /// What the rows are.
    pub(crate) about_rows: String,
    /// Whole frames; none if no packet can be read.
    pub(crate) frames: Vec<Vec<u8>>,
    /// What the frames are.
    pub(crate) about_frames: String,
}

/// Reads what was given and makes up what was not. `needs` is what the parser
/// needs, if columns are read from packets.
pub(crate) fn gather(
    session: &Session,
    args: &Bench,
    module: &Module<Int>,
    needs: Option<Needs>,
) -> Result<Material, Stop> {
    let columns: Vec<Column> = module.columns.iter().map(|(_, column)| column.clone()).collect();
    let mut given = Rows::new(columns.len());
    for path in &args.input {
        for row in rows::read(path, &columns)?.iter() {
            given.push(Kind::Csv, row);
        }
    }
    let (captured, warnings) = capture::load(&args.capture, PACKETS_MAX)?;
    session.report(&warnings);
    push_packets(&mut given, &columns, &captured);
    let mut random = Random::new(args.seed);
    let (rows, about_rows) = vectors(module, &given, args.seed, &mut random);
    let (frames, about_frames) = match needs {
        Some(needs) => packets(captured, needs, args.seed, &mut random),
        None => (Vec::new(), String::new()),
    };
    Ok(Material { rows, about_rows, frames, about_frames })
}

fn vectors(
    module: &Module<Int>,
    given: &Rows,
    seed: u64,
    random: &mut Random,
) -> (Vec<Vec<i64>>, String) {
    if !given.is_empty() {
        let rows: Vec<Vec<i64>> = given.iter().map(|(_, row)| row.to_vec()).collect();
        let mut about = String::from("from");
        for kind in [Kind::Csv, Kind::Capture] {
            let count = given.iter().filter(|(of, _)| *of == kind).count();
            if count > 0 {
                write!(about, " {count} {}", kind.name()).expect("writing to a string");
            }
        }
        return (fill(&rows, VECTORS, random), about);
    }
    let options = equivalence::Options {
        seed,
        random_rows: VECTORS as u64,
        tree_rows_max: 1,
        exhaustive_rows_max: 0,
    };
    let mut stream = Inputs::new(module, given.clone(), options);
    let (mut rows, mut batch) = (Vec::new(), Rows::new(module.columns.len()));
    while stream.next_batch(&mut batch, VECTORS) {
        let random = batch.iter().filter(|(kind, _)| *kind == Kind::Random);
        rows.extend(random.map(|(_, row)| row.to_vec()));
    }
    (fill(&rows, VECTORS, random), "random, around thresholds".to_owned())
}

fn packets(
    mut captured: Vec<Packet>,
    needs: Needs,
    seed: u64,
    random: &mut Random,
) -> (Vec<Vec<u8>>, String) {
    // Programs are timed as on an interface with Ethernet.
    captured.retain(|packet| packet.link == Link::Ethernet);
    if !captured.is_empty() {
        let readable = captured.iter().filter(|it| parse(it.frame(), needs).reason.is_none());
        let about = format!("from {} captured, {} classifiable", captured.len(), readable.count());
        let captured: Vec<Vec<u8>> = captured.into_iter().map(|packet| packet.data).collect();
        return (fill(&captured, PACKETS, random), about);
    }
    // A packet that cannot be classified does not reach the model.
    let made: Vec<Vec<u8>> = frames::frames(Vec::new(), seed, TRIES * PACKETS as u64)
        .map(|(_, packet)| packet)
        .filter(|packet| packet.link == Link::Ethernet)
        .filter(|packet| parse(packet.frame(), needs).reason.is_none())
        .map(|packet| packet.data)
        .take(PACKETS)
        .collect();
    (fill(&made, PACKETS, random), "made up, all classifiable".to_owned())
}

/// `count` items: all, shuffled, again and again, each time in another order.
fn fill<T: Clone>(items: &[T], count: usize, random: &mut Random) -> Vec<T> {
    let mut filled = Vec::with_capacity(count);
    while filled.len() < count && !items.is_empty() {
        let mut order: Vec<usize> = (0..items.len()).collect();
        for last in (1..order.len()).rev() {
            order.swap(last, random.below(last as u64 + 1) as usize);
        }
        let missing = count - filled.len();
        filled.extend(order.into_iter().take(missing).map(|index| items[index].clone()));
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_comes_before_any_comes_again() {
        let filled = fill(&[1, 2, 3, 4, 5], 12, &mut Random::new(1));
        let sorted = |part: &[i32]| {
            let mut part = part.to_vec();
            part.sort_unstable();
            part
        };
        assert_eq!(sorted(&filled[..5]), [1, 2, 3, 4, 5]);
        assert_eq!(sorted(&filled[5..10]), [1, 2, 3, 4, 5]);
        assert_eq!(filled.len(), 12);
        assert_ne!(filled[..5], filled[5..10]);
        assert!(fill::<i32>(&[], 3, &mut Random::new(1)).is_empty());
    }
}
