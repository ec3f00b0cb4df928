//! From parser events to trees.

use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::scalar::is_null;
use super::{Entry, Form, Kind, MAX_TEXT, Node, Scalar, YamlError};
use crate::finding::{Place, quoted};

/// How deep maps and lists may be nested. No real manifest comes near, and the tree is walked
/// recursively.
const MAX_DEPTH: usize = 64;

/// How many nodes a document may have once its aliases are expanded.
const MAX_NODES: usize = 100_000;

/// Tags that change nothing here: YAML's own.
const KNOWN_TAGS: [&str; 10] =
    ["str", "int", "float", "bool", "null", "map", "seq", "binary", "timestamp", "merge"];

/// Parses all documents of `text`. An empty document is [`Kind::Null`].
pub(crate) fn parse_documents(text: &str) -> Result<Vec<Rc<Node>>, YamlError> {
    if text.len() > MAX_TEXT {
        let message = format!("is larger than {} KiB", MAX_TEXT / 1024);
        return Err(YamlError {
            place: Place { line: 1, column: 1 },
            path: String::new(),
            message,
        });
    }
    let options = granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    Builder {
        text,
        events: Parser::new_from_str_with_options(text, options),
        anchors: HashMap::new(),
        path: Vec::new(),
        depth: 0,
        nodes: 0,
    }
    .documents()
}

struct Builder<'a> {
    text: &'a str,
    events: Parser<'a, StrInput<'a>>,
    /// Finished nodes by anchor; a node still being built is not there, so no node contains itself.
    anchors: HashMap<usize, Rc<Node>>,
    path: Vec<Step>,
    depth: usize,
    nodes: usize,
}

enum Step {
    Key(String),
    Index(usize),
}

