//! Kernels from Debian's archive, by apt-get with lists of its own: the
//! machine's package state stays as it is, its mirrors and keys are used.

use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Debian's releases whose kernels are wanted, and those to come.
const RELEASES: [&str; 4] = ["bullseye", "bookworm", "trixie", "sid"];

/// The oldest gets its kernels as security updates.
const SECURITY: &str = "bullseye-security";

/// Series that are wanted besides the newest.
const SERIES: [&str; 3] = ["5.10", "6.1", "6.12"];

/// The small images for clouds: BPF is the same in them.
const FLAVOUR: &str = "-cloud-amd64";

/// A kernel to boot.
#[derive(Debug)]
pub(super) struct Kernel {
    /// As in `--kernel`: 6.1 of 6.1.176.
    pub(super) series: String,
    /// The compressed image.
    pub(super) image: PathBuf,
}

/// A package that may have a kernel.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    /// All numbers of the version, which order it.
    numbers: Vec<u32>,
    /// `linux-image-...`, or `linux-binary-...` since the former became empty.
    name: String,
}

/// The kernels that can be had, unpacked below `cache`, oldest first.
///
/// # Errors
/// If apt-get cannot be run, the cache cannot be written, or a package has no
/// kernel.
pub(super) fn fetch(cache: &Path) -> Result<Vec<Kernel>, Box<dyn Error>> {
    fs::create_dir_all(cache.join("lists/partial"))?;
    fs::create_dir_all(cache.join("archives/partial"))?;
    fs::write(cache.join("sources.list"), sources()?)?;
    // What cannot be reached is left out; old lists serve too.
    apt("apt-get", cache, &["update"])?;
    let found =
        apt("apt-cache", cache, &["search", "--names-only", "^linux-(image|binary)-[0-9]"])?;
    let names = String::from_utf8_lossy(&found.stdout).into_owned();
    let candidates = names.lines().filter_map(|line| candidate(line.split(' ').next()?)).collect();
    chosen(candidates).iter().map(|candidate| unpack(cache, candidate)).collect()
}

/// The wanted releases at the mirrors that this machine uses.
fn sources() -> Result<String, Box<dyn Error>> {
    let format = "$(REPO_URI) $(RELEASE)";
    let targets = Command::new("apt-get").args(["indextargets", "--format", format]).output()?;
    let targets = String::from_utf8_lossy(&targets.stdout).into_owned();
    let mirror = |is_wanted: fn(&str) -> bool| {
        let mut pairs = targets.lines().filter_map(|line| line.split_once(' '));
        pairs.find(|(_, release)| is_wanted(release)).map(|(mirror, _)| mirror)
    };
    let main = mirror(|release| RELEASES.contains(&release));
    let security = mirror(|release| release.ends_with("-security"));
    let (Some(main), Some(security)) = (main, security) else {
        return Err("the package sources of this machine are not Debian's".into());
    };
    let mut sources = format!("deb {security} {SECURITY} main\n");
    for release in RELEASES {
        sources.push_str(&format!("deb {main} {release} main\n"));
    }
    Ok(sources)
}

fn candidate(name: &str) -> Option<Candidate> {
    let version = name
        .strip_prefix("linux-image-")
        .or_else(|| name.strip_prefix("linux-binary-"))?
        .strip_suffix(FLAVOUR)?;
    let numbers: Vec<u32> =
        version.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect();
    // Not a package that only depends on another.
    (numbers.len() > 2).then(|| Candidate { numbers, name: name.to_owned() })
}

fn series(candidate: &Candidate) -> String {
    format!("{}.{}", candidate.numbers[0], candidate.numbers[1])
}

/// The last of each wanted series and the last of all. `linux-binary` is taken
/// where there are both.
fn chosen(mut candidates: Vec<Candidate>) -> Vec<Candidate> {
    candidates.sort_by_key(|it| (it.numbers.clone(), it.name.starts_with("linux-binary")));
    let mut chosen: Vec<Candidate> = SERIES
        .iter()
        .filter_map(|wanted| candidates.iter().rfind(|it| series(it) == *wanted).cloned())
        .collect();
    chosen.extend(candidates.last().filter(|last| !chosen.contains(last)).cloned());
    chosen
}

/// Downloads and unpacks a package unless it is there.
fn unpack(cache: &Path, candidate: &Candidate) -> Result<Kernel, Box<dyn Error>> {
    let root = cache.join(&candidate.name);
    if image(&root)?.is_none() {
        apt("apt-get", cache, &["download", &candidate.name])?;
        let pattern = cache.join(format!("{}_*.deb", candidate.name)).display().to_string();
        let archive = glob::glob(&pattern)?.next();
        let archive = archive.ok_or_else(|| format!("no package {}", candidate.name))??;
        let mut dpkg = Command::new("dpkg-deb");
        checked(dpkg.arg("-x").arg(&archive).arg(&root))?;
        fs::remove_file(archive)?;
    }
    let image = image(&root)?.ok_or_else(|| format!("no kernel in {}", candidate.name))?;
    Ok(Kernel { series: series(candidate), image })
}

fn image(root: &Path) -> Result<Option<PathBuf>, Box<dyn Error>> {
    for place in ["boot/vmlinuz-*", "usr/lib/modules/*/vmlinuz"] {
        if let Some(found) = glob::glob(&root.join(place).display().to_string())?.next() {
            return Ok(Some(found?));
        }
    }
    Ok(None)
}

fn apt(tool: &str, cache: &Path, arguments: &[&str]) -> io::Result<Output> {
    let option = |name: &str, value: &Path| format!("-o{name}={}", value.display());
    let mut command = Command::new(tool);
    command
        .arg(option("Dir::Etc::sourcelist", &cache.join("sources.list")))
        .arg(option("Dir::Etc::sourceparts", Path::new("-")))
        .arg(option("Dir::State::lists", &cache.join("lists")))
        .arg(option("Dir::Cache", cache))
        // Root's files need not be readable for another user.
        .arg("-oAPT::Sandbox::User=root")
        .args(arguments)
        .current_dir(cache);
    match arguments {
        ["update"] => command.output(),
        _ => checked(&mut command),
    }
}

/// The output of a command that must succeed.
pub(super) fn checked(command: &mut Command) -> io::Result<Output> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(io::Error::other(format!("{:?}: {}: {said}", command.get_program(), output.status)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_each_series_and_of_all() {
        let names = [
            "linux-image-6.1-cloud-amd64",
            "linux-image-6.1.0-0.deb11.52-cloud-amd64",
            "linux-image-6.1.0-50-cloud-amd64",
            "linux-image-6.1.0-9-cloud-amd64",
            "linux-binary-7.2.13+deb14-cloud-amd64",
            "linux-image-7.2.13+deb14-cloud-amd64",
            "linux-image-7.2.13+deb14-rt-amd64",
        ];
        let found = chosen(names.iter().filter_map(|name| candidate(name)).collect());
        let found: Vec<&str> = found.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(found, [names[2], names[4]]);
    }
}
