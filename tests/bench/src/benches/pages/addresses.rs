//! The pages and lists that are asked for, with cursors from everywhere and filters that find much, little
//! and nothing.

use anyhow::{Result, ensure};

use super::world::World;
use crate::http::{Connection, get};

/// One page with all the addresses under which it is asked for, in turn.
#[derive(Clone, Debug)]
pub(super) struct Page {
    /// Its name in the figures.
    pub(super) name: &'static str,
    /// Complete requests.
    pub(super) requests: Vec<Vec<u8>>,
}

/// Pages of a list that are walked to get at their cursors.
const WALKED: usize = 8;

/// Everything that is measured.
pub(super) async fn pages(world: &World, connection: &mut Connection) -> Result<Vec<Page>> {
    let mut pages = Vec::new();
    for (name, addresses) in of_people(world) {
        let mut all = Vec::new();
        for address in addresses {
            all.extend(walk_page(world, connection, address).await?);
        }
        pages.push(Page { name, requests: all });
    }
    for (name, address) in of_programs(world) {
        let requests = walk_list(world, connection, address).await?;
        pages.push(Page { name, requests });
    }
    Ok(pages)
}

fn of_people(world: &World) -> Vec<(&'static str, Vec<String>)> {
    let World { app, environment, releases, cluster, artifact, repository, .. } = world;
    let all = |addresses: &[&str]| addresses.iter().map(|it| (*it).to_owned()).collect();
    let each_release =
        |end: &str| releases.iter().map(|id| format!("/releases/{id}{end}")).collect();
    let (first, last) = (releases[0], releases[releases.len() - 1]);
    let repository = repository.replace('/', "%2F");
    vec![
        ("get-started", all(&["/get-started"])),
        ("fleet", all(&["/fleet", "/fleet?state=degraded", "/fleet?q=region", "/fleet?q=zzz"])),
        (
            "fleet-by-environment",
            all(&["/fleet?group=environment", "/fleet?group=environment&q=prod"]),
        ),
        ("cluster", vec![format!("/fleet/{cluster}")]),
        ("repositories", all(&["/repositories", "/repositories?q=service-1"])),
        (
            "commits",
            vec![
                "/commits".to_owned(),
                format!("/commits?repository={repository}"),
                "/commits?branch=hotfix".to_owned(),
                "/commits?branch=nobodys".to_owned(),
            ],
        ),
        ("commit", vec![format!("/commits/{artifact}")]),
        ("apps", all(&["/apps", "/apps?health=degraded", "/apps?q=check", "/apps?q=zzz"])),
        ("app", vec![format!("/apps/{environment}/{app}")]),
        ("app-history", vec![format!("/apps/{environment}/{app}/history")]),
        (
            "compare",
            vec![
                format!("/apps/{environment}/{app}/compare?from={first}&to={last}"),
                format!("/apps/{environment}/{app}/compare?to={first}"),
            ],
        ),
        (
            "releases",
            vec![
                "/releases".to_owned(),
                format!("/releases?environment={environment}"),
                format!("/releases?app={app}"),
                "/releases?app=nobodys".to_owned(),
            ],
        ),
        ("release", each_release("")),
        ("release-changes", each_release("/changes")),
        (
            "activity",
            vec![
                "/activity".to_owned(),
                "/activity?kind=release".to_owned(),
                "/activity?kind=token".to_owned(),
                "/activity?kind=release.timed_out".to_owned(),
                "/activity?actor=ana".to_owned(),
                format!("/activity?environment={environment}&app={app}"),
                format!("/activity?environment={environment}"),
                format!("/activity?app={app}"),
                "/activity?since=2020-01-01&until=2020-01-02".to_owned(),
            ],
        ),
        (
            "palette",
            all(&[
                "/palette?q=check",
                "/palette?q=round+the+tax",
                "/palette?q=roll+back+billing",
                "/palette?q=zzz",
                "/palette?q=member+7",
                "/palette",
            ]),
        ),
        ("search", all(&["/search?q=checkout", "/search?q=zzz"])),
    ]
}

