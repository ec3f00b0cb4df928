//! How one folder differs from another, as packs spell it (`gitformat-pack`, "Deltified representation").

/// Shorter equal stretches are not worth an instruction of their own.
const WORTH_COPYING: usize = 12;
/// The longest stretch that one instruction copies.
const LONGEST_COPY: usize = 0xffff;
/// The longest stretch that one instruction brings along.
const LONGEST_INSERT: usize = 0x7f;

/// Instructions that make `new` of `base`. Of folders with the same names every changed entry is found;
/// of others, what they have in common at both ends.
pub(super) fn between(base: &[u8], new: &[u8]) -> Vec<u8> {
    let mut delta = Vec::with_capacity(64);
    size(&mut delta, base.len());
    size(&mut delta, new.len());
    if base.len() == new.len() {
        same_length(&mut delta, base, new);
    } else {
        common_ends(&mut delta, base, new);
    }
    delta
}

fn same_length(delta: &mut Vec<u8>, base: &[u8], new: &[u8]) {
    let (mut done, mut at) = (0, 0);
    while at < new.len() {
        let equal = base[at..].iter().zip(&new[at..]).take_while(|(b, n)| b == n).count();
        if equal >= WORTH_COPYING {
            insert(delta, &new[done..at]);
            copy(delta, at, equal);
            done = at + equal;
        }
        // The byte after an equal stretch differs.
        at += equal + 1;
    }
    insert(delta, &new[done.min(new.len())..]);
}

fn common_ends(delta: &mut Vec<u8>, base: &[u8], new: &[u8]) {
    let head = base.iter().zip(new).take_while(|(b, n)| b == n).count();
    let (base_rest, new_rest) = (&base[head..], &new[head..]);
    let tail = base_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(b, n)| b == n);
    let tail = tail.count();
    copy(delta, 0, head);
    insert(delta, &new_rest[..new_rest.len() - tail]);
    copy(delta, base.len() - tail, tail);
}

fn copy(delta: &mut Vec<u8>, mut offset: usize, mut length: usize) {
    while length > 0 {
        let now = length.min(LONGEST_COPY);
        let at = delta.len();
        delta.push(0);
        let mut present = 0x80;
        for byte in 0..4 {
            let value = (offset >> (8 * byte) & 0xff) as u8;
            if value != 0 {
                present |= 1 << byte;
                delta.push(value);
            }
        }
        for byte in 0..2 {
            let value = (now >> (8 * byte) & 0xff) as u8;
            if value != 0 {
                present |= 0x10 << byte;
                delta.push(value);
            }
        }
        delta[at] = present;
        offset += now;
        length -= now;
    }
}

fn insert(delta: &mut Vec<u8>, bytes: &[u8]) {
    for chunk in bytes.chunks(LONGEST_INSERT) {
        // At most 127, so it fits.
        delta.push(chunk.len() as u8);
        delta.extend_from_slice(chunk);
    }
}

fn size(delta: &mut Vec<u8>, mut size: usize) {
    while size > 0x7f {
        delta.push((size & 0x7f) as u8 | 0x80);
        size >>= 7;
    }
    delta.push(size as u8);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What git does with the instructions.
    fn apply(base: &[u8], delta: &[u8]) -> Vec<u8> {
        let mut at = 0;
        let mut number = || {
            let (mut value, mut shift) = (0, 0);
            loop {
                let byte = delta[at];
                at += 1;
                value |= usize::from(byte & 0x7f) << shift;
                shift += 7;
                if byte & 0x80 == 0 {
                    return value;
                }
            }
        };
        assert_eq!(number(), base.len());
        let size = number();
        let mut new = Vec::new();
        while at < delta.len() {
            let instruction = delta[at];
            at += 1;
            if instruction & 0x80 == 0 {
                let end = at + usize::from(instruction);
                assert!(end > at, "an empty insertion is reserved");
                new.extend_from_slice(&delta[at..end]);
                at = end;
                continue;
            }
            let mut field = |bits: std::ops::Range<u8>| {
                let mut value = 0;
                for (byte, bit) in bits.enumerate() {
                    if instruction & (1 << bit) != 0 {
                        value |= usize::from(delta[at]) << (8 * byte);
                        at += 1;
                    }
                }
                value
            };
            let (offset, length) = (field(0..4), field(4..7));
            new.extend_from_slice(&base[offset..offset + length]);
        }
        assert_eq!(new.len(), size);
        new
    }

    #[test]
    fn two_changed_entries_of_a_large_folder_cost_little() {
        let base: Vec<u8> =
            (0..4000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
        let mut new = base.clone();
        for at in [100, 9_000] {
            new[at..at + 20].copy_from_slice(&[7; 20]);
        }
        let delta = between(&base, &new);
        assert_eq!(apply(&base, &delta), new);
        assert!(delta.len() < 80, "{}", delta.len());
    }

    #[test]
    fn stretches_longer_than_one_instruction_are_copied_whole() {
        let base = vec![3; 200_000];
        let mut new = base.clone();
        new.push(1);
        assert_eq!(apply(&base, &between(&base, &new)), new);
        assert_eq!(apply(&base, &between(&base, &base)), base);
    }

    proptest! {
        #[test]
        fn whatever_differs_comes_out_right(
            base in prop::collection::vec(0_u8..3, 0..600),
            new in prop::collection::vec(0_u8..3, 0..600),
            changes in prop::collection::vec((0_usize..600, any::<u8>()), 0..6),
        ) {
            prop_assert_eq!(apply(&base, &between(&base, &new)), new);
            let mut edited = base.clone();
            for (at, byte) in changes {
                if let Some(place) = edited.get_mut(at) {
                    *place = byte;
                }
            }
            prop_assert_eq!(apply(&base, &between(&base, &edited)), edited);
        }
    }
}
