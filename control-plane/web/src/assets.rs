//! The style sheet, the scripts and the icon: part of the binary, named by their content, kept by
//! browsers for good.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

/// Characters of the hash in an asset's name; 48 bits tell all versions of one file apart.
const HASH_CHARS: usize = 12;

struct Asset {
    name: &'static str,
    url: String,
    kind: &'static str,
    content: &'static [u8],
}

static ASSETS: LazyLock<[Asset; 8]> = LazyLock::new(|| {
    [
        asset("app.css", "text/css; charset=utf-8", STYLE.as_bytes()),
        asset("app.js", SCRIPT, include_bytes!("../assets/app.js")),
        asset("docs.js", SCRIPT, include_bytes!("../assets/docs.js")),
        asset("htmx.js", SCRIPT, include_bytes!("../assets/htmx.min.js")),
        asset("live.js", SCRIPT, include_bytes!("../assets/live.js")),
        asset("palette.js", SCRIPT, include_bytes!("../assets/palette.js")),
        asset("theme.js", SCRIPT, include_bytes!("../assets/theme.js")),
        asset("icon.svg", "image/svg+xml", include_bytes!("../assets/icon.svg")),
    ]
});

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The parts of the style sheet, in the order of the cascade.
const STYLE: &str = concat!(
    include_str!("../assets/tokens.css"),
    include_str!("../assets/base.css"),
    include_str!("../assets/shell.css"),
    include_str!("../assets/parts.css"),
    include_str!("../assets/pages.css"),
    include_str!("../assets/release.css"),
    include_str!("../assets/docs.css"),
);

fn asset(name: &'static str, kind: &'static str, content: &'static [u8]) -> Asset {
    let hash = &hex::encode(Sha256::digest(content))[..HASH_CHARS];
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    Asset { name, url: format!("/assets/{stem}-{hash}.{extension}"), kind, content }
}

/// Where browsers find the asset `name`; empty for a name that is not there, which a test rules out.
pub(crate) fn url(name: &str) -> &'static str {
    ASSETS.iter().find(|asset| asset.name == name).map_or("", |asset| &asset.url)
}

/// Serves `GET /assets/{file}`.
pub(crate) async fn serve(Path(file): Path<String>) -> Response {
    let found = ASSETS.iter().find(|asset| asset.url.strip_prefix("/assets/") == Some(&file));
    match found {
        Some(asset) => (
            [(CONTENT_TYPE, asset.kind), (CACHE_CONTROL, "public, max-age=31536000, immutable")],
            asset.content,
        )
            .into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_asset_that_a_page_names_exists() {
        let document = include_str!("../templates/document.html");
        let named: Vec<&str> = document
            .split("assets::url(\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        assert_eq!(named.len(), 7);
        for name in named {
            assert_ne!(url(name), "", "{name}");
        }
    }

    #[tokio::test]
    async fn an_asset_of_another_version_is_absent() {
        assert_eq!(
            serve(Path("app-000000000000.css".to_owned())).await.status(),
            StatusCode::NOT_FOUND
        );
        let current = url("app.css").trim_start_matches("/assets/").to_owned();
        assert_eq!(serve(Path(current)).await.status(), StatusCode::OK);
    }
}
