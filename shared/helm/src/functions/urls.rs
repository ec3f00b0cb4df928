//! URLs, in parts and together.

use super::{Answer, Args, Function, function};
use crate::format::quote;
use crate::value::{Entries, Map, Ty, Value, from_bytes, to_bytes};

pub(super) const FUNCTIONS: &[Function] = &[
    function("urlParse", &[Ty::Str], |_, args| {
        let text = args.text(0);
        let url = Url::parse(text)
            .map_err(|error| format!("unable to parse url: parse {}: {error}", quote(text)))?;
        Ok(url.to_value())
    }),
    function("urlJoin", &[Ty::Map], |_, args| join(args)),
];

/// A URL's parts, unescaped where Go keeps them so.
#[derive(Debug, Default)]
struct Url {
    scheme: String,
    opaque: String,
    /// Escaped.
    user: Option<String>,
    host: String,
    path: String,
    query: String,
    fragment: String,
}

impl Url {
    fn parse(text: &str) -> Result<Self, String> {
        if text.chars().any(|c| c < ' ' || c == '\x7f') {
            return Err("net/url: invalid control character in URL".to_owned());
        }
        let mut url = Self::default();
        let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
        url.fragment = unescape(fragment)?;
        let rest = url.take_scheme(rest)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        url.query = query.to_owned();
        if !rest.starts_with('/') && !url.scheme.is_empty() {
            url.opaque = rest.to_owned();
            return Ok(url);
        }
        if !rest.starts_with('/') && rest.split('/').next().is_some_and(|first| first.contains(':'))
        {
            return Err("first path segment in URL cannot contain colon".to_owned());
        }
        let path = match rest.strip_prefix("//") {
            Some(after) if !rest.starts_with("///") || !url.scheme.is_empty() => {
                let end = after.find('/').unwrap_or(after.len());
                url.take_authority(&after[..end])?;
                &after[end..]
            }
            _ => rest,
        };
        url.path = unescape(path)?;
        Ok(url)
    }

    fn take_scheme<'t>(&mut self, text: &'t str) -> Result<&'t str, String> {
        let end = text.find(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c));
        match end {
            Some(0) if text.starts_with(':') => Err("missing protocol scheme".to_owned()),
            Some(end)
                if text[end..].starts_with(':')
                    && text.starts_with(|c: char| c.is_ascii_alphabetic()) =>
            {
                self.scheme = text[..end].to_ascii_lowercase();
                Ok(&text[end + 1..])
            }
            _ => Ok(text),
        }
    }

    fn take_authority(&mut self, text: &str) -> Result<(), String> {
        let host = match text.rsplit_once('@') {
            Some((user, host)) => {
                self.user = Some(user_info(user)?);
                host
            }
            None => text,
        };
        let port = match host.rfind(']') {
            Some(end) => &host[end + 1..],
            None => host.rfind(':').map_or("", |colon| &host[colon..]),
        };
        let digits = |digits: &str| digits.bytes().all(|c| c.is_ascii_digit());
        if !port.is_empty() && !port.strip_prefix(':').is_some_and(digits) {
            return Err(format!("invalid port {} after host", quote(port)));
        }
        if host.contains(' ') {
            return Err("invalid character \" \" in host name".to_owned());
        }
        self.host = unescape(host)?;
        Ok(())
    }

    fn hostname(&self) -> &str {
        let host = &self.host;
        if let Some(inner) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            return inner.0;
        }
        host.rsplit_once(':').map_or(host, |(name, _)| name)
    }

    fn to_value(&self) -> Value {
        let user = self.user.clone().unwrap_or_default();
        let parts = [
            ("scheme", self.scheme.as_str()),
            ("host", &self.host),
            ("hostname", self.hostname()),
            ("path", &self.path),
            ("query", &self.query),
            ("opaque", &self.opaque),
            ("fragment", &self.fragment),
            ("userinfo", &user),
        ];
        let entries = parts.into_iter().map(|(name, part)| (name.into(), Value::str(part)));
        Value::map(entries.collect::<Entries>())
    }

    fn text(&self) -> String {
        let mut text = String::new();
        if !self.scheme.is_empty() {
            text.push_str(&self.scheme);
            text.push(':');
        }
        if !self.opaque.is_empty() {
            text.push_str(&self.opaque);
        } else {
            if !self.scheme.is_empty() || !self.host.is_empty() || self.user.is_some() {
                if !self.host.is_empty() || !self.path.is_empty() || self.user.is_some() {
                    text.push_str("//");
                }
                if let Some(user) = &self.user {
                    text.push_str(user);
                    text.push('@');
                }
                text.push_str(&escape(&self.host, "!$&'()*+,;=:[]<>\""));
            }
            let path = escape(&self.path, "$&+,/:;=@");
            if !path.is_empty() && !path.starts_with('/') && !self.host.is_empty() {
                text.push('/');
            }
            let first = path.split('/').next().unwrap_or_default();
            if text.is_empty() && first.contains(':') {
                text.push_str("./");
            }
            text.push_str(&path);
        }
        if !self.query.is_empty() {
            text.push('?');
            text.push_str(&self.query);
        }
        if !self.fragment.is_empty() {
            text.push('#');
            text.push_str(&escape(&self.fragment, "!$&'()*+,/:;=?@"));
        }
        text
    }
}

