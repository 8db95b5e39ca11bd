//! `--profile`: rows of real traffic that say which way tests go.
//!
//! What must hold:
//! - a profile changes how a program computes, never what;
//! - its digest is among the options, and so in the build id; the rows are kept
//!   until the program is compiled.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use skxc_equivalence::{Kind, Rows};
use skxc_ir::Column;
use skxc_lowering::Profile;

use crate::capture;
use crate::config::Project;
use crate::digest;
use crate::files::open_regular;
use crate::material::{PACKETS_MAX, push_packets};
use crate::options::Options;
use crate::pipeline::Lowered;
use crate::rows;
use crate::session::{Session, Stop};

/// How captures begin: pcap in either byte order, with micro- or nanoseconds
/// (draft-ietf-opsawg-pcap), and pcapng (draft-ietf-opsawg-pcapng).
const MAGICS: [[u8; 4]; 5] = [
    [0xa1, 0xb2, 0xc3, 0xd4],
    [0xd4, 0xc3, 0xb2, 0xa1],
    [0xa1, 0xb2, 0x3c, 0x4d],
    [0x4d, 0x3c, 0xb2, 0xa1],
    [0x0a, 0x0d, 0x0d, 0x0a],
];

/// The files of the flag, else of the project file, whose folder they are in.
pub(crate) fn paths(flag: &[PathBuf], project: &Project) -> Vec<PathBuf> {
    if !flag.is_empty() {
        return flag.to_vec();
    }
    let folder = project.path.as_ref().and_then(|path| path.parent());
    let inside = |path: &PathBuf| folder.map_or_else(|| path.clone(), |it| it.join(path));
    project.config.profile.iter().flatten().map(inside).collect()
}

/// Reads the files in turn, and notes in `lowered` what their rows do and in
/// `options` the digest of that; gives the rows. Without a file all stays as it is.
pub(crate) fn apply(
    session: &Session,
    paths: &[PathBuf],
    lowered: &mut Lowered,
    options: &mut Options,
) -> Result<Rows, Stop> {
    let columns: Vec<Column> = lowered.int.columns.iter().map(|(_, it)| it.clone()).collect();
    let mut all = Rows::new(columns.len());
    if paths.is_empty() {
        return Ok(all);
    }
    for path in paths {
        let before = all.len();
        read(session, path, &columns, &mut all)?;
        if all.len() == before {
            session.say(format_args!("`{}` has no row that the model decides", path.display()));
        }
    }
    let profile = Profile::of(&lowered.int, all.iter().map(|(_, row)| row));
    options.profile = Some(digest::sha256(profile.text().as_bytes()));
    lowered.profile = profile;
    Ok(all)
}

fn read(session: &Session, path: &Path, columns: &[Column], all: &mut Rows) -> Result<(), Stop> {
    if is_capture(path)? {
        let (frames, warnings) = capture::load(&[path.to_owned()], PACKETS_MAX)?;
        session.report(&warnings);
        push_packets(all, columns, &frames);
    } else {
        for row in rows::read(path, columns)?.iter() {
            all.push(Kind::Csv, row);
        }
    }
    Ok(())
}

fn is_capture(path: &Path) -> Result<bool, Stop> {
    let mut magic = [0; 4];
    let mut file = open_regular(path)?;
    Ok(file.read_exact(&mut magic).is_ok() && MAGICS.contains(&magic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_and_files_of_a_project_lie_in_its_folder() {
        let mut project = Project { path: Some("a/skxc.toml".into()), ..Project::default() };
        project.config.profile = Some(vec!["day.pcap".into(), "/b.csv".into()]);
        let found = |flag: &[PathBuf]| paths(flag, &project);
        assert_eq!(found(&[]), [PathBuf::from("a/day.pcap"), PathBuf::from("/b.csv")]);
        assert_eq!(found(&["c.csv".into()]), [PathBuf::from("c.csv")]);
    }
}
