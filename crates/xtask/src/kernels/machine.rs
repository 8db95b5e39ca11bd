//! A virtual machine that boots a kernel, runs jobs and switches off.
//!
//! All it has is an initramfs: busybox, the loader, and a folder for each job.
//! What the jobs print comes back over the serial line.

use std::error::Error;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
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
	echo \"job $job $(/vm $job/object model $job/features 2>&1 | /bin/busybox tail -n 1)\"
done
/bin/busybox poweroff -f
";

/// What a job loads and runs.
#[derive(Debug)]
pub(super) struct Job {
    /// The object of a model named `model`.
    pub(super) object: Vec<u8>,
    /// One `struct model_features` after another.
    pub(super) features: Vec<u8>,
}

/// Boots `kernel` and runs `jobs`. Gives the line that each printed, empty if
/// it printed none.
///
/// # Errors
/// If the machine cannot be made or started.
pub(super) fn run(
    kernel: &Kernel,
    loader: &Path,
    busybox: &Path,
    jobs: &[&Job],
) -> Result<Vec<String>, Box<dyn Error>> {
    let scratch = tempfile::tempdir()?;
    let root = scratch.path().join("root");
    for folder in ["bin", "proc", "sys", "jobs"] {
        fs::create_dir_all(root.join(folder))?;
    }
    fs::copy(busybox, root.join("bin/busybox"))?;
    fs::copy(loader, root.join("vm"))?;
    fs::write(root.join("init"), INIT)?;
    fs::set_permissions(root.join("init"), fs::Permissions::from_mode(0o755))?;
    for (index, job) in jobs.iter().enumerate() {
        let folder = root.join(format!("jobs/{index}"));
        fs::create_dir(&folder)?;
        fs::write(folder.join("object"), &job.object)?;
        fs::write(folder.join("features"), &job.features)?;
    }
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
    Ok((0..jobs.len()).map(|index| line_of(&said, index)).collect())
}

/// The first line may follow what the firmware draws.
fn line_of(said: &str, index: usize) -> String {
    let start = format!("job {index} ");
    let line = said.lines().find_map(|line| line.split_once(&start));
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