/// `user:password`, each unescaped and escaped again.
fn user_info(text: &str) -> Result<String, String> {
    let known = |c: char| c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c);
    if !text.chars().all(known) {
        return Err("net/url: invalid userinfo".to_owned());
    }
    let part = |text: &str| unescape(text).map(|text| escape(&text, "$&+,;="));
    match text.split_once(':') {
        Some((name, password)) => Ok(format!("{}:{}", part(name)?, part(password)?)),
        None => part(text),
    }
}

fn unescape(text: &str) -> Result<String, String> {
    if !text.contains('%') {
        return Ok(text.to_owned());
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if *byte != b'%' {
            out.push(*byte);
            at += 1;
            continue;
        }
        let hex = text.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match hex {
            Some(byte) => out.push(byte),
            None => {
                let wrong = text.get(at..(at + 3).min(text.len())).unwrap_or("%");
                return Err(format!("invalid URL escape {}", quote(wrong)));
            }
        }
        at += 3;
    }
    Ok(from_bytes(&out).into_owned())
}

fn escape(text: &str, kept: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in to_bytes(text).iter() {
        let c = char::from(*byte);
        if c.is_ascii_alphanumeric() || "-_.~".contains(c) || c.is_ascii() && kept.contains(c) {
            out.push(c);
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn join(args: Args<'_>) -> Answer {
    let empty = Map::new(crate::value::MapKind::Any, Entries::new());
    let map = args.map(0).unwrap_or(&empty);
    let part = |name: &str| match map.get(name) {
        None => Ok(String::new()),
        Some(Value::Str(text)) => Ok(text.to_string()),
        Some(value) if value.is_nil() => {
            Err("runtime error: invalid memory address or nil pointer dereference".to_owned())
        }
        Some(value) => {
            let kind = value.kind_name();
            Err(format!("unable to parse {name} key, must be of type string, but {kind} found"))
        }
    };
    let user = part("userinfo")?;
    let user = match user.as_str() {
        "" => None,
        user => Some(user_info(user).map_err(|error| {
            let url = quote(&format!("proto://{user}@host"));
            format!("unable to parse userinfo in dict: parse {url}: {error}")
        })?),
    };
    let url = Url {
        scheme: part("scheme")?,
        opaque: part("opaque")?,
        user,
        host: part("host")?,
        path: part("path")?,
        query: part("query")?,
        fragment: part("fragment")?,
    };
    Ok(url.text().into())
}
