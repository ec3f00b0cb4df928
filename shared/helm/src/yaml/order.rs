//! The order of keys: natural, so that `a2` comes before `a10`.

use std::cmp::Ordering;

/// Compares two keys as Go's YAML library does.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    // Without digits, and up to the first letters that differ, the order is that of the characters.
    if left.is_ascii() && right.is_ascii() {
        let at = left.bytes().zip(right.bytes()).position(|(left, right)| left != right);
        match at {
            None => return left.len().cmp(&right.len()),
            Some(at) => {
                let (one, two) = (left.as_bytes()[at], right.as_bytes()[at]);
                if one.is_ascii_alphabetic() && two.is_ascii_alphabetic() {
                    return one.cmp(&two);
                }
            }
        }
    }
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let Some(at) = left.iter().zip(&right).position(|(left, right)| left != right) else {
        return left.len().cmp(&right.len());
    };
    let (one, two) = (left[at], right[at]);
    match (one.is_alphabetic(), two.is_alphabetic()) {
        (true, true) => return one.cmp(&two),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    // A zero within a number does not begin one.
    let within = (one == '0' || two == '0')
        && left[..at].iter().rev().take_while(|c| c.is_numeric()).any(|c| *c != '0');
    let start = u64::from(within);
    let ((one_number, one_end), (two_number, two_end)) =
        (number(&left, at, start), number(&right, at, start));
    one_number.cmp(&two_number).then(one_end.cmp(&two_end)).then(one.cmp(&two))
}

/// The number whose digits stand at `at`, and where it ends.
fn number(text: &[char], at: usize, start: u64) -> (i64, usize) {
    let digits = text[at..].iter().take_while(|c| c.is_numeric());
    let (mut number, mut end) = (start as i64, at);
    for digit in digits {
        let value = i64::from(u32::from(*digit)) - i64::from(u32::from('0'));
        number = number.wrapping_mul(10).wrapping_add(value);
        end += 1;
    }
    (number, end)
}
