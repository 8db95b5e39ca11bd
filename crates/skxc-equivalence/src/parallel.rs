//! Work on rows that do not depend on each other, on all CPUs.
//!
//! What must hold: the results are those of one thread, in the same order.

use std::num::NonZero;
use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Rows that a thread takes at a time: some cost much more than others.
const SHARE: usize = 64;

/// What `of` makes of each number below `count`, in ascending order.
///
/// # Panics
/// If `of` does.
pub(crate) fn of_each<T: Send>(count: usize, of: impl Fn(usize) -> T + Sync) -> Vec<T> {
    in_shares(SHARE, count, of)
}

/// As [`of_each`], where each takes long: a thread takes one at a time.
///
/// # Panics
/// If `of` does.
pub(crate) fn of_few<T: Send>(count: usize, of: impl Fn(usize) -> T + Sync) -> Vec<T> {
    in_shares(1, count, of)
}

fn in_shares<T: Send>(share: usize, count: usize, of: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    on_threads(threads, share, count, of)
}

fn on_threads<T: Send>(
    threads: usize,
    share: usize,
    count: usize,
    of: impl Fn(usize) -> T + Sync,
) -> Vec<T> {
    if threads == 1 || count <= share {
        return (0..count).map(of).collect();
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let first = next.fetch_add(share, Ordering::Relaxed);
            if first >= count {
                return done;
            }
            let results: Vec<T> = (first..count.min(first + share)).map(&of).collect();
            done.push((first, results));
        }
    };
    let mut shares = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let of_worker = |worker: thread::ScopedJoinHandle<'_, _>| {
            worker.join().unwrap_or_else(|payload| panic::resume_unwind(payload))
        };
        workers.into_iter().flat_map(of_worker).collect::<Vec<(usize, Vec<T>)>>()
    });
    shares.sort_unstable_by_key(|&(first, _)| first);
    shares.into_iter().flat_map(|(_, results)| results).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_order() {
        for (threads, share) in [(1, SHARE), (4, SHARE), (4, 1)] {
            for count in [0, 1, SHARE, 10 * SHARE + 1] {
                let results = on_threads(threads, share, count, |at| 3 * at);
                assert!(results.into_iter().eq((0..count).map(|at| 3 * at)));
            }
        }
    }

    #[test]
    #[should_panic(expected = "row 100")]
    fn a_panic_is_that_of_the_row() {
        on_threads(4, SHARE, 1000, |at| assert_ne!(at, 100, "row 100"));
    }
}
