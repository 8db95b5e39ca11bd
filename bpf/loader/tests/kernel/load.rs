//! Loading, variables, test runs, batches.

use std::time::Instant;

use skxc_bpf::{Action, Batch, Capability, Error, Loader, ObjectFile, Probe, strip_debug};

use crate::setup::{bench, compile, say, with_capabilities};

const XDP_DROP: u32 = 1;
const XDP_TX: u32 = 3;

#[test]
fn an_object_is_read_without_the_kernel() {
    let Some(object) = compile(include_str!("bench.bpf.c"), true) else { return };
    let file = ObjectFile::parse(&object).expect("an object");
    assert_eq!(file.programs(), ["bench_batch", "bench_xdp", "bench_refused"]);
    let mut maps = file.maps();
    maps.sort_unstable();
    assert_eq!(maps, ["bench_counters", "bench_vectors"]);
    assert_eq!(file.text("bench_build_id").expect("a text"), "0123456789abcdef");
    let actions = file.variable("bench_actions").expect("a variable");
    assert_eq!((actions.section, actions.bytes), (".rodata", 8));
    assert_eq!(file.variable("bench_cursor").expect("a variable").initial, None);
    assert!(matches!(file.variable("nothing"), Err(Error::NoVariable { .. })));
    assert!(matches!(ObjectFile::parse(b"\x7fELF"), Err(Error::Elf { .. })));
}

#[test]
fn stripping_drops_dwarf_only_and_is_deterministic() {
    let Some(object) = compile(include_str!("bench.bpf.c"), true) else { return };
    let contains = |object: &[u8], name: &[u8]| object.windows(name.len()).any(|w| w == name);
    assert!(contains(&object, b".debug_info"));
    let stripped = strip_debug(&object).expect("it can be stripped");
    assert!(!contains(&stripped, b".debug_"));
    assert!(contains(&stripped, b".BTF.ext"));
    assert!(stripped.len() < object.len());
    assert_eq!(stripped, strip_debug(&object).expect("it can be stripped"));
    assert_eq!(stripped, strip_debug(&stripped).expect("it can be stripped"));
    assert!(matches!(strip_debug(b"no object"), Err(Error::Elf { .. })));
    let cut = &object[..object.len() / 2];
    assert!(matches!(strip_debug(cut), Err(Error::Elf { .. } | Error::Strip { .. })));
}

#[test]
fn a_refusal_names_the_program_and_has_the_log() {
    let Some(object) = bench() else { return };
    let error = Loader::new(&object).expect("an object").load().expect_err("a refusal");
    let Error::Refused { program, log, source } = error else { panic!("{error:?}") };
    assert_eq!(program, "bench_refused");
    assert!(log.contains("invalid access to packet"), "{log}");
    assert_eq!(source.raw_os_error(), Some(libc::EACCES));
}

#[test]
fn names_in_an_object_may_be_any_bytes() {
    let Some(mut object) = bench() else { return };
    // In the string tables of ELF and BTF, of which libbpf prints names.
    let name = b"bench_vectors\0";
    let places: Vec<usize> =
        (0..object.len() - name.len()).filter(|&at| object[at..].starts_with(name)).collect();
    for place in places {
        object[place] = 0xff;
    }
    let loader = Loader::new(&object).expect("an object").program("bench_batch");
    // What the kernel says to it differs; libbpf prints the name in any case.
    drop(loader.load());
}

#[test]
fn missing_privileges_are_told_apart_from_a_refusal() {
    let Some(object) = bench() else { return };
    with_capabilities(&[], || {
        let loader = Loader::new(&object).expect("an object").program("bench_xdp");
        let error = loader.load().expect_err("no capability, no program");
        assert!(matches!(error, Error::Privileges { action: Action::Load, .. }), "{error:?}");
        let probe = Probe::new();
        assert_eq!(probe.capabilities, []);
        assert!(!probe.can_load());
    });
}

#[test]
fn the_capability_that_is_missing_is_named() {
    use Capability::{Bpf, NetAdmin, Perfmon};
    let Some(object) = bench() else { return };
    let load = |program: &str| {
        Loader::new(&object).expect("an object").program(program).load().expect_err("it must not")
    };
    for (held, missing) in [([Perfmon, NetAdmin], Bpf), ([Bpf, Perfmon], NetAdmin)] {
        with_capabilities(&held, || {
            let error = load("bench_xdp");
            assert!(matches!(error, Error::Privileges { .. }), "{error:?}");
            assert_eq!(error.missing_capabilities(), [missing]);
        });
    }
    with_capabilities(&[Bpf, NetAdmin], || {
        // The length of a packet is the difference of two pointers.
        let error = load("bench_xdp");
        assert!(
            matches!(&error, Error::Perfmon { program, .. } if program == "bench_xdp"),
            "{error:?}"
        );
        // Nobody may load this.
        let error = load("bench_refused");
        assert!(
            matches!(&error, Error::Refused { program, .. } if program == "bench_refused"),
            "{error:?}"
        );
    });
    with_capabilities(&[Bpf, Perfmon, NetAdmin], || {
        Loader::new(&object).expect("an object").program("bench_xdp").load().expect("it loads");
        assert!(matches!(load("bench_refused"), Error::Refused { .. }));
    });
}

#[test]
fn only_the_chosen_program_and_its_maps_are_made() {
    let Some(object) = bench() else { return };
    let loader = Loader::new(&object).expect("an object").program("bench_xdp");
    let loaded = loader.load().expect("it loads");
    let maps: Vec<String> = loaded.maps().map(|map| map.name()).collect();
    assert_eq!(maps, ["bench_counters", "skxc.rodata", "skxc.bss"]);
    assert!(matches!(loaded.program("bench_batch"), Err(Error::NoProgram { .. })));
    assert!(matches!(loaded.map("bench_vectors"), Err(Error::NoMap { .. })));
    let info = loaded.program("bench_xdp").expect("it was chosen").info().expect("info");
    assert!(info.id > 0 && info.xlated_bytes > 0);
}

