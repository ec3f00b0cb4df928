//! `gimlet_fuzz::git_path` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| gimlet_fuzz::git_path(input));
