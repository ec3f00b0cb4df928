//! Previews: what a manifest becomes for a branch.

use sha2::{Digest as _, Sha256};

use crate::cleanup::Cleanup;
use crate::glob::Pattern;
use crate::manifest::Manifest;
use crate::names::MAX_APP_NAME;
use crate::policy::{DeployPolicy, EventKind};
use crate::text::{Anchor, Text};

/// What the names of manifests for previews may end in, by custom; it goes.
const SUFFIX: &str = "-preview";

/// What a branch adds to the name.
const OF_BRANCH: &str = "{{ .BRANCH | sanitizeDNSName }}";

/// The branches that previews are made of.
const BRANCHES: &str = "!{main,master}";

/// How many characters stay of a name that is too long; a `-` and six digits follow.
const KEPT: usize = 46;

/// What becomes of a manifest on a branch.
#[derive(Clone, Debug)]
pub enum Preparation {
    /// It makes no previews: it is deployed as it is.
    Ordinary,
    /// It makes previews, and none of this branch: nothing is deployed.
    NotPreviewed,
    /// This is deployed instead.
    Preview(Box<Manifest>),
}

/// Makes of `manifest` the preview of `branch`; before variables. `host_suffix` is what the environment's hosts end in,
/// where that is known. The default branch is never previewed.
pub fn prepare_preview(
    manifest: &Manifest,
    branch: &str,
    host_suffix: Option<&str>,
    default_branch: &str,
) -> Preparation {
    if !manifest.preview {
        return Preparation::Ordinary;
    }
    if branch.is_empty() || branch == default_branch {
        return Preparation::NotPreviewed;
    }
    let (Ok(branches), Ok(every_branch)) = (Pattern::parse(BRANCHES), Pattern::parse("*")) else {
        return Preparation::NotPreviewed;
    };
    let base = manifest.app.strip_suffix(SUFFIX).unwrap_or(&manifest.app);
    let app = format!("{base}-{OF_BRANCH}");
    let mut values = manifest.values.clone();
    values.set("gitBranch", &verbatim(branch));
    if let Some(host) = values.text_mut(&["ingress", "host"]) {
        *host = host.with(preview_host(&app, host, host_suffix.filter(|it| !it.is_empty())));
    }
    Preparation::Preview(Box::new(Manifest {
        deploy: Some(DeployPolicy {
            event: Some(EventKind::Push),
            branch: Some(branches),
            ..DeployPolicy::default()
        }),
        cleanup: Some(Cleanup {
            app: Text::new(app.as_str(), Anchor::default()),
            branch: every_branch,
        }),
        preview: false,
        previewed: Some(branch.to_owned()),
        app,
        values,
        ..manifest.clone()
    }))
}

impl Manifest {
    /// An application's name after variables; that of a preview is made to fit.
    pub(crate) fn shortened(&self, name: String) -> String {
        match &self.previewed {
            Some(branch) if name.len() > MAX_APP_NAME => shortened(&name, branch),
            _ => name,
        }
    }
}

/// The start of a name, and what tells it from others with the same start.
fn shortened(name: &str, branch: &str) -> String {
    let start: String = name.chars().take(KEPT).collect();
    let [a, b, c, ..] = <[u8; 32]>::from(Sha256::digest(branch));
    format!("{}-{a:02x}{b:02x}{c:02x}", start.trim_end_matches('-'))
}

/// The host of a preview.
fn preview_host(app: &str, host: &str, suffix: Option<&str>) -> String {
    match suffix {
        Some(suffix) if suffix.starts_with(['-', '.']) => format!("{app}{suffix}"),
        Some(suffix) => format!("{app}.{suffix}"),
        None => match first_dot(host) {
            Some(dot) => format!("{app}{}", &host[dot..]),
            None => host.to_owned(),
        },
    }
}

/// The first dot that is no part of a template.
fn first_dot(host: &str) -> Option<usize> {
    let mut start = 0;
    loop {
        let rest = host.get(start..)?;
        let open = rest.find("{{").unwrap_or(rest.len());
        if let Some(dot) = rest[..open].find('.') {
            return Some(start + dot);
        }
        start += open + rest.get(open..)?.find("}}")? + 2;
    }
}

/// A text as a template that gives it.
fn verbatim(text: &str) -> String {
    text.replace("{{", "{{ \"{{\" }}")
}

#[cfg(test)]
mod tests;
