//! measure

fn main() {}
