//! How a cluster joins and is known again: enrolment and certificates.

use gimlet_shared::{
    crash_point,
    enrol::{
        ClusterPlan, DescribeCluster, EnrolledCluster, GitLocation, GitReader, IssuedCertificate,
        PlannedEnvironment, RequestCertificate,
    },
};
use gimlet_store::{ClusterScope, Environment, GIT_USER, GitopsLocation, Spend};

use crate::{
    App, AppError, Timestamp,
    ca::{self, CaError},
    clusters::{apps_repository, infra_repository},
    secrets,
};

/// An agent that showed a client certificate of ours.
#[derive(Clone, Copy, Debug)]
pub struct AuthenticatedAgent {
    /// Its cluster.
    pub scope: ClusterScope,
    /// Until when the certificate says so.
    pub not_after: Timestamp,
}

impl App {
    /// The root that agents trust, in PEM.
    #[must_use]
    pub fn root_pem(&self) -> &str {
        self.parts().ca.root_pem()
    }

    /// Certificate chain and key, in PEM, for the agent port's own name.
    ///
    /// # Errors
    /// As [`crate::CertificateAuthority::server_certificate`].
    pub fn server_certificate(&self, host: &str) -> Result<(String, String), CaError> {
        self.parts().ca.server_certificate(host, self.now())
    }

