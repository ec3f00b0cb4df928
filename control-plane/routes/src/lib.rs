//! How routes are declared: each together with what it asks of its caller.
//!
//! The same declaration makes the router and the list of its routes, so that the tests, which ask for every
//! listed route as a stranger, know all that is served. What a route does is not here.

use axum::{
    Router,
    handler::Handler,
    routing::{get, post},
};
use gimlet_domain::role::Role;

/// What a route asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing; what is in the request is the credential, or there is nothing to protect.
    Nothing,
    /// An API token or a browser session of a member with this role or a higher one.
    Role(Role),
    /// The same for a page: a browser session, without which the way leads to the sign-in.
    Session(Role),
    /// The repository's webhook secret, as a signature over the body.
    HookSignature,
    /// The repository's look token.
    LookToken,
    /// The environment's git credential, or a token as the password of HTTP basic.
    GitCredential,
    /// The single-use token of an enrolment.
    EnrolmentToken,
    /// A client certificate of our authority.
    ClientCertificate,
}

/// One route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteRule {
    /// HTTP method.
    pub method: &'static str,
    /// Template of the path.
    pub path: &'static str,
    /// What it asks for.
    pub needs: Needs,
}

impl RouteRule {
    /// A rule.
    #[must_use]
    pub const fn new(method: &'static str, path: &'static str, needs: Needs) -> Self {
        Self { method, path, needs }
    }
}

/// Routes as they are declared, with handlers that want the state `S`.
pub struct Routes<S> {
    router: Router<S>,
    rules: Vec<RouteRule>,
}

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self { router: Router::new(), rules: Vec::new() }
    }
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// Declares a route that reads.
    #[must_use]
    pub fn get<T: 'static>(
        mut self,
        path: &'static str,
        needs: Needs,
        handler: impl Handler<T, S>,
    ) -> Self {
        self.rules.push(RouteRule::new("GET", path, needs));
        self.router = self.router.route(path, get(handler));
        self
    }

    /// Declares a route that changes something.
    #[must_use]
    pub fn post<T: 'static>(
        mut self,
        path: &'static str,
        needs: Needs,
        handler: impl Handler<T, S>,
    ) -> Self {
        self.rules.push(RouteRule::new("POST", path, needs));
        self.router = self.router.route(path, post(handler));
        self
    }

    /// The router of them.
    pub fn router(self) -> Router<S> {
        self.router
    }

    /// The list of them, in the order of their declaration.
    #[must_use]
    pub fn rules(self) -> Vec<RouteRule> {
        self.rules
    }
}
