//! Code blocks as HTML: a caption, the lines, and a button that copies them.

use pulldown_cmark_escape::escape_html;

use crate::fence::{Fence, Use};

/// The block number `number` of its page.
pub(crate) fn html(fence: &Fence, text: &str, number: usize) -> String {
    let mut html = format!("<div class=\"docs-code docs-code-{}\">", fence.language());
    if let Some(file) = &fence.file {
        html.push_str("<p class=\"docs-code-file\">");
        escape(&mut html, file);
        html.push_str("</p>");
    }
    html.push_str(&format!("<pre tabindex=\"0\"><code id=\"code-{number}\">"));
    for line in text.lines() {
        push_line(&mut html, line, fence);
    }
    html.push_str("</code></pre>");
    if fence.used_as != Use::Output {
        html.push_str(&format!(
            "<button class=\"copy\" type=\"button\" data-copy=\"code-{number}\"><span>Copy</span></button>"
        ));
    }
    html + "</div>\n"
}

/// Comments step back; nothing else is coloured.
fn push_line(html: &mut String, line: &str, fence: &Fence) {
    let comments = !matches!(fence.used_as, Use::Output | Use::Text | Use::Json { .. });
    // A `#` inside a word is none.
    let comment = comments
        .then(|| if line.trim_start().starts_with('#') { Some(0) } else { line.find("   # ") })
        .flatten();
    let (code, comment) = line.split_at(comment.unwrap_or(line.len()));
    escape(html, code);
    if !comment.is_empty() {
        html.push_str("<span class=\"docs-comment\">");
        escape(html, comment);
        html.push_str("</span>");
    }
    html.push('\n');
}

/// Text as HTML.
pub(crate) fn escape(html: &mut String, text: &str) {
    // Writing to a string cannot fail.
    let _ = escape_html(html, text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_text_and_its_comments_are_marked() {
        let fence = Fence::parse("sh file=a<b").unwrap();
        let html = html(&fence, "gimlet <x>   # why\n# all\n", 3);
        assert!(
            html.contains("gimlet &lt;x&gt;<span class=\"docs-comment\">   # why</span>\n"),
            "{html}"
        );
        assert!(html.contains("<span class=\"docs-comment\"># all</span>"), "{html}");
        assert!(html.contains("data-copy=\"code-3\"") && html.contains("a&lt;b"), "{html}");
    }
}
