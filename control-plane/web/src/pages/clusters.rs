//! One cluster: connecting it, and how it is.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use gimlet_app::Subject;
use gimlet_shared::{
    api::{App, Cluster, ClusterConnect, Environment, NewCluster, NewGitopsRepository},
    ids::ClusterId,
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::{Problem, html};
use crate::{
    Web,
    errors::PageError,
    extract::{Form, Named, given, without_login},
    filters,
    live::{Pace, Region, known},
    session::Viewer,
    shell::{Section, Shell},
};

/// The form of a new cluster.
#[derive(Clone, Default, Deserialize)]
pub(super) struct ClusterForm {
    #[serde(default)]
    name: String,
    #[serde(default)]
    environment: String,
    #[serde(default)]
    namespace: String,
    #[serde(default)]
    gitops_url: String,
    #[serde(default)]
    gitops_branch: String,
    #[serde(default)]
    gitops_username: String,
    /// Goes into no page again.
    #[serde(default)]
    gitops_password: SecretString,
}

impl ClusterForm {
    /// The outside repository, where one is named. What is given beside an empty address counts too, so
    /// that the address is asked for.
    fn gitops_repository(&self) -> Option<NewGitopsRepository> {
        let given_password = !self.gitops_password.expose_secret().is_empty();
        let repository = NewGitopsRepository {
            url: self.gitops_url.trim().to_owned(),
            branch: given(&self.gitops_branch),
            username: given(&self.gitops_username),
            password: given_password.then(|| self.gitops_password.clone()),
        };
        let is_named = !repository.url.is_empty()
            || repository.branch.is_some()
            || repository.username.is_some()
            || given_password;
        is_named.then_some(repository)
    }

    fn names_a_repository(&self) -> bool {
        self.gitops_repository().is_some()
    }
}

#[derive(Template)]
#[template(path = "cluster_connect.html")]
struct ConnectPage {
    shell: Shell,
    form: ClusterForm,
    problem: Option<Problem>,
}

#[derive(Template)]
#[template(path = "cluster.html", blocks = ["live"])]
struct ClusterPage {
    shell: Shell,
    cluster: Cluster,
    environments: Vec<Environment>,
    apps: Vec<App>,
    /// The command to connect it, in the one answer that has it.
    connect: Option<ClusterConnect>,
}

impl ClusterPage {
    async fn of(web: &Web, viewer: &Viewer, id: ClusterId) -> Result<Self, PageError> {
        let cluster = web.app.cluster(&viewer.scope, id).await?;
        let (environments, apps) = web.app.on_cluster(&viewer.scope, id).await?;
        Ok(Self {
            shell: Shell::new(viewer, Section::Fleet),
            cluster,
            environments,
            apps,
            connect: None,
        })
    }

    fn before_connection(viewer: &Viewer, connect: ClusterConnect) -> Self {
        Self {
            shell: Shell::new(viewer, Section::Fleet),
            cluster: connect.cluster.clone(),
            environments: Vec::new(),
            apps: Vec::new(),
            connect: Some(connect),
        }
    }
}

/// The form to connect a cluster.
pub(super) async fn form(viewer: Viewer) -> Result<Html<String>, PageError> {
    let shell = Shell::new(&viewer, Section::Fleet);
    html(&ConnectPage { shell, form: ClusterForm::default(), problem: None })
}

/// Adds a cluster, and shows the command that connects it.
pub(super) async fn connect(
    State(web): State<Web>,
    viewer: Viewer,
    Form(form): Form<ClusterForm>,
) -> Result<Response, PageError> {
    let new = NewCluster {
        name: form.name.trim().to_owned(),
        environment: given(&form.environment),
        namespace: given(&form.namespace),
        gitops_repository: form.gitops_repository(),
    };
    match web.app.connect_cluster(&viewer.scope, new).await {
        Ok(connect) => Ok(html(&ClusterPage::before_connection(&viewer, connect))?.into_response()),
        Err(error) => {
            let problem = Some(Problem::of(error)?);
            let form = ClusterForm { gitops_url: without_login(&form.gitops_url), ..form };
            let page = ConnectPage { shell: Shell::new(&viewer, Section::Fleet), form, problem };
            Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)?).into_response())
        }
    }
}

/// Shows a new command for a cluster whose first one lapsed or was lost.
pub(super) async fn renew(
    State(web): State<Web>,
    viewer: Viewer,
    Named(id): Named<ClusterId>,
) -> Result<Html<String>, PageError> {
    let connect = web.app.renew_enrolment(&viewer.scope, id).await?;
    html(&ClusterPage::before_connection(&viewer, connect))
}

/// One cluster.
pub(super) async fn page(
    State(web): State<Web>,
    viewer: Viewer,
    Named(id): Named<ClusterId>,
) -> Result<Html<String>, PageError> {
    html(&ClusterPage::of(&web, &viewer, id).await?)
}

/// One cluster as it changes.
pub(super) fn region(id: ClusterId) -> Region {
    // Which environments lie on it is known from the first rendering on; none comes later.
    let (known, learned) = known::<Vec<String>>();
    let concerns = move |subject: &Subject| match subject {
        Subject::Cluster(changed) => *changed == id,
        Subject::App { environment, .. } => {
            known.get().is_none_or(|environments| environments.contains(environment))
        }
        Subject::Release { .. } | Subject::Commits => false,
    };
    Region::new(Pace::Page, concerns, move |web, viewer| {
        let learned = learned.clone();
        async move {
            let page = ClusterPage::of(&web, &viewer, id).await?;
            learned.get_or_init(|| page.cluster.environments.clone());
            Ok(page.as_live().render()?)
        }
    })
}
