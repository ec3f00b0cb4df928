//! Finding everything from anywhere: the palette (⌘K), and the page of the same search for who has no
//! script.

use askama::Template;
use axum::{
    extract::State,
    response::{Html, Redirect},
};
use gimlet_app::{AppHit, SearchHits};
use gimlet_shared::api::ReleaseQuery;
use serde::Deserialize;

use super::{html, query_string, rollback};
use crate::{
    Web,
    errors::PageError,
    extract::{Named, Query},
    filters, marks,
    session::Viewer,
    shell::{Section, Shell},
};

/// More than anybody types; the rest is not looked for.
const LONGEST_QUESTION: usize = 200;
/// Rollbacks that are offered beside the applications that were found.
const MOST_ROLLBACKS: usize = 4;
/// Words that say what to do, and not with what.
const VERBS: [&str; 8] = ["roll", "back", "rollback", "to", "open", "show", "go", "the"];

/// What somebody looks for.
#[derive(Clone, Default, Deserialize)]
pub(super) struct Question {
    #[serde(default)]
    q: String,
}

impl Question {
    fn text(&self) -> &str {
        let end = self.q.char_indices().nth(LONGEST_QUESTION).map_or(self.q.len(), |(end, _)| end);
        self.q[..end].trim()
    }

    /// What is looked for, without the words that say what to do with it.
    fn subject(&self) -> String {
        let words = self.text().split_whitespace();
        let subject = words.filter(|word| !VERBS.contains(&word.to_lowercase().as_str()));
        subject.collect::<Vec<_>>().join(" ")
    }

    /// All of its words are in `label`.
    fn asks_for(&self, label: &str) -> bool {
        let label = label.to_lowercase();
        self.text().to_lowercase().split_whitespace().all(|word| label.contains(word))
    }

    fn asks_to_roll_back(&self) -> bool {
        self.text().split_whitespace().any(|word| {
            let word = word.to_lowercase();
            word == "roll" || (word.len() > 3 && "rollback".starts_with(&word))
        })
    }
}

/// Results of one kind.
struct Group {
    title: &'static str,
    rows: Vec<Row>,
}

/// One result.
struct Row {
    icon: &'static str,
    /// May come from outside.
    label: String,
    /// What tells it from others of the same label; may come from outside.
    detail: String,
    does: Does,
}

/// What choosing a result does.
enum Does {
    Opens(String),
    /// `system`, `light` or `dark`.
    SetsTheme(&'static str),
    ShowsHelp,
}

impl Row {
    fn to(icon: &'static str, label: impl Into<String>, url: impl Into<String>) -> Self {
        let (label, does) = (label.into(), Does::Opens(url.into()));
        Self { icon, label, detail: String::new(), does }
    }

    fn with(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }

