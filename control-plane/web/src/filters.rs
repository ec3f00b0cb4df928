//! What templates may do with a value: `{{ release.state|release_mark }}`.
//!
//! A filter that answers `Safe` writes markup of its own around text that it has escaped.

#![expect(unreachable_pub, reason = "the attribute on filters writes public methods")]

use std::fmt::Write;

use askama::{
    Result, Values,
    filters::{Escaper, Safe},
};
use time::OffsetDateTime;

use crate::{
    icons,
    marks::{self, Mark},
    text::{self, Disarmed},
    when,
};

/// In characters; longer ones are read on the page of the thing itself.
const LONGEST_TOOLTIP: usize = 1_000;
/// In characters; environments have at most 40.
const LONGEST_CHIP: usize = 60;
/// Digits of a commit that people read.
const SHORT_SHA: usize = 7;

#[askama::filter_fn]
pub(crate) fn icon(name: &str, _: &dyn Values) -> Result<Safe<String>> {
    Ok(Safe(icons::svg(name)))
}

#[askama::filter_fn]
pub(crate) fn release_mark(state: &str, _: &dyn Values) -> Result<Safe<String>> {
    Ok(Safe(marked(marks::release(state))))
}

#[askama::filter_fn]
pub(crate) fn health_mark(state: &str, _: &dyn Values) -> Result<Safe<String>> {
    Ok(Safe(marked(marks::health(state))))
}

#[askama::filter_fn]
pub(crate) fn cluster_mark(state: &str, _: &dyn Values) -> Result<Safe<String>> {
    Ok(Safe(marked(marks::cluster(state))))
}

#[askama::filter_fn]
pub(crate) fn step_mark(state: &str, _: &dyn Values) -> Result<Safe<String>> {
    Ok(Safe(marked(marks::step(state))))
}

/// `<time>` with words such as `3 min ago`, which `app.js` keeps up to date.
#[askama::filter_fn]
pub(crate) fn ago(time: &str, _: &dyn Values, now: &OffsetDateTime) -> Result<Safe<String>> {
    let mut html = String::with_capacity(128);
    html.push_str("<time data-ago datetime=\"");
    Disarmed.write_escaped_str(&mut html, time)?;
    html.push_str("\" title=\"");
    Disarmed.write_escaped_str(&mut html, &when::absolute(time))?;
    html.push_str("\">");
    Disarmed.write_escaped_str(&mut html, &when::relative(time, *now))?;
    html.push_str("</time>");
    Ok(Safe(html))
}

/// Text from outside, in a direction of its own and cut where it is longer than `most` characters; the
/// whole of it is the tooltip then.
#[askama::filter_fn]
pub(crate) fn outside(text: &str, _: &dyn Values, most: usize) -> Result<Safe<String>> {
    let line = text::first_line(text, most);
    let mut html = String::with_capacity(line.len() + 16);
    html.push_str("<bdi");
    if line != text.trim() {
        html.push_str(" title=\"");
        Disarmed.write_escaped_str(&mut html, &text::shortened(text.trim(), LONGEST_TOOLTIP))?;
        html.push('"');
    }
    html.push('>');
    Disarmed.write_escaped_str(&mut html, &line)?;
    html.push_str("</bdi>");
    Ok(Safe(html))
}

/// An environment's name within a line; one for production has its icon.
#[askama::filter_fn]
pub(crate) fn environment_name(name: &str, _: &dyn Values) -> Result<Safe<String>> {
    let mut html = String::with_capacity(256);
    if gimlet_app::is_production(name) {
        html.push_str("<span class=\"production-name\" title=\"Production\">");
        html.push_str(&icons::svg("production"));
    } else {
        html.push_str("<span>");
    }
    html.push_str("<bdi>");
    Disarmed.write_escaped_str(&mut html, &text::shortened(name, LONGEST_CHIP))?;
    html.push_str("</bdi></span>");
    Ok(Safe(html))
}

/// An environment's name; one for production says so in a word and with an icon.
#[askama::filter_fn]
pub(crate) fn environment_chip(name: &str, _: &dyn Values) -> Result<Safe<String>> {
    let mut html = String::with_capacity(256);
    if gimlet_app::is_production(name) {
        html.push_str("<span class=\"chip production\" title=\"Production\">");
        html.push_str(&icons::svg("production"));
        html.push_str("<span class=\"unseen\">Production: </span>");
    } else {
        html.push_str("<span class=\"chip\">");
    }
    html.push_str("<bdi>");
    Disarmed.write_escaped_str(&mut html, &text::shortened(name, LONGEST_CHIP))?;
    html.push_str("</bdi></span>");
    Ok(Safe(html))
}

/// The time in full, where an element has no room for `ago`.
#[askama::filter_fn]
pub(crate) fn absolute(time: &str, _: &dyn Values) -> Result<String> {
    Ok(when::absolute(time))
}

#[askama::filter_fn]
pub(crate) fn lasted(milliseconds: &i64, _: &dyn Values) -> Result<String> {
    Ok(when::duration(*milliseconds))
}

#[askama::filter_fn]
pub(crate) fn short(sha: &str, _: &dyn Values) -> Result<String> {
    Ok(sha.chars().take(SHORT_SHA).collect())
}

#[askama::filter_fn]
pub(crate) fn first_line(text: &str, _: &dyn Values, most: usize) -> Result<String> {
    Ok(text::first_line(text, most))
}

#[askama::filter_fn]
pub(crate) fn shortened(text: &str, _: &dyn Values, most: usize) -> Result<String> {
    Ok(text::shortened(text, most))
}

fn marked(mark: Mark) -> String {
    let mut html = String::with_capacity(512);
    // Writing to a string cannot fail.
    let _ = write!(
        html,
        "<span class=\"mark {}\">{}<span>{}</span></span>",
        mark.tone.class(),
        icons::svg(mark.icon),
        mark.word
    );
    html
}
