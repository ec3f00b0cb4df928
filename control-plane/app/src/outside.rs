//! Setting up a gitops repository on another git host.
//!
//! The repository is tried out before anything is stored: it is fetched, its branch gets its first commit,
//! and the host is asked whether we may push. What is wrong with it is told of the request's field.

use gimlet_git::{
    BranchName, RepoPath,
    gitops::{CommitError, Outside},
    remote::{
        Credentials, InvalidCredentials, InvalidUrl, RemoteError, RemoteErrorKind, RemoteUrl,
    },
};
use gimlet_shared::{api, error_chain::Chain, ids::OrganizationId};
use gimlet_store::{GitopsLocation, TenantScope};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    App, AppError,
    gitops::{bootstrap, readme_path},
    ports::offset,
    vault::Purpose,
};

/// For hosts that look at the token only.
const ANY_USER: &str = "git";

const URL: &str = "gitops_repository.url";
const BRANCH: &str = "gitops_repository.branch";
const USERNAME: &str = "gitops_repository.username";
const PASSWORD: &str = "gitops_repository.password";

/// A request that can be tried out.
struct Wanted {
    url: RemoteUrl,
    branch: BranchName,
    login: Option<Login>,
}

/// Who we are at the host.
struct Login {
    username: String,
    password: SecretString,
    credentials: Credentials,
}

impl App {
    /// Tries the repository out and makes it ready for releases. Nothing is stored.
    ///
    /// # Errors
    /// [`AppError::Invalid`] says which field is wrong, and what to do.
    pub(crate) async fn set_up_outside(
        &self,
        scope: &TenantScope,
        request: api::NewGitopsRepository,
    ) -> Result<GitopsLocation, AppError> {
        let wanted = Wanted::parse(request)?;
        self.refuse_a_repository_in_use(scope, &wanted).await?;
        let folder = tempfile::Builder::new()
            .prefix(".outside-")
            .tempdir_in(&self.parts().config.data_dir)
            .map_err(|error| AppError::unavailable("the data directory", error))?;
        let credentials = wanted.login.as_ref().map(|login| login.credentials.clone());
        let outside = Outside::open(
            folder.path().join("copy.git"),
            self.parts().git.clone(),
            wanted.url.clone(),
            credentials,
            self.parts().config.host_policy,
        );
        let outside = outside.await.map_err(|error| wanted.not_committed(error))?;
        self.make_ready(&wanted, &outside).await?;
        let credential = wanted
            .login
            .map(|login| self.sealed_login(scope.organization(), &login))
            .transpose()?;
        Ok(GitopsLocation::Outside {
            apps_url: wanted.url.to_string(),
            apps_branch: wanted.branch.to_string(),
            credential,
        })
    }

    /// Two writers of one branch would take each other's files away, and releases that land in a source
    /// repository would be ingested as news.
    async fn refuse_a_repository_in_use(
        &self,
        scope: &TenantScope,
        wanted: &Wanted,
    ) -> Result<(), AppError> {
        let store = &self.parts().store;
        for environment in store.all_environments(scope).await? {
            if let GitopsLocation::Outside { apps_url, apps_branch, .. } = &environment.gitops
                && is_same_address(apps_url, wanted.url.as_str())
                && apps_branch == wanted.branch.as_str()
            {
                let name = environment.name;
                return Err(AppError::invalid(
                    URL,
                    format!(
                        "the environment {name} has this repository and branch already; give each \
                         environment one of its own"
                    ),
                ));
            }
        }
        let sources = store.all_repositories(scope).await?;
        if sources.iter().any(|source| is_same_address(&source.url, wanted.url.as_str())) {
            return Err(AppError::invalid(
                URL,
                "is a source repository of this organization; give releases a repository of their own",
            ));
        }
        Ok(())
    }

