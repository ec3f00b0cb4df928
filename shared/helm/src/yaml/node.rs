//! From tokens to a tree of nodes.

use std::borrow::Cow;
use std::collections::HashMap;

use super::decode::YamlError;
use super::scan::{Kind, Mark, Scanned, Scanner, Style};
use crate::template::deeper;
use crate::value::MAX_DEPTH;

/// The prefix that `!!` stands for.
pub(super) const CORE: &str = "tag:yaml.org,2002:";

/// The nodes of a document; children and aliases are indices.
pub(super) struct Document<'t> {
    pub(super) nodes: Vec<Node<'t>>,
    /// None for an empty stream.
    pub(super) root: Option<usize>,
}

pub(super) struct Node<'t> {
    pub(super) line: usize,
    pub(super) content: Content<'t>,
}

pub(super) enum Content<'t> {
    /// With its tag, and whether it is plain.
    Scalar {
        text: Cow<'t, str>,
        tag: String,
        plain: bool,
    },
    Sequence(Vec<usize>),
    Mapping(Vec<(usize, usize)>),
    Alias(usize, &'t str),
}

/// Parses the first document of a text.
pub(super) fn parse(text: &str) -> Scanned<Document<'_>> {
    let mut parser = Parser {
        scanner: Scanner::new(text),
        nodes: Vec::new(),
        anchors: HashMap::new(),
        handles: Vec::new(),
        depth: 0,
    };
    let root = parser.document()?;
    // What comes next ends the document, unless it is no token at all.
    parser.scanner.peek()?;
    Ok(Document { nodes: parser.nodes, root })
}

/// Parses every document of a text.
pub(super) fn parse_all(text: &str) -> Scanned<Vec<Document<'_>>> {
    let mut parser = Parser {
        scanner: Scanner::new(text),
        nodes: Vec::new(),
        anchors: HashMap::new(),
        handles: Vec::new(),
        depth: 0,
    };
    let mut documents = Vec::new();
    loop {
        let root = parser.document()?;
        let nodes = std::mem::take(&mut parser.nodes);
        parser.anchors.clear();
        parser.handles.clear();
        if root.is_none() {
            return Ok(documents);
        }
        documents.push(Document { nodes, root });
        let mut ended = false;
        while parser.next_is(&Kind::DocumentEnd)? {
            parser.scanner.take();
            ended = true;
        }
        match parser.kind()? {
            Kind::DocumentStart | Kind::StreamEnd => {}
            // Only after its end may another document stand without a marker.
            _ if ended => {}
            _ => return parser.error(None, "did not find expected <document start>"),
        }
    }
}

struct Parser<'t> {
    scanner: Scanner<'t>,
    nodes: Vec<Node<'t>>,
    anchors: HashMap<&'t str, usize>,
    /// What tags' handles stand for.
    handles: Vec<(String, String)>,
    depth: usize,
}

/// What stands before a node.
#[derive(Default)]
struct Properties<'t> {
    anchor: Option<&'t str>,
    tag: String,
}

