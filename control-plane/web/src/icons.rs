//! The icons, drawn on a grid of 16 by 16 in the colour of their text. Words stand beside every one of
//! them, so they are hidden from screen readers.

/// Opens every icon.
const HEAD: &str = concat!(
    "<svg class=\"icon\" viewBox=\"0 0 16 16\" width=\"16\" height=\"16\" fill=\"none\" ",
    "stroke=\"currentColor\" stroke-width=\"1.5\" stroke-linecap=\"round\" stroke-linejoin=\"round\" ",
    "aria-hidden=\"true\">"
);

/// The markup of the icon `name`; an empty drawing for a name that is none.
pub(crate) fn svg(name: &str) -> String {
    format!("{HEAD}{}</svg>", drawing(name))
}

fn drawing(name: &str) -> &'static str {
    match name {
        "mark" => "<path d=\"M3 3.2h10M8 3.2v10.6M5.6 7.6l4.8-1.8M5.6 10.9l4.8-1.8\"/>",
        "fleet" => {
            "<rect x=\"2.2\" y=\"2.6\" width=\"11.6\" height=\"4.4\" rx=\"1.2\"/><rect x=\"2.2\" y=\"9\" width=\"11.6\" height=\"4.4\" rx=\"1.2\"/><path d=\"M4.8 4.8h.01M4.8 11.2h.01\"/>"
        }
        "apps" => "<path d=\"M8 1.8l5.6 3.1v6.2L8 14.2l-5.6-3.1V4.9zM2.6 5L8 8l5.4-3M8 8v6\"/>",
        "commits" => "<circle cx=\"8\" cy=\"8\" r=\"2.6\"/><path d=\"M1.6 8h3.8M10.6 8h3.8\"/>",
        "releases" => {
            "<path d=\"M9.8 2.2c1.6-.6 3-.6 4-.4.2 1 .2 2.4-.4 4-.8 2.2-3 4.2-5.4 5.4L4.8 8c1.2-2.4 3-5 5-5.8z\"/><path d=\"M4.8 8l-2.6.8 1.4-2.6 2.2-.6M8 11.2l-.8 2.6 2.6-1.4.6-2.2M2.2 13.8l1.8-1.8\"/>"
        }
        "repositories" => {
            "<circle cx=\"4.4\" cy=\"3.6\" r=\"1.6\"/><circle cx=\"4.4\" cy=\"12.4\" r=\"1.6\"/><circle cx=\"11.6\" cy=\"5.2\" r=\"1.6\"/><path d=\"M4.4 5.2v5.6M11.6 6.8c0 2.4-7.2 1.6-7.2 4\"/>"
        }
        "check" => "<circle cx=\"8\" cy=\"8\" r=\"6.2\"/><path d=\"M5.4 8.2l1.8 1.8 3.5-3.9\"/>",
        "cross" => "<circle cx=\"8\" cy=\"8\" r=\"6.2\"/><path d=\"M6 6l4 4M10 6l-4 4\"/>",
        "warning" => "<path d=\"M8 2.2l6.2 11.2H1.8zM8 6.6v3M8 11.4h.01\"/>",
        "clock" => "<circle cx=\"8\" cy=\"8\" r=\"6.2\"/><path d=\"M8 4.8V8l2.2 1.4\"/>",
        "busy" => "<path d=\"M8 1.8a6.2 6.2 0 1 1-6.2 6.2\"/>",
        "waiting" => "<circle cx=\"8\" cy=\"8\" r=\"6.2\" stroke-dasharray=\"2.2 2.67\"/>",
        "skipped" => "<circle cx=\"8\" cy=\"8\" r=\"6.2\"/><path d=\"M5.4 8h5.2\"/>",
        "away" => {
            "<path d=\"M2.2 2.2l11.6 11.6M5.3 11.9h6a2.9 2.9 0 0 0 1.9-.7M11.9 6.2A4.2 4.2 0 0 0 6 4.3M4 6.5a2.8 2.8 0 0 0-.3 5.3\"/>"
        }
        "copy" => {
            "<rect x=\"5.4\" y=\"5.4\" width=\"8.2\" height=\"8.2\" rx=\"1.6\"/><path d=\"M10.6 5.4V4a1.6 1.6 0 0 0-1.6-1.6H4A1.6 1.6 0 0 0 2.4 4v5A1.6 1.6 0 0 0 4 10.6h1.4\"/>"
        }
        "back" => "<path d=\"M5.6 3.2L2.4 6.4l3.2 3.2M2.6 6.4h6.6a4 4 0 0 1 0 8H6.4\"/>",
        "plus" => "<path d=\"M8 3.2v9.6M3.2 8h9.6\"/>",
        "arrow" => "<path d=\"M3 8h10M9.2 4.2L13 8l-3.8 3.8\"/>",
        "open" => "<path d=\"M6.4 3.2H3.2v9.6h9.6V9.6M9.2 2.6h4.2v4.2M13.2 2.8L7.6 8.4\"/>",
        "trash" => {
            "<path d=\"M2.8 4.4h10.4M6.2 4.4V2.6h3.6v1.8M4.2 4.4l.6 9h6.4l.6-9M6.8 7v4M9.2 7v4\"/>"
        }
        "out" => {
            "<path d=\"M6.2 13.6H3.6a1.2 1.2 0 0 1-1.2-1.2V3.6a1.2 1.2 0 0 1 1.2-1.2h2.6M10.6 11l3-3-3-3M13.4 8H6.2\"/>"
        }
        "production" => "<path d=\"M8 1.9l5 1.9v3.9c0 3-2 5.3-5 6.4-3-1.1-5-3.4-5-6.4V3.8z\"/>",
        "environment" => "<path d=\"M8 1.8l6 3-6 3-6-3zM2 8l6 3 6-3M2 11.2l6 3 6-3\"/>",
        "activity" => "<path d=\"M1.6 8.4h2.8l1.8-5.2 3.2 9.6 1.9-4.4h3.1\"/>",
        "person" => {
            "<circle cx=\"8\" cy=\"5.2\" r=\"2.8\"/><path d=\"M2.8 13.8c.5-2.8 2.5-4.2 5.2-4.2s4.7 1.4 5.2 4.2\"/>"
        }
        "book" => {
            "<path d=\"M8 4.2C6.6 3 4.6 2.6 2 2.6v9.8c2.6 0 4.6.4 6 1.6 1.4-1.2 3.4-1.6 6-1.6V2.6c-2.6 0-4.6.4-6 1.6zM8 4.2V14\"/>"
        }
        "theme" => {
            "<circle cx=\"8\" cy=\"8\" r=\"6.2\"/><path d=\"M8 1.8v12.4M8 4.4l4.6 4.9M8 8.2l3.6 3.8M8 1.8l5.9 6.3\"/>"
        }
        "sun" => {
            "<circle cx=\"8\" cy=\"8\" r=\"2.8\"/><path d=\"M8 1.6v1.6M8 12.8v1.6M1.6 8h1.6M12.8 8h1.6M3.5 3.5l1.1 1.1M11.4 11.4l1.1 1.1M3.5 12.5l1.1-1.1M11.4 4.6l1.1-1.1\"/>"
        }
        "moon" => "<path d=\"M13.4 9.6A5.8 5.8 0 0 1 6.4 2.6a5.8 5.8 0 1 0 7 7z\"/>",
        "search" => "<circle cx=\"7\" cy=\"7\" r=\"4.6\"/><path d=\"M10.4 10.4l3.4 3.4\"/>",
        "key" => "<circle cx=\"5\" cy=\"11\" r=\"2.8\"/><path d=\"M7 9l6.4-6.4M10.6 5.4l2 2\"/>",
        "terminal" => {
            "<rect x=\"1.8\" y=\"2.6\" width=\"12.4\" height=\"10.8\" rx=\"1.6\"/><path d=\"M4.6 6l2 2-2 2M8.6 10.2h2.8\"/>"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::marks;

    #[test]
    fn every_mark_has_a_drawing() {
        for mark in marks::all() {
            assert_ne!(drawing(mark.icon), "", "{}", mark.word);
        }
    }
}
