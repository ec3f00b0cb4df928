//! What the image promises: a static program that needs no other file, run as nobody.

use std::{fs, process::Command};

const CONTAINERFILE: &str = include_str!("../../image/Containerfile");

/// `PT_INTERP`, the loader that a program asks for (System V ABI, program header).
const INTERPRETER: u32 = 3;

/// Types of the program headers of a 64-bit little-endian ELF file.
fn segments(program: &[u8]) -> Vec<u32> {
    let number = |at: usize, size: usize| {
        let bytes = &program[at..at + size];
        bytes.iter().rev().fold(0_usize, |sum, byte| sum << 8 | usize::from(*byte))
    };
    let (start, size, count) = (number(0x20, 8), number(0x36, 2), number(0x38, 2));
    (0..count)
        .map(|index| u32::try_from(number(start + index * size, 4)).expect("a type"))
        .collect()
}

#[test]
fn the_program_is_static() {
    let program = fs::read(env!("CARGO_BIN_EXE_gimlet-server")).expect("the program");
    assert_eq!(&program[..4], b"\x7fELF");
    let segments = segments(&program);
    assert!(!segments.is_empty() && !segments.contains(&INTERPRETER), "{segments:?}");
}

#[test]
fn the_program_runs_in_an_empty_root_as_nobody() {
    if !rustix::process::geteuid().is_root() {
        // Only root may change its root; the test above says that no library is needed.
        return;
    }
    let root = tempfile::tempdir().expect("a folder");
    fs::copy(env!("CARGO_BIN_EXE_gimlet-server"), root.path().join("gimlet-server"))
        .expect("copied");
    let mut command = Command::new("chroot");
    command.arg("--userspec=65532:65532").arg(root.path()).args(["/gimlet-server", "config"]);
    let output = command.output().expect("chroot (Debian: coreutils)");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stdout.starts_with(b"# Configuration of gimlet-server"));
}

#[test]
fn the_image_runs_the_program_as_nobody_on_the_documented_ports() {
    for line in [
        "USER 65532:65532",
        "EXPOSE 9000 9001 9443",
        "ENTRYPOINT [\"/usr/local/bin/gimlet-server\"]",
        "VOLUME /var/lib/gimlet",
    ] {
        assert!(CONTAINERFILE.lines().any(|have| have == line), "{line}");
    }
}
