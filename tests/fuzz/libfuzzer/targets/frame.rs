//! `gimlet_fuzz::frame` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| gimlet_fuzz::frame(input));