    /// Tells the installer what to set up; the token is not spent. Keeps the hash of the git password that
    /// the installer made for Flux. A spent token changes no password any more.
    ///
    /// # Errors
    /// [`AppError::Unauthorized`] for a token that is unknown or has lapsed, or is spent and comes with
    /// another password; [`AppError::Invalid`].
    pub async fn describe_cluster(
        &self,
        token: &str,
        request: DescribeCluster,
    ) -> Result<ClusterPlan, AppError> {
        let password = request.git_password_sha256.to_ascii_lowercase();
        if password.len() != 64 || !password.chars().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(AppError::invalid("gitPasswordSha256", "must be 64 hexadecimal digits"));
        }
        let (parts, now) = (self.parts(), self.now());
        let enrolment =
            parts.store.find_enrolment(&secrets::hash(token), now).await?.ok_or_else(bad_token)?;
        let scope = enrolment.cluster_scope();
        let cluster = parts.store.find_cluster_of(&scope).await?.ok_or_else(bad_token)?;
        let environments = parts.store.list_cluster_environments(&scope).await?;
        for environment in &environments {
            self.create_gitops_repositories(environment).await?;
        }
        let organization = self.organization_name(scope.organization()).await?;
        if enrolment.spent.is_none() {
            let ids: Vec<_> = environments.iter().map(|environment| environment.id).collect();
            parts.store.set_git_credential(&enrolment, &ids, &password, now).await?;
        } else if !self.is_git_password_of(&organization, &environments, &password).await? {
            // An installer that runs again brings the password that Flux has. Whoever brings another one
            // has found a used token, and must not get at the repositories with it.
            return Err(bad_token());
        }
        Ok(ClusterPlan {
            cluster: EnrolledCluster { id: cluster.id.to_string(), name: cluster.name },
            agent_image: parts.config.agent_image.clone(),
            environments: environments
                .into_iter()
                .map(|env| self.planned(&organization, env))
                .collect(),
        })
    }

    async fn is_git_password_of(
        &self,
        organization: &str,
        environments: &[Environment],
        password_sha256: &str,
    ) -> Result<bool, AppError> {
        let store = &self.parts().store;
        for environment in environments {
            let access = store
                .find_git_access(organization, &environment.name, GIT_USER, password_sha256)
                .await?;
            if access.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Spends the token for a certificate. The same token with the same key is answered again until it
    /// lapses, so that an agent that crashed in between can go on.
    ///
    /// # Errors
    /// [`AppError::Unauthorized`] for a token that is unknown, lapsed or spent by another key;
    /// [`AppError::Invalid`] for a bad request.
    pub async fn issue_certificate(
        &self,
        token: &str,
        request: RequestCertificate,
    ) -> Result<IssuedCertificate, AppError> {
        let key = ca::public_key_hash(&request.csr_pem).map_err(bad_request)?;
        crash_point!("token.spend.before");
        let spend =
            self.parts().store.spend_enrolment(&secrets::hash(token), &key, self.now()).await?;
        crash_point!("token.spend.after");
        let enrolment = match spend {
            Spend::Spent(enrolment) | Spend::SameKeyAgain(enrolment) => enrolment,
            Spend::Refused => return Err(bad_token()),
        };
        Ok(self.issue(&enrolment.cluster_scope(), &request.csr_pem).await?.0)
    }

    /// A new certificate for a cluster that proved who it is, and its end.
    ///
    /// # Errors
    /// [`AppError::Invalid`] for a bad request.
    pub(crate) async fn renew_certificate(
        &self,
        scope: &ClusterScope,
        csr_pem: &str,
    ) -> Result<(IssuedCertificate, Timestamp), AppError> {
        crash_point!("certificate.renew.before");
        let renewed = self.issue(scope, csr_pem).await;
        crash_point!("certificate.renew.after");
        renewed
    }

    /// Who a verified client certificate names, if it is not revoked.
    ///
    /// # Errors
    /// [`AppError::Unauthorized`].
    pub async fn authenticate_cluster(
        &self,
        leaf_der: &[u8],
    ) -> Result<AuthenticatedAgent, AppError> {
        let refused = || {
            AppError::Unauthorized {
            detail: "this client certificate names no connected cluster, or was revoked; enrol the agent again"
                .to_owned(),
        }
        };
        let identity = ca::identity(leaf_der).map_err(|_| refused())?;
        let store = &self.parts().store;
        let scope = store
            .find_cluster_by_certificate(identity.organization, identity.cluster, &identity.serial)
            .await?
            .ok_or_else(refused)?;
        Ok(AuthenticatedAgent { scope, not_after: identity.not_after })
    }

    async fn issue(
        &self,
        scope: &ClusterScope,
        csr_pem: &str,
    ) -> Result<(IssuedCertificate, Timestamp), AppError> {
        let (parts, now) = (self.parts(), self.now());
        crash_point!("certificate.issue.before");
        let leaf = parts
            .ca
            .issue(scope.organization(), scope.cluster(), csr_pem, now)
            .map_err(bad_request)?;
        crash_point!("certificate.issue.after");
        crash_point!("certificate.store.before");
        parts.store.record_certificate(scope, &leaf.serial, leaf.not_after, now).await?;
        crash_point!("certificate.store.after");
        let roots_pem = parts.ca.root_pem().to_owned();
        Ok((IssuedCertificate { chain_pem: leaf.chain_pem, roots_pem }, leaf.not_after))
    }

    fn planned(&self, organization: &str, environment: Environment) -> PlannedEnvironment {
        let built_in = |name: String| GitLocation {
            url: self.gitops_url(organization, &name),
            branch: "main".into(),
        };
        PlannedEnvironment {
            git_user: GIT_USER.to_owned(),
            infra: built_in(infra_repository(&environment.name)),
            apps_reader: match environment.gitops {
                GitopsLocation::BuiltIn => GitReader::BuiltIn,
                GitopsLocation::Outside { .. } => GitReader::Owner,
            },
            apps: match environment.gitops {
                GitopsLocation::BuiltIn => built_in(apps_repository(&environment.name)),
                GitopsLocation::Outside { apps_url, apps_branch, .. } => {
                    GitLocation { url: apps_url, branch: apps_branch }
                }
            },
            namespace: environment.namespace,
            name: environment.name,
        }
    }
}

fn bad_token() -> AppError {
    AppError::Unauthorized {
        detail: "this enrolment token is unknown, already used, or older than 15 minutes; make a new one on the fleet \
                 page or with `gimlet cluster connect`"
            .to_owned(),
    }
}

fn bad_request(error: CaError) -> AppError {
    match error {
        CaError::Request(_) => {
            AppError::invalid("csrPem", "is no certificate request in PEM (PKCS#10)")
        }
        CaError::File { .. } | CaError::Broken { .. } | CaError::Make(_) | CaError::Identity => {
            AppError::unavailable("the certificate authority", error)
        }
    }
}
