//! What a loader must not do, whatever an archive or a folder says.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use tar::{Builder, EntryType, Header};

use super::*;

const HEAD: &[u8] = b"apiVersion: v2\nname: c\nversion: 0.1.0\n";

/// An archive of files, with their types and what they link to.
fn packed(entries: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::best()));
    for (path, kind, data) in entries {
        let mut header = Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_size(data.len() as u64);
        header.set_mode(0o644);
        // The library's own checks are passed by, as an attacker would.
        let name = &mut header.as_old_mut().name;
        name[..path.len()].copy_from_slice(path.as_bytes());
        if matches!(kind, EntryType::Symlink | EntryType::Link) {
            header.set_link_name("/etc/passwd").expect("a short name");
        }
        header.set_cksum();
        builder.append(&header, *data).expect("it is written to memory");
    }
    builder.into_inner().expect("an end").finish().expect("an end")
}

fn refusal(entries: &[(&str, EntryType, &[u8])]) -> String {
    let limits = LoadLimits::default();
    match archive(&packed(entries), Dialect::Helm3, limits) {
        Ok(chart) => panic!("it was read: {:?}", chart.files),
        Err(error) => error.to_string(),
    }
}

const HEAD_ENTRY: (&str, EntryType, &[u8]) = ("c/Chart.yaml", EntryType::Regular, HEAD);

#[test]
fn no_path_of_an_archive_leaves_the_chart() {
    let cases = [
        ("c/../../x", "chart illegally references parent directory"),
        ("c//etc/passwd", "chart illegally contains absolute paths"),
        ("c\\..\\..\\x", "chart illegally references parent directory"),
        ("c/c:/x", "chart contains illegally named files"),
        ("x", "chart illegally contains content outside the base directory: \"x\""),
    ];
    for (path, expected) in cases {
        let said = refusal(&[HEAD_ENTRY, (path, EntryType::Regular, b"x")]);
        assert_eq!(said, expected, "{path}");
    }
}

#[test]
fn links_in_an_archive_are_refused() {
    for kind in [EntryType::Symlink, EntryType::Link] {
        let said = refusal(&[HEAD_ENTRY, ("c/passwd", kind, b"")]);
        assert_eq!(said, "c/passwd is a link; pack the file itself");
    }
}

#[test]
fn headers_for_a_whole_archive_are_passed_over() {
    let global = b"30 comment=made by something\n".as_slice();
    let bytes = packed(&[("pax_global_header", EntryType::XGlobalHeader, global), HEAD_ENTRY]);
    let chart = archive(&bytes, Dialect::Helm3, LoadLimits::default()).expect("a chart");
    assert_eq!(&*chart.metadata.name, "c");
    assert!(chart.files.is_empty());
}

#[test]
fn long_names_are_read_as_both_formats_have_them() {
    let long = format!("c/templates/{}.yaml", "x".repeat(150));
    let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, data) in [("c/Chart.yaml", HEAD), (long.as_str(), b"a: 1".as_slice())] {
        let mut header = Header::new_gnu();
        header.set_size(data.len() as u64);
        header.set_cksum();
        builder.append_data(&mut header, path, data).expect("it is written to memory");
    }
    let gnu = builder.into_inner().expect("an end").finish().expect("an end");
    let chart = archive(&gnu, Dialect::Helm3, LoadLimits::default()).expect("a chart");
    assert_eq!(format!("c/{}", chart.templates[0].path), long);

    let record = format!("path={long}\n");
    // The length of a record counts itself.
    let record = format!("{} {record}", record.len() + 4);
    let entries: [(&str, EntryType, &[u8]); 3] = [
        HEAD_ENTRY,
        ("pax", EntryType::XHeader, record.as_bytes()),
        ("c/short", EntryType::Regular, b"a: 1"),
    ];
    let chart = archive(&packed(&entries), Dialect::Helm3, LoadLimits::default()).expect("a chart");
    assert_eq!(format!("c/{}", chart.templates[0].path), long);
}

