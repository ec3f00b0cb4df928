//! Text into values. Each error says what is wrong and what would be right; none repeats a password.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use tracing_subscriber::EnvFilter;
use url::Url;

use super::{
    error::Fault,
    keys::{Key, Kind},
    layers::{Given, Layer},
};

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    /// JSON.
    Json,
    /// Lines for people.
    Text,
}

/// Values on their way into a configuration, with what is wrong so far.
pub(super) struct Values {
    layer: Layer,
    pub(super) faults: Vec<Fault>,
}

impl Values {
    pub(super) fn new(layer: Layer) -> Self {
        Self { layer, faults: Vec::new() }
    }

    /// Notes that something is wrong with a setting, whatever its text is.
    pub(super) fn refuse(&mut self, name: &str, problem: String, remedy: String) {
        let origin = self.layer.get(name).map(|given| given.origin.clone());
        self.faults.push(Fault { key: name.to_owned(), origin, problem, remedy });
    }

    pub(super) fn url(&mut self, name: &'static str) -> Option<Url> {
        self.read(name, url)
    }

    pub(super) fn optional_url(&mut self, name: &'static str) -> Option<Url> {
        self.read(
            name,
            |text, kind| {
                if text.is_empty() { Ok(None) } else { url(text, kind).map(Some) }
            },
        )
        .flatten()
    }

    pub(super) fn address(&mut self, name: &'static str) -> Option<SocketAddr> {
        self.read(name, |text, _| {
            text.parse().map_err(|_| format!("`{text}` is no address with port"))
        })
    }

    pub(super) fn folder(&mut self, name: &'static str) -> Option<PathBuf> {
        self.read(name, |text, _| {
            let path = PathBuf::from(text);
            if path.is_absolute() { Ok(path) } else { Err(format!("`{text}` is no absolute path")) }
        })
    }

    pub(super) fn database(&mut self, name: &'static str) -> Option<String> {
        self.read(name, |text, _| match text.split_once(':') {
            None if text.is_empty() => Ok(String::new()),
            Some(("postgres" | "postgresql", _)) => match Url::parse(text) {
                Ok(_) => Ok(text.to_owned()),
                Err(error) => Err(format!("is no address of a database: {error}")),
            },
            Some(("sqlite", rest)) if rest.starts_with("///") => Ok(text.to_owned()),
            Some(("sqlite", _)) => Err("names no absolute path after sqlite://".to_owned()),
            _ => Err("names no database that is known".to_owned()),
        })
    }

    pub(super) fn image(&mut self, name: &'static str) -> Option<String> {
        self.read(name, |text, _| {
            let last = text.rsplit('/').next().unwrap_or_default();
            let sane = text.chars().all(|c| c.is_ascii_graphic());
            if sane && (last.contains(':') || text.contains('@')) {
                Ok(text.to_owned())
            } else {
                Err(format!("`{text}` names no tag and no digest"))
            }
        })
    }

    pub(super) fn seconds(&mut self, name: &'static str) -> Option<Duration> {
        self.read(name, |text, kind| {
            let Kind::Seconds { least, most } = kind else { return Err("is no time".to_owned()) };
            let plain = text.replace('_', "");
            let value: u64 =
                plain.parse().map_err(|_| format!("`{text}` is no number of seconds"))?;
            if value < least {
                return Err(format!("{value} is too short"));
            }
            if value > most {
                return Err(format!("{value} is too long"));
            }
            Ok(Duration::from_secs(value))
        })
    }

    pub(super) fn count(&mut self, name: &'static str) -> Option<u32> {
        self.read(name, |text, kind| {
            let Kind::Count { least, most } = kind else { return Err("is no number".to_owned()) };
            let plain = text.replace('_', "");
            let value: u32 = plain.parse().map_err(|_| format!("`{text}` is no whole number"))?;
            if value < least || value > most {
                return Err(format!("{value} is out of bounds"));
            }
            Ok(value)
        })
    }

    pub(super) fn switch(&mut self, name: &'static str) -> Option<bool> {
        self.read(name, |text, _| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(format!("`{text}` is neither")),
        })
    }

    pub(super) fn log(&mut self, name: &'static str) -> Option<String> {
        self.read(name, |text, _| match EnvFilter::try_new(text) {
            // A misspelt level would be taken for the name of a part, and nothing would be logged.
            Ok(_) if text.split(',').all(is_directive) => Ok(text.to_owned()),
            Ok(_) => Err(format!("`{text}` names no level")),
            Err(error) => Err(format!("`{text}` cannot be read: {error}")),
        })
    }

    pub(super) fn log_format(&mut self, name: &'static str) -> Option<LogFormat> {
        self.read(name, |text, _| match text {
            "auto" => Ok(LogFormat::Auto),
            "json" => Ok(LogFormat::Json),
            "text" => Ok(LogFormat::Text),
            _ => Err(format!("`{text}` is no format")),
        })
    }

    pub(super) fn share(&mut self, name: &'static str) -> Option<f64> {
        self.read(name, |text, _| match text.parse::<f64>() {
            Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
            _ => Err(format!("`{text}` is no share")),
        })
    }

    fn read<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str, Kind) -> Result<T, String>,
    ) -> Option<T> {
        let key = Key::find(name)?;
        let given = self.layer.get(name)?;
        let Given { text, origin } = given;
        match parse(text.trim(), key.kind) {
            Ok(value) => Some(value),
            Err(problem) => {
                let remedy = format!("it takes {}", key.allowed());
                let origin = Some(origin.clone());
                self.faults.push(Fault { key: name.to_owned(), origin, problem, remedy });
                None
            }
        }
    }
}

/// `info`, `gimlet_app=debug`, or something with a span, which only `EnvFilter` itself can judge.
fn is_directive(text: &str) -> bool {
    let level = text.trim().rsplit('=').next().unwrap_or_default().to_ascii_lowercase();
    let levels = ["off", "error", "warn", "info", "debug", "trace"];
    levels.contains(&level.as_str()) || text.contains('[')
}

fn url(text: &str, kind: Kind) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| format!("`{}` is no URL: {error}", shown(text)))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(format!("`{}` is no address of a web server", shown(text)));
    }
    if kind == Kind::HttpsUrl && url.scheme() != "https" {
        return Err(format!(
            "`{}` does not begin with https://, and agents speak TLS only",
            shown(text)
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("holds a user name or password".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("`{}` has a query or fragment", shown(text)));
    }
    Ok(url)
}

/// Without what may be a password before the `@`.
pub(super) fn shown(text: &str) -> &str {
    text.rsplit('@').next().unwrap_or_default()
}