    async fn make_ready(&self, wanted: &Wanted, outside: &Outside) -> Result<(), AppError> {
        let refused = |error| wanted.refused(&error).unwrap_or_else(|| does_not_work(error));
        outside.refresh().await.map_err(refused)?;
        let gitops = gimlet_git::gitops::Gitops::Outside(outside.clone());
        let unreadable = |error| AppError::unavailable("the gitops repository", error);
        let readme: RepoPath = readme_path()?;
        let is_ready = match gitops.head(&wanted.branch).await.map_err(unreadable)? {
            Some(head) => gitops.read_file(head, &readme).await.map_err(unreadable)?.is_some(),
            None => {
                let default = outside.default_branch().await.map_err(refused)?;
                if let Some(default) = default {
                    return Err(wanted.no_branch(&default));
                }
                false
            }
        };
        let written = if is_ready {
            outside.check_push(&wanted.branch).await
        } else {
            outside.commit(bootstrap(wanted.branch.clone(), offset(self.now()))?).await.map(drop)
        };
        written.map_err(|error| wanted.not_committed(error))
    }

    fn sealed_login(
        &self,
        organization: OrganizationId,
        login: &Login,
    ) -> Result<String, AppError> {
        let text =
            SecretString::from(format!("{}:{}", login.username, login.password.expose_secret()));
        let vault = &self.parts().vault;
        vault
            .seal(Purpose::GitopsCredential, organization, text.expose_secret())
            .map_err(|error| AppError::unavailable("the gitops repository's credential", error))
    }

    /// What [`set_up_outside`](Self::set_up_outside) sealed.
    pub(crate) fn outside_credentials(
        &self,
        organization: OrganizationId,
        sealed: &str,
    ) -> Result<Credentials, AppError> {
        const WHAT: &str = "the gitops repository's credential";
        let opened = self.parts().vault.unseal(Purpose::GitopsCredential, organization, sealed);
        let text = opened.map_err(|error| AppError::unavailable(WHAT, error))?;
        let (user, password) = text.expose_secret().split_once(':').unwrap_or_default();
        Credentials::new(user, SecretString::from(password))
            .map_err(|error| AppError::unavailable(WHAT, error))
    }
}

impl Wanted {
    fn parse(request: api::NewGitopsRepository) -> Result<Self, AppError> {
        let url: RemoteUrl = request
            .url
            .trim()
            .parse()
            .map_err(|error: InvalidUrl| AppError::invalid(URL, error.to_string()))?;
        if url.host().is_none() {
            return Err(AppError::invalid(
                URL,
                "is a directory of the server, which the cluster cannot read; use an https address",
            ));
        }
        let branch = match request.branch.as_deref() {
            None => BranchName::main(),
            Some(name) => parse_branch(name)?,
        };
        let login = match (request.username, request.password) {
            (username, Some(password)) => Some(Login::parse(username, password)?),
            (Some(_), None) => {
                return Err(AppError::invalid(
                    PASSWORD,
                    "is missing; give user name and password, or neither",
                ));
            }
            (None, None) => None,
        };
        Ok(Self { url, branch, login })
    }

    fn no_branch(&self, default: &BranchName) -> AppError {
        AppError::invalid(
            BRANCH,
            format!(
                "the repository has no branch {}, and its default branch is {default}; name one that is \
                 there, or push it first",
                self.branch
            ),
        )
    }

    fn not_committed(&self, error: CommitError) -> AppError {
        match error {
            CommitError::Remote(error) => {
                self.refused(&error).unwrap_or_else(|| does_not_work(error))
            }
            CommitError::NotAFolder { .. } | CommitError::NotAFile { .. } => {
                AppError::invalid(URL, Chain(&error).to_string())
            }
            CommitError::Contended { .. } => AppError::Conflict { detail: error.to_string() },
            error => does_not_work(error),
        }
    }