    /// Where it leads without a script.
    fn url(&self) -> Option<&str> {
        match &self.does {
            Does::Opens(url) => Some(url),
            Does::SetsTheme(_) | Does::ShowsHelp => None,
        }
    }
}

#[derive(Template)]
#[template(path = "palette.html")]
struct Palette {
    groups: Vec<Group>,
}

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage {
    shell: Shell,
    query: Question,
    groups: Vec<Group>,
}

/// The options of the palette.
pub(super) async fn palette(
    State(web): State<Web>,
    viewer: Viewer,
    Query(query): Query<Question>,
) -> Result<Html<String>, PageError> {
    html(&Palette { groups: groups(&web, &viewer, &query).await? })
}

/// The same as a page.
pub(super) async fn page(
    State(web): State<Web>,
    viewer: Viewer,
    Query(query): Query<Question>,
) -> Result<Html<String>, PageError> {
    let groups = groups(&web, &viewer, &query).await?;
    html(&SearchPage { shell: Shell::new(&viewer, Section::Elsewhere), query, groups })
}

/// Leads to the question whether to roll an application back, or to its page where it has no way back.
pub(super) async fn to_rollback(
    State(web): State<Web>,
    viewer: Viewer,
    Named((environment, app)): Named<(String, String)>,
) -> Result<Redirect, PageError> {
    web.app.app(&viewer.scope, &environment, &app).await?;
    let newest = ReleaseQuery {
        environment: Some(environment.clone()),
        app: Some(app.clone()),
        limit: Some(1),
        cursor: None,
    };
    let newest = web.app.list_releases(&viewer.scope, newest).await?.items.pop();
    let back_to = match newest {
        Some(newest) => rollback::way_back(&web, &viewer, &newest).await?,
        None => None,
    };
    Ok(Redirect::to(&match back_to {
        Some(release) => format!("/releases/{}/rollback", release.id),
        None => format!("/apps/{environment}/{app}#releases"),
    }))
}

async fn groups(web: &Web, viewer: &Viewer, query: &Question) -> Result<Vec<Group>, PageError> {
    let hits = web.app.search(&viewer.scope, &query.subject()).await?;
    let shell = Shell::new(viewer, Section::Elsewhere);
    Ok(arranged(&shell, query, hits))
}

/// What was asked to do first, then what was found, then where else to look.
fn arranged(shell: &Shell, query: &Question, hits: SearchHits) -> Vec<Group> {
    let rollbacks = if shell.may_release() { rollbacks(&hits.apps) } else { Vec::new() };
    let (first, last) =
        if query.asks_to_roll_back() { (rollbacks, Vec::new()) } else { (Vec::new(), rollbacks) };
    let mut actions = actions(shell);
    actions.retain(|row| query.asks_for(&row.label));
    actions.extend(last);
    let mut pages = pages(shell);
    pages.retain(|row| query.asks_for(&row.label));
    let mut groups = vec![Group { title: "Roll back", rows: first }];
    groups.extend(found(hits));
    groups.push(Group { title: "Pages", rows: pages });
    groups.push(Group { title: "Actions", rows: actions });
    if !query.text().is_empty() {
        let url = format!("/docs/search{}", query_string(&[("q", Some(query.text()))]));
        let look = Row::to("search", "Search the documentation", url).with(query.text());
        groups.push(Group { title: "Documentation", rows: vec![look] });
    }
    groups.retain(|group| !group.rows.is_empty());
    groups
}

fn found(hits: SearchHits) -> Vec<Group> {
    let apps = hits.apps.into_iter().map(|app| {
        let words = format!("{} · {}", app.environment, marks::health(app.health).word);
        Row::to("apps", app.name.clone(), app_url(&app)).with(words)
    });
    let releases = hits.releases.into_iter().map(|release| {
        let label = format!("{} → {}", release.app, release.environment);
        let words = format!("{} {}", marks::release(release.state).word, release.message);
        Row::to("releases", label, format!("/releases/{}", release.id)).with(words)
    });
    let commits = hits.commits.into_iter().map(|commit| {
        let short: String = commit.sha.chars().take(7).collect();
        let words = format!("{short} · {} · {}", commit.author, commit.repository);
        Row::to("commits", commit.message, format!("/commits/{}", commit.id)).with(words)
    });
    let environments = hits.environments.into_iter().map(|found| {
        let words = format!("environment on {}", found.cluster);
        Row::to("environment", found.name, format!("/fleet/{}", found.cluster_id)).with(words)
    });
    let clusters = hits.clusters.into_iter().map(|cluster| {
        Row::to("fleet", cluster.name, format!("/fleet/{}", cluster.id)).with("cluster")
    });
    let repositories = hits.repositories.into_iter().map(|name| {
        let url = format!("/commits{}", query_string(&[("repository", Some(&name))]));
        Row::to("repositories", name, url).with("its commits")
    });
    vec![
        Group { title: "Applications", rows: apps.collect() },
        Group { title: "Releases", rows: releases.collect() },
        Group { title: "Commits", rows: commits.collect() },
        Group { title: "Environments and clusters", rows: environments.chain(clusters).collect() },
        Group { title: "Repositories", rows: repositories.collect() },
    ]
}

fn rollbacks(apps: &[AppHit]) -> Vec<Row> {
    let row = |app: &AppHit| {
        let url = format!("/go/rollback/{}/{}", segment(&app.environment), segment(&app.name));
        Row::to("back", format!("Roll back {}", app.name), url)
            .with(format!("in {}…", app.environment))
    };
    apps.iter().take(MOST_ROLLBACKS).map(row).collect()
}

fn app_url(app: &AppHit) -> String {
    format!("/apps/{}/{}", segment(&app.environment), segment(&app.name))
}

/// A name as a segment of a path.
fn segment(name: &str) -> impl std::fmt::Display {
    percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC)
}