#[test]
fn an_archive_that_grows_beyond_reason_is_refused() {
    let zeros = vec![0; 4 << 20];
    let said = refusal(&[HEAD_ENTRY, ("c/a", EntryType::Regular, &zeros)]);
    assert!(said.contains("it becomes far larger than a chart does"), "{said}");
}

#[test]
fn the_limits_on_sizes_and_numbers_hold() {
    let two: [(&str, EntryType, &[u8]); 2] =
        [HEAD_ENTRY, ("c/a", EntryType::Regular, &[b'x'; 500])];
    let bytes = packed(&two);
    let with = |limits: LoadLimits| {
        archive(&bytes, Dialect::Helm3, limits).map(|_| ()).map_err(|error| error.to_string())
    };
    let all = LoadLimits::default();
    assert_eq!(with(all), Ok(()));
    let said = |limits| with(limits).expect_err("a limit");
    assert_eq!(said(LoadLimits { files: 1, ..all }), "the chart has more than 1 files");
    let file = said(LoadLimits { file_bytes: 499, ..all });
    assert_eq!(file, "chart file \"a\" is larger than the maximum file size 499");
    let whole = said(LoadLimits { bytes: 520, ..all });
    assert_eq!(whole, "decompressed chart is larger than the maximum size 520");
}

#[test]
fn charts_within_charts_end_somewhere() {
    let mut bytes = packed(&[HEAD_ENTRY]);
    for _ in 0..20 {
        bytes = packed(&[HEAD_ENTRY, ("c/charts/c.tgz", EntryType::Regular, &bytes)]);
    }
    let said = archive(&bytes, Dialect::Helm3, LoadLimits::default()).expect_err("too deep");
    assert!(said.to_string().ends_with("more than 16 charts lie within each other"), "{said}");
}

#[test]
fn bytes_that_are_no_archive_are_refused() {
    let said = |bytes: &[u8]| archive(bytes, Dialect::Helm3, LoadLimits::default()).map(|_| ());
    assert!(said(b"").is_err());
    assert!(said(b"apiVersion: v2").is_err());
    assert!(said(b"\x1f\x8b\x08 and nothing").is_err());
    let mut noise = GzEncoder::new(Vec::new(), Compression::fast());
    noise.write_all(&[b'x'; 2000]).expect("it is written to memory");
    assert!(said(&noise.finish().expect("an end")).is_err());
}

#[test]
fn a_link_in_a_folder_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("Chart.yaml"), HEAD).expect("it is written");
    assert!(path(folder.path(), Dialect::Helm3, LoadLimits::default()).is_ok());
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("values.yaml")).expect("a link");
    let said = path(folder.path(), Dialect::Helm3, LoadLimits::default()).expect_err("a link");
    assert_eq!(said.to_string(), "values.yaml is a link; put the file itself into the chart");
}

#[test]
fn files_in_memory_are_ignored_as_those_of_a_folder_are() {
    let written = [
        ("Chart.yaml", HEAD),
        (".helmignore", b"ci/\n*.bak\n/top.txt\n".as_slice()),
        ("ci/values.yaml", b"a: 1"),
        ("docs/ci/more/x", b"x"),
        ("docs/top.txt", b"x"),
        ("top.txt", b"x"),
        ("templates/a.yaml", b"a: 1"),
        ("templates/.hidden", b"x"),
        ("templates/old.bak", b"x"),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    let mut listed = Vec::new();
    for (path, data) in written {
        let place = folder.path().join(path);
        std::fs::create_dir_all(place.parent().expect("a folder")).expect("it is made");
        std::fs::write(place, data).expect("it is written");
        listed.push((path.to_owned(), data.to_vec()));
    }
    let mut read = folder_files(folder.path(), LoadLimits::default()).expect("files");
    let mut kept = without_ignored(listed).expect("rules");
    read.sort();
    kept.sort();
    assert_eq!(read, kept);
    let names: Vec<&str> = kept.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(names, [".helmignore", "Chart.yaml", "docs/top.txt", "templates/a.yaml"]);
}
