//! What a mirror takes up.

use std::path::Path;

/// The bytes of all files below a folder. What cannot be read, or goes away meanwhile, counts nothing.
pub(super) fn of_folder(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(found) if found.is_dir() => of_folder(&entry.path()),
            Ok(found) => found.len(),
            Err(_) => 0,
        })
        .sum()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_files_of_all_folders_count_and_a_missing_one_counts_nothing() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("a/b")).unwrap();
        std::fs::write(folder.path().join("a/one"), [0; 1000]).unwrap();
        std::fs::write(folder.path().join("a/b/two"), [0; 234]).unwrap();
        assert_eq!(super::of_folder(folder.path()), 1234);
        assert_eq!(super::of_folder(&folder.path().join("nowhere")), 0);
    }
}
