//! What a setting means, where it is set, and what counts now.

use super::{
    Settings,
    error::{ConfigError, Fault},
    keys::{KEYS, Key, Kind},
    values::shown,
};

/// A setting, as `gimlet-server config --explain` shows it.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Explained {
    /// Its name in the file.
    pub name: &'static str,
    /// What it means.
    pub explanation: String,
    /// What may stand in it.
    pub allowed: String,
    /// Its flag.
    pub flag: String,
    /// Its environment variable.
    pub variable: String,
    /// What counts now; a secret is not shown.
    pub value: String,
    /// Where that comes from.
    pub origin: String,
}

/// Explains one setting, or all of them.
///
/// # Errors
/// For an unknown name, with the name that was probably meant; and where the file cannot be read.
pub fn explain(settings: Settings, name: &str) -> Result<Vec<Explained>, ConfigError> {
    let wanted: Vec<&Key> = match (name, Key::find(name)) {
        ("all", _) => KEYS.iter().collect(),
        (_, Some(key)) => vec![key],
        (_, None) => return Err(unknown(name)),
    };
    let layer = settings.resolve()?;
    let explained = wanted.into_iter().map(|key| {
        let given = layer.get(key.name);
        let text = given.map(|given| given.text.clone()).unwrap_or_default();
        Explained {
            name: key.name,
            explanation: key.explanation(),
            allowed: key.allowed(),
            flag: format!("--{}", key.flag),
            variable: key.variable.to_owned(),
            value: value(key, text),
            origin: given.map(|given| given.origin.to_string()).unwrap_or_default(),
        }
    });
    Ok(explained.collect())
}

fn value(key: &Key, text: String) -> String {
    match key.kind {
        _ if key.is_secret() && !text.is_empty() => "(set, not shown)".to_owned(),
        // The server refuses addresses with a password in them; one may stand there all the same.
        Kind::Url | Kind::HttpsUrl | Kind::OptionalUrl => shown(&text).to_owned(),
        _ => text,
    }
}

impl std::fmt::Display for Explained {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let value = if self.value.is_empty() { "(empty)" } else { &self.value };
        writeln!(f, "{}", self.name)?;
        writeln!(f, "  {}", self.explanation)?;
        writeln!(f, "  takes     {}", self.allowed)?;
        writeln!(f, "  now       {value}, from {}", self.origin)?;
        writeln!(f, "  set with  {} or {}", self.flag, self.variable)
    }
}

fn unknown(name: &str) -> ConfigError {
    let remedy = match Key::like(name) {
        Some(key) => format!("did you mean `{}`?", key.name),
        None => "`gimlet-server config --explain all` shows all settings".to_owned(),
    };
    let problem = "there is no such setting".to_owned();
    ConfigError(vec![Fault { key: name.to_owned(), origin: None, problem, remedy }])
}
