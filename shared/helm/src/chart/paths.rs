//! Go's `filepath.Match` and `path.Clean`, as far as charts need them.

/// Whether `name` matches a pattern: `*` and `?` stop at a slash, `[a-z]`, `[^a]`, `\`. `None` for a pattern
/// that is none.
pub(super) fn matches(pattern: &str, name: &str) -> Option<bool> {
    let tokens = tokens(pattern)?;
    let name: Vec<char> = name.chars().collect();
    Some(at(&tokens, &name))
}

#[derive(Debug)]
enum Token {
    Star,
    Any,
    One(char),
    Class { negated: bool, ranges: Vec<(char, char)> },
}

fn tokens(pattern: &str) -> Option<Vec<Token>> {
    let mut letters = pattern.chars().peekable();
    let mut found = Vec::new();
    while let Some(letter) = letters.next() {
        found.push(match letter {
            '*' => Token::Star,
            '?' => Token::Any,
            '\\' => Token::One(letters.next()?),
            '[' => {
                let negated = letters.next_if_eq(&'^').is_some();
                let mut ranges = Vec::new();
                loop {
                    if !ranges.is_empty() && letters.next_if_eq(&']').is_some() {
                        break;
                    }
                    let low = class_letter(&mut letters)?;
                    let high = match letters.next_if_eq(&'-') {
                        Some(_) => class_letter(&mut letters)?,
                        None => low,
                    };
                    ranges.push((low, high));
                }
                Token::Class { negated, ranges }
            }
            other => Token::One(other),
        });
    }
    Some(found)
}

fn class_letter(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    match letters.next()? {
        '-' | ']' => None,
        '\\' => letters.next(),
        letter => Some(letter),
    }
}

/// Goes back to the last star only, so that it takes the product of both lengths at most.
fn at(tokens: &[Token], name: &[char]) -> bool {
    let (mut token, mut letter) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        let fits = match (tokens.get(token), name.get(letter)) {
            (Some(Token::Star), _) => {
                star = Some((token, letter));
                token += 1;
                continue;
            }
            (None, None) => return true,
            (Some(Token::Any), Some(it)) => *it != '/',
            (Some(Token::One(wanted)), Some(it)) => wanted == it,
            (Some(Token::Class { negated, ranges }), Some(it)) => {
                ranges.iter().any(|(low, high)| (low..=high).contains(&it)) != *negated
            }
            (None, Some(_)) | (Some(_), None) => false,
        };
        if fits {
            token += 1;
            letter += 1;
            continue;
        }
        match star {
            Some((at, taken)) if name.get(taken).is_some_and(|it| *it != '/') => {
                star = Some((at, taken + 1));
                (token, letter) = (at + 1, taken + 1);
            }
            _ => return false,
        }
    }
}

/// The shortest path that means the same; `.` for an empty one.
pub(super) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    match (rooted, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_go_s_do() {
        let cases = [
            ("*.txt", "a.txt", Some(true)),
            ("*.txt", "d/a.txt", Some(false)),
            ("a*b*c", "axxbyyc", Some(true)),
            ("a*b*c", "axxbyy", Some(false)),
            ("?", "/", Some(false)),
            ("[a-c]x", "bx", Some(true)),
            ("[^a-c]x", "bx", Some(false)),
            ("\\*", "*", Some(true)),
            ("[a", "a", None),
            ("[]a]", "a", None),
            ("a\\", "a", None),
            ("templates/.?*", "templates/.a", Some(true)),
            ("", "", Some(true)),
        ];
        for (pattern, name, expected) in cases {
            assert_eq!(matches(pattern, name), expected, "{pattern} on {name}");
        }
    }

    #[test]
    fn a_clean_path_has_no_detours() {
        for (path, expected) in
            [("a/./b//c", "a/b/c"), ("a/../..", ".."), ("", "."), ("/../a", "/a"), ("../a", "../a")]
        {
            assert_eq!(clean(path), expected);
        }
    }
}
