//! The file: TOML into values with their line and column. Errors never quote the text, which may hold a
//! password.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    error::{ConfigError, Fault, Origin},
    keys::{KEYS, Key, Kind},
    layers::{Given, Layer},
};

/// Reads every setting of `text`; `place` makes an origin of line and column.
pub(super) fn read(
    text: &str,
    place: impl Fn(usize, usize) -> Origin,
) -> Result<Layer, ConfigError> {
    let at = |offset: usize| {
        let before = &text[..text.floor_char_boundary(offset)];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
        place(line, column)
    };
    let table = DeTable::parse(text).map_err(|error| {
        ConfigError(vec![Fault {
            key: String::new(),
            origin: error.span().map(|span| at(span.start)),
            problem: format!("this is no TOML: {}", error.message()),
            remedy: "write `name = value`, with quotes around text".to_owned(),
        }])
    })?;
    let mut found = Found { layer: Layer::new(), faults: Vec::new() };
    found.table("", table.get_ref(), &at);
    if found.faults.is_empty() { Ok(found.layer) } else { Err(ConfigError(found.faults)) }
}

struct Found {
    layer: Layer,
    faults: Vec<Fault>,
}

impl Found {
    fn table(&mut self, prefix: &str, table: &DeTable<'_>, at: &dyn Fn(usize) -> Origin) {
        for (key, value) in table {
            let name = format!("{prefix}{}", key.get_ref());
            let origin = at(key.span().start);
            let inside = format!("{name}.");
            let is_table = KEYS.iter().any(|known| known.name.starts_with(&inside));
            match (value.get_ref(), Key::find(&name)) {
                (DeValue::Table(inner), None) if is_table => self.table(&inside, inner, at),
                (_, Some(known)) => self.value(known, value, at),
                (_, None) => self.faults.push(unknown(name, origin)),
            }
        }
    }

    fn value(
        &mut self,
        key: &'static Key,
        value: &Spanned<DeValue<'_>>,
        at: &dyn Fn(usize) -> Origin,
    ) {
        let origin = at(value.span().start);
        match text_of(key.kind, value.get_ref()) {
            Some(text) => {
                self.layer.insert(key.name, Given { text, origin });
            }
            None => self.faults.push(Fault {
                key: key.name.to_owned(),
                origin: Some(origin),
                problem: format!("has the wrong type, {}", value.get_ref().type_str()),
                remedy: format!("it takes {}{}", key.allowed(), spelling(key.kind)),
            }),
        }
    }
}

fn unknown(name: String, origin: Origin) -> Fault {
    let remedy = match Key::like(&name) {
        Some(key) => format!("did you mean `{}`?", key.name),
        None => "`gimlet-server config` prints all settings".to_owned(),
    };
    let problem = "there is no such setting".to_owned();
    Fault { key: name, origin: Some(origin), problem, remedy }
}

/// The value as a flag would give it; `None` where its type is another one.
fn text_of(kind: Kind, value: &DeValue<'_>) -> Option<String> {
    match kind {
        Kind::Seconds { .. } | Kind::Count { .. } => {
            value.as_integer().filter(|number| number.radix() == 10).map(|n| n.as_str().to_owned())
        }
        Kind::Switch => value.as_bool().map(|on| on.to_string()),
        Kind::Share => {
            let whole = value.as_integer().map(|number| number.as_str().to_owned());
            whole.or_else(|| value.as_float().map(|number| number.as_str().to_owned()))
        }
        Kind::Url
        | Kind::HttpsUrl
        | Kind::OptionalUrl
        | Kind::Address
        | Kind::Folder
        | Kind::Database
        | Kind::Image
        | Kind::LogFilter
        | Kind::LogFormat => value.as_str().map(str::to_owned),
    }
}

fn spelling(kind: Kind) -> &'static str {
    match kind {
        Kind::Seconds { .. } | Kind::Count { .. } | Kind::Switch | Kind::Share => {
            ", without quotes"
        }
        Kind::Url
        | Kind::HttpsUrl
        | Kind::OptionalUrl
        | Kind::Address
        | Kind::Folder
        | Kind::Database
        | Kind::Image
        | Kind::LogFilter
        | Kind::LogFormat => ", in quotes",
    }
}
