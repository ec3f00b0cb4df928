//! Which region an address names: the live part of the page with that address.

use axum::{extract::Query, http::Uri};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

use super::{activity, apps, clusters, commits, fleet, get_started, release_changes, releases};
use crate::live::Region;

/// The region of the page at `address`, its path and query; `None` where no page is live there.
pub(crate) fn region(address: &str) -> Option<Region> {
    let address = Address::of(address)?;
    let segments: Vec<&str> = address.segments.iter().map(String::as_str).collect();
    Some(match segments.as_slice() {
        ["get-started"] => get_started::region(),
        ["activity"] => activity::region(address.query()?),
        ["fleet"] => fleet::region(address.query()?),
        ["fleet", id] => clusters::region(id.parse().ok()?),
        ["commits"] => commits::region(address.query()?),
        ["apps"] => apps::list_region(address.query()?),
        ["apps", environment, app] => apps::region((*environment).to_owned(), (*app).to_owned()),
        ["releases"] => releases::list_region(address.query()?),
        ["releases", id] => releases::region(id.parse().ok()?),
        ["releases", id, "changes"] => release_changes::region(id.parse().ok()?),
        _ => return None,
    })
}

/// A page's address, taken apart.
struct Address {
    segments: Vec<String>,
    uri: Uri,
}

impl Address {
    fn of(address: &str) -> Option<Self> {
        let uri: Uri = address.parse().ok().filter(|uri: &Uri| uri.authority().is_none())?;
        let segments =
            uri.path().strip_prefix('/')?.split('/').map(decoded).collect::<Option<_>>()?;
        Some(Self { segments, uri })
    }

    fn query<T: DeserializeOwned>(&self) -> Option<T> {
        Query::try_from_uri(&self.uri).ok().map(|Query(query)| query)
    }
}

/// A segment of a path, without its percent encoding.
fn decoded(segment: &str) -> Option<String> {
    percent_decode_str(segment).decode_utf8().ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_live_page_names_its_region_by_its_own_address() {
        for address in [
            "/get-started",
            "/activity?kind=release&actor=ana",
            "/fleet?state=away&q=eu%20west",
            "/fleet/clu_00000000000000000000000000000001",
            "/commits",
            "/apps?health=degraded",
            "/apps/production/a%2Fb",
            "/releases",
            "/releases/rel_00000000000000000000000000000001",
            "/releases/rel_00000000000000000000000000000001/changes",
        ] {
            assert!(region(address).is_some(), "{address}");
        }
    }

    #[test]
    fn an_address_without_a_live_page_names_none() {
        for address in
            ["", "fleet", "/", "/fleet/", "/fleet/x", "/sign-in", "/apps/%ff/x", "//fleet"]
        {
            assert!(region(address).is_none(), "{address}");
        }
    }
}
