//! Every target on its kept inputs, and on mutations of them that the same seed always makes.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should say where")]

use std::path::{Path, PathBuf};

use gimlet_fuzz::TARGETS;

/// Mutations of each kept input: enough to reach error paths near it, few enough for every test run.
const MUTATIONS: u64 = 400;

/// Bytes that matter to one parser or another.
const TELLING: &[u8] = b"\0\n\r\t\"'\\/.-:{}[]#&*!|>%@`~^?,\x1b\x7f\xff0a";

#[test]
fn every_target_has_a_corpus_and_holds_on_it() {
    for (name, target) in TARGETS {
        let inputs = corpus(name);
        assert!(inputs.len() >= 5, "the corpus of {name} is too small");
        for input in inputs {
            target(&input);
        }
    }
}

#[test]
fn every_target_holds_on_mutations_of_its_corpus() {
    for (name, target) in TARGETS {
        let inputs = corpus(name);
        for (number, input) in inputs.iter().enumerate() {
            let mut random = Random(number as u64 + 1);
            for _ in 0..MUTATIONS {
                target(&mutate(input, &inputs, &mut random));
            }
        }
    }
}

fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

fn mutate(input: &[u8], others: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len() + 1);
        let end = (at + random.below(24)).min(bytes.len());
        match random.below(6) {
            0 => bytes.insert(at, TELLING[random.below(TELLING.len())]),
            1 => drop(bytes.drain(at..end)),
            2 => bytes.extend_from_within(at..end),
            3 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            4 if at < bytes.len() => bytes[at] = TELLING[random.below(TELLING.len())],
            _ => {
                let other = &others[random.below(others.len())];
                let from = random.below(other.len() + 1);
                bytes.splice(at..end, other[from..].iter().copied().take(64));
            }
        }
    }
    bytes
}

/// Marsaglia's xorshift64, so that a failure comes again.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let bound = u64::try_from(bound.max(1)).unwrap();
        usize::try_from(self.0 % bound).unwrap()
    }
}