impl<'a> Builder<'a> {
    fn documents(mut self) -> Result<Vec<Rc<Node>>, YamlError> {
        let mut documents = Vec::new();
        while let Some(next) = self.events.next_event() {
            let (event, span) = next.map_err(|error| self.syntax_error(&error))?;
            match event {
                Event::StreamStart | Event::DocumentStart(..) | Event::DocumentEnd => {}
                Event::StreamEnd => break,
                node => documents.push(self.node(node, &span)?),
            }
        }
        Ok(documents)
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), YamlError> {
        match self.events.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => Err(self.syntax_error(&error)),
            None => Err(self.error(Place { line: 1, column: 1 }, "ends in the middle of a value")),
        }
    }

    fn node(&mut self, event: Event<'a>, span: &Span) -> Result<Rc<Node>, YamlError> {
        let place = place_of(&span.start);
        let (node, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.check_tag(tag.as_deref(), span)?;
                let text_tag = tag.as_deref().and_then(Tag::core_suffix) == Some("str");
                (Rc::new(Node::new(Some(place), scalar(&text, style, text_tag))), anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), span)?;
                let kind = self.nested(place, Self::list)?;
                (Rc::new(Node::new(Some(place), kind)), anchor)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), span)?;
                let kind = self.nested(place, Self::map)?;
                (Rc::new(Node::new(Some(place), kind)), anchor)
            }
            Event::Alias(id) => match self.anchors.get(&id) {
                Some(node) => (Rc::clone(node), 0),
                None => {
                    return Err(
                        self.error(place, "this alias refers to the value that contains it")
                    );
                }
            },
            other => {
                return Err(self.error(place, format!("unexpected YAML structure ({other:?})")));
            }
        };
        self.nodes = self.nodes.saturating_add(1);
        if self.nodes.max(node.weight) > MAX_NODES {
            return Err(self
                .error(place, format!("holds more than {MAX_NODES} values; are aliases nested?")));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        Ok(node)
    }

    fn nested(
        &mut self,
        place: Place,
        build: impl FnOnce(&mut Self) -> Result<Kind, YamlError>,
    ) -> Result<Kind, YamlError> {
        if self.depth == MAX_DEPTH {
            return Err(self.error(place, format!("is nested more than {MAX_DEPTH} levels deep")));
        }
        self.depth += 1;
        let kind = build(self)?;
        self.depth -= 1;
        Ok(kind)
    }

    fn list(&mut self) -> Result<Kind, YamlError> {
        let mut items = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Kind::List(items));
            }
            self.path.push(Step::Index(items.len()));
            items.push(self.node(event, &span)?);
            self.path.pop();
        }
    }

    fn map(&mut self) -> Result<Kind, YamlError> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut lines: HashMap<String, usize> = HashMap::new();
        let mut merges = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                break;
            }
            let place = place_of(&span.start);
            let (key, is_merge) = self.key(event, &span)?;
            self.path.push(Step::Key(key.clone()));
            if let Some(first) = lines.insert(key.clone(), place.line) {
                let message = format!("is set twice; it stands on line {first} already");
                return Err(self.error(place, message));
            }
            let (event, span) = self.next()?;
            let value = self.node(event, &span)?;
            if is_merge {
                merges.extend(self.merge_sources(place, &value)?);
            } else {
                entries.push(Entry { key, key_place: Some(place), value });
            }
            self.path.pop();
        }
        for source in merges {
            merge(&mut entries, &mut lines, &source);
        }
        Ok(Kind::Map(entries))
    }

    /// Reads a key and says whether it is the merge key `<<`.
    fn key(&mut self, event: Event<'a>, span: &Span) -> Result<(String, bool), YamlError> {
        let node = self.node(event, span)?;
        match &node.kind {
            Kind::Scalar(scalar) => {
                let is_merge = scalar.form == Form::Plain && scalar.text == "<<";
                Ok((scalar.text.clone(), is_merge))
            }
            Kind::Null => Ok(("null".to_owned(), false)),
            Kind::List(_) | Kind::Map(_) => {
                let message = if self.line(place_of(&span.start).line).contains("{{") {
                    TEMPLATE_HINT.to_owned()
                } else {
                    format!("{} cannot be a key", node.describe())
                };
                Err(self.error(place_of(&span.start), message))
            }
        }
    }

    fn merge_sources(&self, place: Place, value: &Rc<Node>) -> Result<Vec<Rc<Node>>, YamlError> {
        let sources = match &value.kind {
            Kind::List(items) => items.clone(),
            Kind::Map(_) | Kind::Null | Kind::Scalar(_) => vec![Rc::clone(value)],
        };
        if sources.iter().all(|source| matches!(source.kind, Kind::Map(_))) {
            return Ok(sources);
        }
        Err(self.error(place, "`<<` takes a map or a list of maps"))
    }

    fn check_tag(&self, tag: Option<&Tag>, span: &Span) -> Result<(), YamlError> {
        let Some(tag) = tag else { return Ok(()) };
        let known = tag.suffix_in_namespace("tag:yaml.org,2002:");
        if known.is_some_and(|suffix| KNOWN_TAGS.contains(&suffix.as_ref())) {
            return Ok(());
        }
        let place =
            span.tag_span().map_or_else(|| place_of(&span.start), |tag| place_of(&tag.start));
        let shown = tag.original();
        let message = format!(
            "{} without quotes is a YAML tag, not text; quote it: \"{}\"",
            quoted(&shown),
            quoted(&shown).trim_matches('`')
        );
        Err(self.error(place, message))
    }

    fn syntax_error(&self, error: &ScanError) -> YamlError {
        let place = place_of(error.marker());
        // The parser may notice the fault only on the line after the one that holds it.
        let near = place.line.saturating_sub(1)..=place.line;
        let templated = near.clone().any(|line| starts_with_template(self.line(line)));
        let hint = if templated { format!("; {TEMPLATE_HINT}") } else { String::new() };
        self.error(place, format!("is not valid YAML: {}{hint}", error.info()))
    }

    fn line(&self, number: usize) -> &'a str {
        number.checked_sub(1).and_then(|index| self.text.lines().nth(index)).unwrap_or_default()
    }

    fn error(&self, place: Place, message: impl Into<String>) -> YamlError {
        let mut path = String::new();
        for step in &self.path {
            match step {
                Step::Key(key) if path.is_empty() => path.push_str(key),
                Step::Key(key) => path.extend([".", key]),
                Step::Index(index) => path.push_str(&format!("[{index}]")),
            }
        }
        YamlError { place, path, message: message.into() }
    }
}

const TEMPLATE_HINT: &str =
    "a value that starts with `{{` must be quoted, as in `tag: \"{{ .SHA }}\"`";

fn starts_with_template(line: &str) -> bool {
    let value = line.split_once(": ").map_or(line, |(_, value)| value);
    value.trim_start().trim_start_matches("- ").starts_with("{{")
}

fn scalar(text: &str, style: ScalarStyle, text_tag: bool) -> Kind {
    let form = match style {
        ScalarStyle::Plain if text_tag => Form::Quoted,
        ScalarStyle::Plain if is_null(text) => return Kind::Null,
        ScalarStyle::Plain => Form::Plain,
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted | ScalarStyle::Folded => Form::Quoted,
        ScalarStyle::Literal => Form::Literal,
    };
    Kind::Scalar(Scalar { text: text.to_owned(), form })
}

/// Adds what `source` has and `entries` has not: explicit keys and earlier sources win.
fn merge(entries: &mut Vec<Entry>, lines: &mut HashMap<String, usize>, source: &Node) {
    let Kind::Map(merged) = &source.kind else { return };
    for entry in merged {
        if lines.contains_key(&entry.key) {
            continue;
        }
        lines.insert(entry.key.clone(), entry.key_place.map_or(0, |place| place.line));
        entries.push(Entry {
            key: entry.key.clone(),
            key_place: entry.key_place,
            value: Rc::clone(&entry.value),
        });
    }
}

fn place_of(marker: &Marker) -> Place {
    Place { line: marker.line().max(1), column: marker.col() + 1 }
}
