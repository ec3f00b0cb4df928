//! prove

fn main() {}
