//! The settings of the server, made from its commented configuration file.

/// One section for each setting: its default, and how else it is set.
pub(crate) fn settings(file: &str) -> String {
    let mut body = String::new();
    let mut comment: Vec<&str> = Vec::new();
    let mut table = String::new();
    for line in file.lines() {
        if let Some(text) = line.strip_prefix('#') {
            comment.push(text.trim());
        } else if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.trim_matches(['[', ']']).clone_into(&mut table);
            comment.clear();
        } else if let Some((name, value)) = line.split_once(" = ") {
            let name = if table.is_empty() { name.to_owned() } else { format!("{table}.{name}") };
            body.push_str(&setting(&name, value, &comment));
        } else if line.is_empty() {
            comment.clear();
        }
    }
    body
}

fn setting(name: &str, value: &str, comment: &[&str]) -> String {
    let variable = name.to_uppercase().replace('.', "_");
    let flag = name.replace(['_', '.'], "-");
    // A list of values after `#` on the same line is a remark.
    let value = value.split("  #").next().unwrap_or(value);
    format!(
        "### {name} {{#{}}}\n\n{}\n\nDefault `{value}`. Environment `GIMLET_{variable}`, flag `--{flag}`.\n\n",
        name.replace('.', "-"),
        super::sentence(&comment.join(" "))
    )
}

/// The file as it is.
pub(crate) fn file(file: &str) -> String {
    format!("```toml\n{}\n```\n", file.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_has_its_comment_and_its_default() {
        let made = settings("# Head.\n\n# Where people\n# reach it.\npublic_url = \"http://x\"\n");
        assert_eq!(
            made,
            "### public_url {#public_url}\n\nWhere people reach it.\n\nDefault `\"http://x\"`. Environment \
             `GIMLET_PUBLIC_URL`, flag `--public-url`.\n\n"
        );
    }
}
