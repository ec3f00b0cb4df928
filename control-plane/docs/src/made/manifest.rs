//! The tables of the manifest format, made from its parser.

/// The functions of templates, by subject.
pub(crate) fn functions() -> String {
    let mut body = String::new();
    for (subject, functions) in gimlet_manifest::template::functions() {
        body.push_str(&format!("### {}\n\n", capital(subject)));
        let names: Vec<_> = functions.iter().map(|name| format!("`{name}`")).collect();
        body.push_str(&names.join(", "));
        body.push_str("\n\n");
    }
    body
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect()
}
