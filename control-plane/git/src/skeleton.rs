//! The files of a bare repository: how a new one begins, what a crash may leave in an old one.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// What a person with the git binary on the server, and git itself, should find set.
const CONFIG: &str = "\
[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
\tfsync = all
[http]
\treceivepack = true
[receive]
\tfsckObjects = true
\tdenyNonFastForwards = true
\tdenyDeletes = true
\tautogc = false
[gc]
\tauto = 0
";

/// Where objects of a push wait for their names: cut off ones are removed.
pub(crate) const QUARANTINES: &str = "tmp_objdir-";

/// Packs that a cut off fetch left.
const PARTIAL_PACKS: &str = "tmp_";

/// Packs of ours on their way to their names.
pub(crate) const PACK_DRAFT: &str = "tmp_pack_gimlet-";

/// The prefix of values on their way to a reference.
pub(crate) const VALUE: &str = "gimlet-ref-";

/// Leftovers of a crash are removed when they are older than any commit, push or fetch in the making.
const ABANDONED: Duration = Duration::from_secs(3600);

/// Makes `directory` an empty bare repository with branch `main`, synced.
pub(crate) fn write(directory: &Path) -> io::Result<()> {
    // Nobody else on this machine has any business here.
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    for folder in ["objects/info", "objects/pack", "refs/heads", "refs/tags"] {
        fs::create_dir_all(directory.join(folder))?;
    }
    write_synced(&directory.join("config"), CONFIG)?;
    // Last, because this file is what says that the repository is there.
    write_synced(&directory.join("HEAD"), "ref: refs/heads/main\n")?;
    ["objects/info", "objects/pack", "objects", "refs/heads", "refs/tags", "refs", ""]
        .iter()
        .try_for_each(|folder| sync(&directory.join(folder)))
}

/// Moves a finished directory to its place, which must be free or empty, and makes the move last.
pub(crate) fn publish(finished: &Path, place: &Path) -> io::Result<()> {
    fs::rename(finished, place)?;
    sync(parent_of(place))
}

pub(crate) fn parent_of(place: &Path) -> &Path {
    place.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Removes what a crash left behind. Best effort: leftovers cost space only.
pub(crate) fn tidy(git_dir: &Path) {
    for path in abandoned(&git_dir.join("objects"), QUARANTINES) {
        let _ = fs::remove_dir_all(path);
    }
    let packs = abandoned(&git_dir.join("objects/pack"), PARTIAL_PACKS);
    for path in abandoned(git_dir, VALUE).into_iter().chain(packs) {
        let _ = fs::remove_file(path);
    }
    remove_indexes_without_packs(&git_dir.join("objects/pack"));
}

/// An index whose pack a power loss took would have its objects be taken for stored ones. Nobody ever
/// makes an index before its pack, so none of these will get one.
fn remove_indexes_without_packs(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for index in entries.flatten().map(|entry| entry.path()) {
        if index.extension().is_some_and(|suffix| suffix == "idx")
            && !index.with_extension("pack").exists()
        {
            let _ = fs::remove_file(index);
        }
    }
}

fn abandoned(directory: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let entries =
        entries.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
    let is_old = |entry: &fs::DirEntry| {
        let modified = entry.metadata().and_then(|found| found.modified());
        modified.is_ok_and(|time| {
            SystemTime::now().duration_since(time).is_ok_and(|age| age > ABANDONED)
        })
    };
    entries.filter(is_old).map(|entry| entry.path()).collect()
}

/// Whether a repository was begun and finished here.
pub(crate) fn stands(git_dir: &Path) -> bool {
    git_dir.join("HEAD").exists()
}

/// Points `HEAD` at a branch, by its full name.
pub(crate) fn set_head(git_dir: &Path, branch: &str) -> io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(VALUE).tempfile_in(git_dir)?;
    writeln!(file, "ref: {branch}")?;
    file.as_file().sync_all()?;
    file.persist(git_dir.join("HEAD"))?;
    sync(git_dir)
}

/// Has the disk hold what a file or directory holds.
pub(crate) fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

fn write_synced(path: &Path, content: &str) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(content.as_bytes())?;
    file.sync_all()
}