fn of_programs(world: &World) -> Vec<(&'static str, String)> {
    let World { app, environment, releases, artifact, .. } = world;
    vec![
        ("api-clusters", "/api/v1/clusters?limit=7".to_owned()),
        ("api-environments", "/api/v1/environments?limit=7".to_owned()),
        ("api-repositories", "/api/v1/repositories?limit=7".to_owned()),
        ("api-apps", "/api/v1/apps?limit=100".to_owned()),
        ("api-app", format!("/api/v1/environments/{environment}/apps/{app}")),
        ("api-releases", "/api/v1/releases?limit=100".to_owned()),
        ("api-release", format!("/api/v1/releases/{}", releases[0])),
        ("api-artifacts", "/api/v1/artifacts?limit=100".to_owned()),
        ("api-artifact", format!("/api/v1/artifacts/{artifact}")),
        ("api-activity", "/api/v1/activity?limit=100".to_owned()),
        ("api-members", "/api/v1/members?limit=100".to_owned()),
        ("api-tokens", "/api/v1/tokens?all=true&limit=100".to_owned()),
    ]
}

/// A page and those after it, by the links that a person would follow.
async fn walk_page(
    world: &World,
    connection: &mut Connection,
    address: String,
) -> Result<Vec<Vec<u8>>> {
    let cookie = format!("gimlet_session={}", world.cookie);
    let (mut next, mut requests) = (Some(address), Vec::new());
    while let Some(address) = next.take().filter(|_| requests.len() < WALKED) {
        let request = get(&address, &[("cookie", &cookie)]);
        let answer = connection.send(&request).await?;
        let text = String::from_utf8_lossy(&answer.body);
        ensure!(answer.status == 200, "GET {address}: {} {text}", answer.status);
        requests.push(request);
        let path = address.split('?').next().unwrap_or_default();
        next = following(&text, path);
    }
    Ok(requests)
}

/// The last link of the pager that leads to a cursor.
fn following(html: &str, path: &str) -> Option<String> {
    let pager = html.split_once("class=\"pager\"")?.1.split("</nav>").next()?;
    let links = pager.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    let last = links.filter(|link| link.contains("cursor=")).last()?;
    let link = last.replace("&#38;", "&").replace("&amp;", "&");
    Some(if link.starts_with('?') { format!("{path}{link}") } else { link })
}

/// A list of the API and what follows it, by its `Link`.
async fn walk_list(
    world: &World,
    connection: &mut Connection,
    address: String,
) -> Result<Vec<Vec<u8>>> {
    let bearer = format!("Bearer {}", world.token);
    let (mut next, mut requests) = (Some(address), Vec::new());
    while let Some(address) = next.take().filter(|_| requests.len() < WALKED) {
        let request = get(&address, &[("authorization", &bearer)]);
        let answer = connection.send(&request).await?;
        let text = String::from_utf8_lossy(&answer.body);
        ensure!(answer.status == 200, "GET {address}: {} {text}", answer.status);
        requests.push(request);
        next = answer
            .link
            .as_deref()
            .and_then(|link| Some(link.split_once('<')?.1.split_once('>')?.0.to_owned()));
    }
    Ok(requests)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_to_more_is_found_and_the_one_to_the_beginning_is_not() {
        let html = r#"<nav class="pager" aria-label="Pages"><a href="/apps?q=a">First page</a><a rel="next" href="/apps?q=a&#38;cursor=Yg">More</a></nav>"#;
        assert_eq!(following(html, "/apps").as_deref(), Some("/apps?q=a&cursor=Yg"));
        let html = r#"<nav class="pager"><a href="?cursor=rel_1">Older</a></nav>"#;
        assert_eq!(following(html, "/x/history").as_deref(), Some("/x/history?cursor=rel_1"));
        assert_eq!(
            following(r#"<nav class="pager"><a href="/apps">First page</a></nav>"#, "/apps"),
            None
        );
    }
}