    /// What the person who asks can mend, and where; `None` for what only we can.
    fn refused(&self, error: &RemoteError) -> Option<AppError> {
        let told = Chain(error);
        Some(match error.kind() {
            RemoteErrorKind::Unreachable | RemoteErrorKind::Address => {
                AppError::invalid(URL, told.to_string())
            }
            RemoteErrorKind::Denied if self.login.is_none() => {
                AppError::invalid(PASSWORD, format!("is missing, and pushing needs one: {told}"))
            }
            RemoteErrorKind::Denied => AppError::invalid(
                PASSWORD,
                format!("user name and password must be right and may push: {told}"),
            ),
            RemoteErrorKind::Rejected => AppError::invalid(
                BRANCH,
                format!("the host does not let this branch be pushed; change its rules: {told}"),
            ),
            RemoteErrorKind::Internal => return None,
        })
    }
}

impl Login {
    fn parse(username: Option<String>, password: SecretString) -> Result<Self, AppError> {
        let username = username.unwrap_or_else(|| ANY_USER.to_owned());
        let credentials =
            Credentials::new(username.clone(), password.clone()).map_err(|error| {
                let field = match error {
                    InvalidCredentials::Username => USERNAME,
                    InvalidCredentials::Password => PASSWORD,
                };
                AppError::invalid(field, error.to_string())
            })?;
        Ok(Self { username, password, credentials })
    }
}

/// A branch whose name Flux and the installer take as well.
fn parse_branch(name: &str) -> Result<BranchName, AppError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "./_-+".contains(c);
    if !name.chars().all(plain) {
        return Err(AppError::invalid(BRANCH, "may hold letters, digits and . / _ - + only"));
    }
    name.parse()
        .map_err(|error: gimlet_git::InvalidName| AppError::invalid(BRANCH, error.to_string()))
}

/// Hosts answer with and without the ending.
fn is_same_address(one: &str, other: &str) -> bool {
    let bare = |url: &str| url.trim_end_matches('/').trim_end_matches(".git").to_owned();
    bare(one) == bare(other)
}

fn does_not_work(error: impl std::error::Error + Send + Sync + 'static) -> AppError {
    AppError::unavailable("the gitops repository", error)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(url: &str) -> api::NewGitopsRepository {
        api::NewGitopsRepository {
            url: url.to_owned(),
            branch: None,
            username: None,
            password: None,
        }
    }

    fn field(request: api::NewGitopsRepository) -> String {
        match Wanted::parse(request).map(|wanted| wanted.url) {
            Err(AppError::Invalid { field, detail }) => {
                assert!(!detail.contains("canary"), "{detail}");
                field
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_shortest_request_is_an_address() {
        let wanted = Wanted::parse(request(" https://git.example/acme/gitops.git ")).unwrap();
        assert_eq!(wanted.url.as_str(), "https://git.example/acme/gitops.git");
        assert_eq!(wanted.branch, BranchName::main());
        assert!(wanted.login.is_none());
    }

    #[test]
    fn what_is_wrong_is_told_of_its_field() {
        let good = || request("https://git.example/a/b");
        for url in ["", "acme/shop", "file:///srv/git/r", "git@h:o/r", "https://u:canary@h/r"] {
            assert_eq!(field(request(url)), URL, "{url}");
        }
        for branch in ["", "--force", "a..b", "a b", "ünïcode", "refs/heads/main"] {
            let branch = Some(branch.to_owned());
            assert_eq!(field(api::NewGitopsRepository { branch, ..good() }), BRANCH);
        }
        let with = |username: Option<&str>, password: Option<&str>| api::NewGitopsRepository {
            username: username.map(str::to_owned),
            password: password.map(SecretString::from),
            ..good()
        };
        assert_eq!(field(with(Some("bot"), None)), PASSWORD);
        assert_eq!(field(with(Some("bot"), Some(""))), PASSWORD);
        assert_eq!(field(with(None, Some("canary\n"))), PASSWORD);
        assert_eq!(field(with(Some("a:b"), Some("canary"))), USERNAME);
    }

    #[test]
    fn an_address_is_the_same_with_and_without_its_ending() {
        assert!(is_same_address("https://h/a/b.git", "https://h/a/b"));
        assert!(is_same_address("https://h/a/b/", "https://h/a/b.git"));
        assert!(!is_same_address("https://h/a/b", "https://h/a/c"));
    }
}