#[test]
fn what_is_named_must_be_there() {
    let Some(object) = bench() else { return };
    let loader = || Loader::new(&object).expect("an object").program("bench_xdp");
    let error = |loader: Loader<'_>| loader.load().expect_err("a mistake");
    assert!(matches!(error(loader().program("nothing")), Error::NoProgram { .. }));
    assert!(matches!(error(loader().max_entries("nothing", 1)), Error::NoMap { .. }));
    assert!(matches!(error(loader().variable("nothing", &[])), Error::NoVariable { .. }));
    let short = loader().variable("bench_actions", &[0; 4]);
    assert!(matches!(error(short), Error::Size { expected: 8, found: 4, .. }));
}

#[test]
fn constants_are_overridden_and_runs_are_counted() {
    let Some(object) = bench() else { return };
    let load = |actions: [u32; 2]| {
        let bytes: Vec<u8> = actions.iter().flat_map(|action| action.to_ne_bytes()).collect();
        Loader::new(&object)
            .expect("an object")
            .program("bench_xdp")
            .variable("bench_actions", &bytes)
            .load()
            .expect("it loads")
    };
    let loaded = load([0, XDP_TX]);
    let run = |packet: &[u8], repeat| {
        loaded.program("bench_xdp").expect("it is there").test_run(packet, repeat).expect("it runs")
    };
    let packet = [7; 60];
    let outcome = run(&packet, 1);
    assert_eq!((outcome.return_value, &outcome.data[..]), (XDP_TX, &packet[..]));
    assert_eq!(run(&packet, 9).return_value, XDP_TX);
    let cpus = loaded.map("bench_counters").expect("a map").read_per_cpu(1).expect("an entry");
    let sum: u64 =
        cpus.iter().map(|value| u64::from_ne_bytes(value[..8].try_into().expect("8 bytes"))).sum();
    assert_eq!(sum, 10);
    let program = load([0, XDP_DROP]);
    let program = program.program("bench_xdp").expect("it is there");
    assert_eq!(program.test_run(&packet, 1).expect("it runs").return_value, XDP_DROP);
    assert!(matches!(program.test_run(&[0; 13], 1), Err(Error::Kernel { .. })));
}

#[test]
fn variables_are_read_and_written() {
    let Some(object) = bench() else { return };
    let loader = Loader::new(&object).expect("an object").program("bench_batch");
    let loaded = loader.load().expect("it loads");
    loaded.write_variable("bench_vectors_len", &7_u32.to_ne_bytes()).expect("it is in .bss");
    loaded.write_variable("bench_cursor", &5_u32.to_ne_bytes()).expect("it is in .bss");
    assert_eq!(loaded.read_variable("bench_vectors_len").expect("a value"), 7_u32.to_ne_bytes());
    assert_eq!(loaded.read_variable("bench_cursor").expect("a value"), 5_u32.to_ne_bytes());
    let id = loaded.read_variable("bench_build_id").expect("a value");
    assert!(id.starts_with(b"0123456789abcdef\0"));
    assert!(loaded.write_variable("bench_build_id", &id).is_err(), ".rodata is frozen");
}

#[test]
fn a_batch_of_100_000_vectors() {
    let Some(object) = bench() else { return };
    let loader = || Loader::new(&object).expect("an object");
    // Two bytes, one byte, one of padding.
    let vectors = 100_000_u32;
    let pair = |i: u32| ((i * 31 % 65_536) as u16, (i * 7 % 256) as u8);
    let features: Vec<u8> = (0..vectors)
        .flat_map(|i| {
            let (a, b) = pair(i);
            let [low, high] = a.to_ne_bytes();
            [low, high, b, 0]
        })
        .collect();
    let check = |results: &[u8]| {
        let (results, rest) = results.as_chunks::<16>();
        assert_eq!((results.len(), rest.len()), (vectors as usize, 0));
        for (i, result) in (0..).zip(results) {
            let (a, b) = pair(i);
            let label = u32::from_ne_bytes(result[..4].try_into().expect("4 bytes"));
            let score = i64::from_ne_bytes(result[8..].try_into().expect("8 bytes"));
            assert_eq!(label, u32::from(a ^ u16::from(b)), "vector {i}");
            assert_eq!(score, i64::from(a) * 1000 + i64::from(b), "vector {i}");
        }
    };

    let mut batch = Batch::load(loader(), "bench", vectors as usize).expect("it loads");
    assert_eq!((batch.features_bytes(), batch.result_bytes()), (4, 16));
    let start = Instant::now();
    let run = batch.run(vectors as usize, &features).expect("it runs");
    let seconds = start.elapsed().as_secs_f64();
    check(&run.results);
    say(&format!("{:.1} million vectors a second", f64::from(vectors) / seconds / 1e6));
    let nanoseconds = batch.time(vectors as usize, &features, 1_000_000).expect("it runs");
    say(&format!("{nanoseconds} ns a prediction"));

    // In turns that do not come out even, and not at all.
    let mut batch = Batch::load(loader(), "bench", 33_333).expect("it loads");
    assert_eq!(batch.capacity(), 33_333);
    check(&batch.run(vectors as usize, &features).expect("it runs").results);
    assert_eq!(batch.run(0, &[]).expect("nothing to do").results, []);
    assert!(matches!(batch.run(2, &features), Err(Error::Size { .. })));
    assert!(matches!(Batch::load(loader(), "other", 1), Err(Error::NoProgram { .. })));
}
