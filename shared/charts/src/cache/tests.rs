//! What a disk may do to the cache, and the cache to a disk.

use super::*;

fn aged(path: &Path, age: Duration) {
    let file = fs::File::options().append(true).open(path).expect("a file");
    file.set_modified(SystemTime::now() - age).expect("its time is set");
}

fn kept(cache: &Cache, bytes: &[u8]) -> Digest {
    let digest = Digest::of(bytes);
    cache.keep(digest, bytes).expect("it is kept");
    digest
}

#[test]
fn what_is_kept_is_found_by_its_digest() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = Cache::open(folder.path(), 1 << 20).expect("a cache");
    let digest = kept(&cache, b"chart");
    assert_eq!(cache.bytes(digest).as_deref(), Some(b"chart".as_slice()));
    assert_eq!(cache.bytes(Digest::of(b"another")), None);
    let again = Cache::open(folder.path(), 1 << 20).expect("a cache");
    assert!(again.bytes(digest).is_some());
}

#[test]
fn bytes_that_changed_on_the_disk_are_not_used() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = Cache::open(folder.path(), 1 << 20).expect("a cache");
    let digest = kept(&cache, b"chart");
    let path = folder.path().join("sha256").join(digest.to_hex());
    fs::write(&path, b"chbrt").expect("it is written");
    assert_eq!(cache.bytes(digest), None);
    assert!(!path.exists());
    kept(&cache, b"chart");
    fs::write(&path, b"cha").expect("it is written");
    // One that is cut off does not stop the whole one from being kept.
    kept(&cache, b"chart");
    assert!(cache.bytes(digest).is_some());
}

#[test]
fn a_record_that_is_cut_off_is_none() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = Cache::open(folder.path(), 1 << 20).expect("a cache");
    let key = Digest::of_parts(&["a", "b"]);
    cache.note(key, &vec!["x"]).expect("it is noted");
    assert_eq!(cache.record::<Vec<String>>(key), Some(vec!["x".to_owned()]));
    fs::write(folder.path().join("records").join(key.to_hex()), b"[\"x").expect("written");
    assert_eq!(cache.record::<Vec<String>>(key), None);
}

#[test]
fn what_a_killed_program_left_half_written_goes_and_what_is_being_written_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    drop(Cache::open(folder.path(), 1 << 20).expect("a cache"));
    let drafts = folder.path().join("drafts");
    fs::write(drafts.join("old"), b"half").expect("it is written");
    fs::write(drafts.join("new"), b"half").expect("it is written");
    aged(&drafts.join("old"), 2 * ABANDONED);
    let cache = Cache::open(folder.path(), 1 << 20).expect("a cache");
    assert!(!drafts.join("old").exists() && drafts.join("new").exists());
    assert_eq!(cache.bytes(Digest::of(b"half")), None);
}

#[test]
fn the_longest_unused_makes_room() {
    let folder = tempfile::tempdir().expect("a folder");
    // For three files with what they take besides.
    let cache = Cache::open(folder.path(), 64_000).expect("a cache");
    let digests: Vec<Digest> = (0..3_u64)
        .map(|number| {
            let digest = kept(&cache, &[number as u8; 14_000]);
            let path = folder.path().join("sha256").join(digest.to_hex());
            aged(&path, Duration::from_secs(1000 - number));
            digest
        })
        .collect();
    // The first is used again, so the second goes.
    assert!(cache.bytes(digests[0]).is_some());
    let newest = kept(&cache, &[9; 14_000]);
    let there: Vec<bool> =
        digests.iter().chain([&newest]).map(|it| cache.bytes(*it).is_some()).collect();
    assert_eq!(there, [true, false, true, true]);
}

#[test]
fn parts_of_a_key_are_told_apart() {
    assert_ne!(Digest::of_parts(&["ab", "c"]), Digest::of_parts(&["a", "bc"]));
}
