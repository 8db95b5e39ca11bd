//! A virtual machine that boots a kernel, runs jobs and switches off.
//!
//! All it has is an initramfs: busybox, the loader, a folder for each job, and the
//! tests of the parser with the objects that they load. What is printed comes back
//! over the serial line.

use std::error::Error;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::packages::{Kernel, checked};
use crate::measure::measure;

/// Its memory; the log of the verifier takes 16 MB a program.
const MEGABYTES: &str = "1024";

/// Runs as process 1.
const INIT: &str = "\
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
cd /jobs
for job in *; do
	echo \"job $job $(/vm $job/object model $job/features $job/packets 2>&1 | /bin/busybox tail -n 1)\"
done
cd /
export SKXC_OBJECTS=/objects SKXC_REQUIRE_KERNEL=1
/tests parser:: --test-threads 1 >/said 2>&1
failure=$(/bin/busybox grep -A 1 'panicked at' /said | /bin/busybox tail -n 1)
echo \"parser: $(/bin/busybox grep 'test result: ' /said) $failure\"
/bin/busybox poweroff -f
";

/// What a job loads and runs.
#[derive(Debug)]
pub(super) struct Job {
    /// The object of a model named `model`.
    pub(super) object: Vec<u8>,
    /// One `struct model_features` after another.
    pub(super) features: Vec<u8>,
    /// Packets for the whole program (`super::packets::packed`).
    pub(super) packets: Vec<u8>,
}

/// What runs in a machine beside its kernel.
#[derive(Debug)]
pub(super) struct Tools {
    /// Runs a job.
    pub(super) loader: PathBuf,
    /// Runs the tests of the parser.
    pub(super) tests: PathBuf,
    /// Objects that those tests load.
    pub(super) objects: PathBuf,
    /// The shell, and all that it calls.
    pub(super) busybox: PathBuf,
}

/// What a machine printed.
#[derive(Debug)]
pub(super) struct Said {
    /// The line of each job, empty if it printed none.
    pub(super) jobs: Vec<String>,
    /// How the tests of the parser ended, empty if it did not say so.
    pub(super) tests: String,
}

/// Boots `kernel`, runs `jobs` and then the tests of the parser.
///
/// # Errors
/// If the machine cannot be made or started.
pub(super) fn run(kernel: &Kernel, tools: &Tools, jobs: &[&Job]) -> Result<Said, Box<dyn Error>> {
    let scratch = tempfile::tempdir()?;
    let root = scratch.path().join("root");
    fill(&root, tools, jobs)?;
    let archive = scratch.path().join("initramfs");
    pack(&root, &archive)?;
    let image = kernel.image.display().to_string();
    let archive = archive.display().to_string();
    let command = ["qemu-system-x86_64", "-m", MEGABYTES, "-nographic", "-no-reboot"];
    let words = command.into_iter().chain(["-net", "none", "-kernel", &image, "-initrd", &archive]);
    let words = words.chain(["-append", "console=ttyS0 quiet panic=-1"]);
    let command: Vec<String> = words.map(str::to_owned).collect();
    let run = measure(&command, scratch.path())?;
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    let of_job = |index| line_of(&said, &format!("job {index} "));
    Ok(Said {
        jobs: (0..jobs.len()).map(of_job).collect(),
        tests: line_of(&said, "parser: test result: "),
    })
}

/// Writes the files of a machine.
fn fill(root: &Path, tools: &Tools, jobs: &[&Job]) -> io::Result<()> {
    for folder in ["bin", "proc", "sys", "tmp", "jobs", "objects"] {
        fs::create_dir_all(root.join(folder))?;
    }
    fs::copy(&tools.busybox, root.join("bin/busybox"))?;
    fs::copy(&tools.loader, root.join("vm"))?;
    fs::copy(&tools.tests, root.join("tests"))?;
    for object in fs::read_dir(&tools.objects)? {
        let object = object?;
        fs::copy(object.path(), root.join("objects").join(object.file_name()))?;
    }
    fs::write(root.join("init"), INIT)?;
    fs::set_permissions(root.join("init"), fs::Permissions::from_mode(0o755))?;
    for (index, job) in jobs.iter().enumerate() {
        let folder = root.join(format!("jobs/{index}"));
        fs::create_dir(&folder)?;
        fs::write(folder.join("object"), &job.object)?;
        fs::write(folder.join("features"), &job.features)?;
        fs::write(folder.join("packets"), &job.packets)?;
    }
    Ok(())
}

/// What follows `start`. The first line may follow what the firmware draws.
fn line_of(said: &str, start: &str) -> String {
    let line = said.lines().find_map(|line| line.split_once(start));
    line.map(|(_, rest)| rest.trim().to_owned()).unwrap_or_default()
}

fn pack(root: &Path, archive: &Path) -> Result<(), Box<dyn Error>> {
    let names = archive.with_extension("names");
    let found = checked(Command::new("find").arg(".").current_dir(root))?;
    fs::write(&names, found.stdout)?;
    let mut cpio = Command::new("cpio");
    cpio.args(["-o", "-H", "newc", "--quiet", "-F"]).arg(archive);
    checked(cpio.stdin(File::open(&names)?).current_dir(root))?;
    Ok(())
}