impl<'t> Parser<'t> {
    fn kind(&mut self) -> Scanned<Kind<'t>> {
        Ok(self.scanner.peek()?.kind.clone())
    }

    /// Whether the next token is of a kind; without copying it.
    fn next_is(&mut self, kind: &Kind<'_>) -> Scanned<bool> {
        Ok(self.scanner.peek()?.kind == *kind)
    }

    fn mark(&mut self) -> Scanned<Mark> {
        Ok(self.scanner.peek()?.mark)
    }

    fn error<T>(&mut self, context: Option<Mark>, problem: &str) -> Scanned<T> {
        let mark = self.mark()?;
        Err(YamlError::at_parse(mark.line, context.map_or(0, |mark| mark.line), problem))
    }

    fn document(&mut self) -> Scanned<Option<usize>> {
        let mut explicit = false;
        let mut version = false;
        loop {
            match self.kind()? {
                Kind::Version(major, minor) => {
                    if version {
                        return self.error(None, "found duplicate %YAML directive");
                    }
                    if (major, minor) != (1, 1) {
                        return self.error(None, "found incompatible YAML document");
                    }
                    (version, explicit) = (true, true);
                }
                Kind::TagDirective { handle, prefix } => {
                    if self.handles.iter().any(|(known, _)| *known == handle) {
                        return self.error(None, "found duplicate %TAG directive");
                    }
                    self.handles.push((handle, prefix));
                    explicit = true;
                }
                Kind::DocumentStart => {
                    self.scanner.take();
                    break;
                }
                Kind::StreamEnd if !explicit => return Ok(None),
                _ if explicit => {
                    return self.error(None, "did not find expected <document start>");
                }
                _ => return self.node(true, false).map(Some),
            }
            self.scanner.take();
        }
        match self.kind()? {
            Kind::Version(..)
            | Kind::TagDirective { .. }
            | Kind::DocumentStart
            | Kind::DocumentEnd
            | Kind::StreamEnd => self.empty().map(Some),
            _ => self.node(true, false).map(Some),
        }
    }

    fn add(&mut self, mark: Mark, content: Content<'t>) -> usize {
        self.nodes.push(Node { line: mark.line, content });
        self.nodes.len() - 1
    }

    fn empty(&mut self) -> Scanned<usize> {
        let mark = self.mark()?;
        let content = Content::Scalar { text: Cow::Borrowed(""), tag: String::new(), plain: true };
        Ok(self.add(mark, content))
    }

    fn node(&mut self, block: bool, indentless: bool) -> Scanned<usize> {
        if self.depth > MAX_DEPTH {
            return self.error(None, &format!("exceeded max depth of {MAX_DEPTH}"));
        }
        self.depth += 1;
        let node = deeper(|| self.node_here(block, indentless));
        self.depth -= 1;
        node
    }

    fn node_here(&mut self, block: bool, indentless: bool) -> Scanned<usize> {
        let start = self.mark()?;
        if let Kind::Alias(name) = self.kind()? {
            self.scanner.take();
            return match self.anchors.get(name) {
                Some(target) => {
                    let target = *target;
                    Ok(self.add(start, Content::Alias(target, name)))
                }
                None => Err(YamlError::new(format!("unknown anchor '{name}' referenced"))),
            };
        }
        let properties = self.properties(start)?;
        // An anchor's node exists before its content, which may refer to it.
        let index = self.add(start, Content::Sequence(Vec::new()));
        if let Some(anchor) = properties.anchor {
            self.anchors.insert(anchor, index);
        }
        let content = match self.kind()? {
            Kind::BlockEntry if indentless => self.indentless()?,
            Kind::Scalar(text, style) => {
                self.scanner.take();
                let plain =
                    properties.tag.is_empty() && style == Style::Plain || properties.tag == "!";
                Content::Scalar { text, tag: properties.tag, plain }
            }
            Kind::FlowSequenceStart => self.flow_sequence()?,
            Kind::FlowMappingStart => self.flow_mapping()?,
            Kind::BlockSequenceStart if block => self.block_sequence()?,
            Kind::BlockMappingStart if block => self.block_mapping()?,
            _ if properties.anchor.is_some() || !properties.tag.is_empty() => {
                let plain = properties.tag.is_empty();
                Content::Scalar { text: Cow::Borrowed(""), tag: properties.tag, plain }
            }
            _ => return self.error(Some(start), "did not find expected node content"),
        };
        self.nodes[index].content = content;
        Ok(index)
    }

    fn properties(&mut self, start: Mark) -> Scanned<Properties<'t>> {
        let mut properties = Properties::default();
        let mut tagged = false;
        loop {
            match self.kind()? {
                Kind::Anchor(name) if properties.anchor.is_none() => {
                    properties.anchor = Some(name);
                }
                Kind::Tag { handle, suffix } if !tagged => {
                    tagged = true;
                    properties.tag = self.tag(&handle, suffix, start)?;
                }
                _ => return Ok(properties),
            }
            self.scanner.take();
        }
    }

    fn tag(&mut self, handle: &str, suffix: String, start: Mark) -> Scanned<String> {
        let own = self.handles.iter().find(|(known, _)| known == handle);
        let prefix = match (handle, own) {
            ("", _) => return Ok(suffix),
            (_, Some((_, prefix))) => prefix.clone(),
            ("!", _) => "!".to_owned(),
            ("!!", _) => CORE.to_owned(),
            _ => return self.error(Some(start), "found undefined tag handle"),
        };
        Ok(prefix + &suffix)
    }

    fn block_sequence(&mut self) -> Scanned<Content<'t>> {
        let start = self.mark()?;
        self.scanner.take();
        let mut items = Vec::new();
        loop {
            match self.kind()? {
                Kind::BlockEntry => {
                    self.scanner.take();
                    items.push(match self.kind()? {
                        Kind::BlockEntry | Kind::BlockEnd => self.empty()?,
                        _ => self.node(true, false)?,
                    });
                }
                Kind::BlockEnd => {
                    self.scanner.take();
                    return Ok(Content::Sequence(items));
                }
                _ => return self.error(Some(start), "did not find expected '-' indicator"),
            }
        }
    }

    fn indentless(&mut self) -> Scanned<Content<'t>> {
        let mut items = Vec::new();
        while self.next_is(&Kind::BlockEntry)? {
            self.scanner.take();
            items.push(match self.kind()? {
                Kind::BlockEntry | Kind::Key | Kind::Value | Kind::BlockEnd => self.empty()?,
                _ => self.node(true, false)?,
            });
        }
        Ok(Content::Sequence(items))
    }

    fn block_mapping(&mut self) -> Scanned<Content<'t>> {
        let start = self.mark()?;
        self.scanner.take();
        let mut entries = Vec::new();
        loop {
            let key = match self.kind()? {
                Kind::Key => {
                    self.scanner.take();
                    self.block_part()?
                }
                // A value without a key is found by what comes before it.
                Kind::BlockEnd => {
                    self.scanner.take();
                    return Ok(Content::Mapping(entries));
                }
                _ => return self.error(Some(start), "did not find expected key"),
            };
            let value = if self.next_is(&Kind::Value)? {
                self.scanner.take();
                self.block_part()?
            } else {
                self.empty()?
            };
            entries.push((key, value));
        }
    }

    fn block_part(&mut self) -> Scanned<usize> {
        match self.kind()? {
            Kind::Key | Kind::Value | Kind::BlockEnd => self.empty(),
            _ => self.node(true, true),
        }
    }

    fn flow_sequence(&mut self) -> Scanned<Content<'t>> {
        let start = self.mark()?;
        self.scanner.take();
        let mut items = Vec::new();
        loop {
            if !items.is_empty() && !self.next_is(&Kind::FlowSequenceEnd)? {
                if !self.next_is(&Kind::FlowEntry)? {
                    return self.error(Some(start), "did not find expected ',' or ']'");
                }
                self.scanner.take();
            }
            match self.kind()? {
                Kind::FlowSequenceEnd => {
                    self.scanner.take();
                    return Ok(Content::Sequence(items));
                }
                Kind::Key => {
                    let mark = self.mark()?;
                    self.scanner.take();
                    let ends = [Kind::Value, Kind::FlowEntry, Kind::FlowSequenceEnd];
                    let key = self.flow_part(&ends)?;
                    let value = self.flow_value(&Kind::FlowSequenceEnd)?;
                    let entry = self.add(mark, Content::Mapping(vec![(key, value)]));
                    items.push(entry);
                }
                _ => items.push(self.node(false, false)?),
            }
        }
    }

    fn flow_mapping(&mut self) -> Scanned<Content<'t>> {
        let start = self.mark()?;
        self.scanner.take();
        let mut entries = Vec::new();
        loop {
            if !entries.is_empty() && !self.next_is(&Kind::FlowMappingEnd)? {
                if !self.next_is(&Kind::FlowEntry)? {
                    return self.error(Some(start), "did not find expected ',' or '}'");
                }
                self.scanner.take();
            }
            match self.kind()? {
                Kind::FlowMappingEnd => {
                    self.scanner.take();
                    return Ok(Content::Mapping(entries));
                }
                Kind::Key => {
                    self.scanner.take();
                    let ends = [Kind::Value, Kind::FlowEntry, Kind::FlowMappingEnd];
                    let key = self.flow_part(&ends)?;
                    let value = self.flow_value(&Kind::FlowMappingEnd)?;
                    entries.push((key, value));
                }
                _ => {
                    let key = self.node(false, false)?;
                    let value = self.empty()?;
                    entries.push((key, value));
                }
            }
        }
    }

    fn flow_value(&mut self, end: &Kind<'_>) -> Scanned<usize> {
        if !self.next_is(&Kind::Value)? {
            return self.empty();
        }
        self.scanner.take();
        if self.next_is(&Kind::FlowEntry)? || self.next_is(end)? {
            return self.empty();
        }
        self.node(false, false)
    }

    fn flow_part(&mut self, ends: &[Kind<'_>]) -> Scanned<usize> {
        for end in ends {
            if self.next_is(end)? {
                return self.empty();
            }
        }
        self.node(false, false)
    }
}
