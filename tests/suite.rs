//! The test suite: one trial a file. `README.md` explains the files.

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = skxc_tests::trials();
    libtest_mimic::run(&arguments, trials).exit_code()
}
