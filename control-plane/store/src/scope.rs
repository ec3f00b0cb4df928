//! Who speaks. Scopes are made in this crate alone, by the look-ups that check a credential.

use gimlet_domain::{activity::Actor, role::Role};
use gimlet_shared::ids::{ClusterId, OrganizationId, SessionId, TokenId, UserId};

use crate::idempotency::Keyed;

/// What proved a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A one-time link or code that was just spent.
    Link,
    /// A browser's session.
    Session(SessionId),
    /// An API token.
    Token {
        /// Which one.
        id: TokenId,
        /// What its owner calls it.
        name: String,
    },
}

/// A member of an organization, proven by a session, token or sign-in link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantScope {
    organization: OrganizationId,
    user: UserId,
    login: String,
    role: Role,
    credential: Credential,
    keyed: Option<Keyed>,
}

impl TenantScope {
    pub(crate) fn new(
        organization: OrganizationId,
        user: UserId,
        login: String,
        role: Role,
        credential: Credential,
    ) -> Self {
        Self { organization, user, login, role, credential, keyed: None }
    }

    /// The organization whose rows are seen.
    #[must_use]
    pub fn organization(&self) -> OrganizationId {
        self.organization
    }

    /// The person.
    #[must_use]
    pub fn user(&self) -> UserId {
        self.user
    }

    /// The person's login.
    #[must_use]
    pub fn login(&self) -> &str {
        &self.login
    }

    /// What the person may do in this organization.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// The same person, known by another credential from here on.
    pub(crate) fn proven_by(self, credential: Credential) -> Self {
        Self { credential, ..self }
    }

    /// The same person, making a request that carries a key.
    pub(crate) fn asking(&self, keyed: Keyed) -> Self {
        Self { keyed: Some(keyed), ..self.clone() }
    }

    /// The request that carries a key, where this is one.
    #[must_use]
    pub fn keyed(&self) -> Option<&Keyed> {
        self.keyed.as_ref()
    }

    /// The same request, whose effect is written down with `kept`: what its answer needs and no row has. It
    /// may be secret, and has to be sealed.
    #[must_use]
    pub fn keeping(&self, kept: String) -> Self {
        let keyed = self.keyed.clone().map(|keyed| keyed.keeping(kept));
        Self { keyed, ..self.clone() }
    }

    /// What proved the person.
    #[must_use]
    pub fn credential(&self) -> &Credential {
        &self.credential
    }

    /// The person as the record of changes names it.
    #[must_use]
    pub fn actor(&self) -> Actor {
        let login = self.login.clone();
        match &self.credential {
            Credential::Link | Credential::Session(_) => Actor::Person { login },
            Credential::Token { name, .. } => Actor::Token { login, token: name.clone() },
        }
    }
}

/// Reconcilers and ingest: work of the control plane itself, across organizations.
#[derive(Clone, Copy, Debug)]
pub struct SystemScope(());

impl SystemScope {
    pub(crate) fn new() -> Self {
        Self(())
    }
}

/// One cluster, proven by its client certificate or its enrolment token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClusterScope {
    organization: OrganizationId,
    cluster: ClusterId,
}

impl ClusterScope {
    pub(crate) fn new(organization: OrganizationId, cluster: ClusterId) -> Self {
        Self { organization, cluster }
    }

    /// The organization that owns the cluster.
    #[must_use]
    pub fn organization(&self) -> OrganizationId {
        self.organization
    }

    /// The cluster.
    #[must_use]
    pub fn cluster(&self) -> ClusterId {
        self.cluster
    }
}