fn pages(shell: &Shell) -> Vec<Row> {
    let entries = shell.entries().iter().map(|entry| Row::to(entry.icon, entry.word, entry.url));
    let more = [
        Row::to("check", "Get started", "/get-started"),
        Row::to("warning", "Degraded applications", "/apps?health=degraded"),
        Row::to("away", "Clusters that are away", "/fleet?state=away"),
        Row::to("book", "Documentation", "/docs"),
    ];
    entries.chain(more).collect()
}

fn actions(shell: &Shell) -> Vec<Row> {
    let mut rows = Vec::new();
    if shell.may_connect() {
        rows.push(Row::to("plus", "Connect a cluster", "/fleet/connect"));
        rows.push(Row::to("plus", "Add a repository", "/repositories/add"));
    }
    rows.push(Row::to("terminal", "Approve a command line", "/device"));
    let theme =
        |theme, label: &str| Row { does: Does::SetsTheme(theme), ..Row::to("theme", label, "") };
    rows.push(theme("light", "Switch theme to light"));
    rows.push(theme("dark", "Switch theme to dark"));
    rows.push(theme("system", "Switch theme to the system's"));
    rows.push(Row { does: Does::ShowsHelp, ..Row::to("key", "Show the keyboard help", "") });
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::made_up::{HOSTILE, assert_harmless, shell};

    fn question(q: &str) -> Question {
        Question { q: q.to_owned() }
    }

    fn hits() -> SearchHits {
        let app = |name: &str| AppHit {
            name: name.to_owned(),
            environment: "production".to_owned(),
            health: "healthy",
        };
        SearchHits { apps: vec![app("checkout"), app("a/b")], ..SearchHits::default() }
    }

    fn titles(groups: &[Group]) -> Vec<&str> {
        groups.iter().map(|group| group.title).collect()
    }

    #[test]
    fn what_to_do_is_not_looked_for() {
        assert_eq!(question("Roll back  checkout").subject(), "checkout");
        assert_eq!(question("fix the tax").subject(), "fix tax");
        assert!(question("rollb checkout").asks_to_roll_back());
        assert!(!question("rol").asks_to_roll_back());
    }

    #[test]
    fn who_asks_to_roll_back_is_offered_that_first() {
        let groups = arranged(&shell("developer"), &question("roll back check"), hits());
        assert_eq!(groups[0].title, "Roll back");
        assert_eq!(groups[0].rows[0].url(), Some("/go/rollback/production/checkout"));
        assert_eq!(groups[0].rows[1].url(), Some("/go/rollback/production/a%2Fb"));
        let groups = arranged(&shell("viewer"), &question("roll back check"), hits());
        assert_eq!(titles(&groups), ["Applications", "Documentation"]);
    }

    #[test]
    fn nothing_asked_shows_pages_and_what_one_may_do() {
        let groups = arranged(&shell("owner"), &question(""), SearchHits::default());
        assert_eq!(titles(&groups), ["Pages", "Actions"]);
        let labels: Vec<_> = groups[1].rows.iter().map(|row| row.label.as_str()).collect();
        assert!(labels.contains(&"Connect a cluster"));
        let groups = arranged(&shell("viewer"), &question("connect"), SearchHits::default());
        assert_eq!(titles(&groups), ["Documentation"]);
    }

    #[test]
    fn hostile_names_and_questions_are_harmless() {
        let app =
            AppHit { name: HOSTILE.to_owned(), environment: HOSTILE.to_owned(), health: "healthy" };
        let hits = SearchHits { apps: vec![app], ..SearchHits::default() };
        let groups = arranged(&shell("owner"), &question(HOSTILE), hits.clone());
        assert_harmless(&Palette { groups }.render().unwrap());
        let groups = arranged(&shell("owner"), &question(HOSTILE), hits);
        let page = SearchPage { shell: shell("owner"), query: question(HOSTILE), groups };
        assert_harmless(&page.render().unwrap());
    }
}
