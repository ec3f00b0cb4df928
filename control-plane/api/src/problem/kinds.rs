//! Every kind of problem, with the words that explain it to people: the one place for both.

use axum::http::StatusCode;

/// Where the kinds are explained to people.
const DOCUMENTED_AT: &str = "/docs/problems#";

/// One kind of problem, as its documentation has it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ProblemDoc {
    /// The stable word, the end of `type`.
    pub word: &'static str,
    /// The kind in words.
    pub title: &'static str,
    /// The HTTP status that it comes with.
    pub status: u16,
    /// What `type` says in an answer: the address of this text.
    pub type_uri: String,
    /// What has happened when it comes.
    pub what_happened: &'static str,
    /// What whoever asked can do.
    pub what_to_do: &'static str,
}

/// Every kind of problem that the API answers with, in the order of their statuses.
#[must_use]
pub fn problems() -> Vec<ProblemDoc> {
    let mut all: Vec<ProblemDoc> = ProblemKind::ALL.iter().map(|kind| kind.doc()).collect();
    all.sort_by_key(|doc| doc.status);
    all
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident $status:ident $word:literal $title:literal
        happened $happened:literal remedy $remedy:literal;)*) => {
        /// A kind of problem. Its word is part of the API and never changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ProblemKind {
            $($(#[$doc])* $name,)*
        }

        impl ProblemKind {
            /// Every kind, for the page that explains them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The stable word, the end of `type`.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }

            /// The kind in words.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// The HTTP status that it comes with.
            #[must_use]
            pub fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }

            /// What has happened when it comes.
            #[must_use]
            pub fn what_happened(self) -> &'static str {
                match self { $(Self::$name => $happened,)* }
            }

            /// What whoever asked can do.
            #[must_use]
            pub fn what_to_do(self) -> &'static str {
                match self { $(Self::$name => $remedy,)* }
            }
        }
    };
}

kinds! {
    /// The request cannot be read at all.
    Malformed BAD_REQUEST "malformed-request" "The request cannot be read"
        happened "The body is not JSON, a header is missing, or the request breaks off. Nothing was changed."
        remedy "Read `detail`: it names the place, by line and column for a body. Send the request again once it is whole.";
    /// The cursor is not one of this list.
    BadCursor BAD_REQUEST "bad-cursor" "The cursor is not one of this list"
        happened "`cursor` is no `next_cursor` that this list has given: it was cut, edited, or comes from another list."
        remedy "Begin again without `cursor`, and pass `next_cursor` on as it comes, or follow the `Link` header.";
    /// The device login waits for a person (RFC 8628).
    LoginPending BAD_REQUEST "login-pending" "The login waits for approval"
        happened "Nobody has approved the device login yet. This is the usual answer while a person looks for the browser."
        remedy "Ask again after `interval` seconds.";
    /// The device login lapsed (RFC 8628).
    LoginExpired BAD_REQUEST "login-expired" "The login has lapsed"
        happened "The device login is older than ten minutes, was never started, or its token was taken already."
        remedy "Start a new login: `gimlet auth login`.";
    /// No credential, or one that is unknown, spent or expired.
    Unauthenticated UNAUTHORIZED "unauthenticated" "A valid credential is needed"
        happened "No credential came along, or it is unknown, revoked, spent or expired, or its owner left the organization."
        remedy "Sign in again with `gimlet auth login`, or send `Authorization: Bearer <token>` with a token that works. \
                A credential in the address is not read.";
    /// The role does not suffice.
    Forbidden FORBIDDEN "forbidden" "The role does not allow this"
        happened "The credential is good, but its owner's role in the organization is too low for this request."
        remedy "Ask an owner of the organization; `gimlet member list` says who they are. `detail` names the role that is needed.";
    /// A browser sent it from another site.
    CrossOrigin FORBIDDEN "cross-origin" "The request comes from another site"
        happened "A signed-in browser sent a changing request that no page of this server made."
        remedy "Use the pages of the server, or an API token from programs.";
    /// It is not there, or not for this caller.
    NotFound NOT_FOUND "not-found" "Not found"
        happened "There is no such thing in the credential's organization, or no such address. What belongs to others \
                  looks exactly the same."
        remedy "Check the id or name, and with `gimlet auth status` the organization that the credential belongs to.";
    /// The address exists, the method does not.
    MethodNotAllowed METHOD_NOT_ALLOWED "method-not-allowed" "The address does not take this method"
        happened "The address exists, but not with this HTTP method."
        remedy "Use one of the methods in the `Allow` header.";
    /// The body did not arrive in time.
    Timeout REQUEST_TIMEOUT "timeout" "The request took too long to arrive"
        happened "The body did not arrive within 20 seconds. Nothing was changed."
        remedy "Send the request again, over a better connection or in smaller parts.";
    /// It does not fit what is there.
    Conflict CONFLICT "conflict" "The request does not fit the present state"
        happened "The request can be read, but not carried out on what is there now, for example because someone else \
                  was faster, or because the last owner would leave."
        remedy "Read `detail`, look at the present state, and decide anew.";
    /// The first request with this key still runs.
    IdempotencyRunning CONFLICT "idempotency-key-in-use" "The first request with this key still runs"
        happened "A request with the same `Idempotency-Key` is being carried out at this moment."
        remedy "Wait `Retry-After` seconds and send the same request with the same key: the answer of the first one comes.";
    /// If-Match does not fit.
    PreconditionFailed PRECONDITION_FAILED "precondition-failed" "It was changed since you read it"
        happened "`If-Match` names another version than the present one. Nothing was changed."
        remedy "Read it again, decide on the new version, and send its `ETag`.";
    /// The body is over the limit.
    TooLarge PAYLOAD_TOO_LARGE "too-large" "The request is too large"
        happened "The body is larger than this address takes: 1 MiB for the API, 25 MiB for webhooks."
        remedy "Send less.";
    /// The body is of another type.
    UnsupportedMediaType UNSUPPORTED_MEDIA_TYPE "unsupported-media-type" "The content type is not taken"
        happened "The body is declared as something else than JSON, or as compressed."
        remedy "Send JSON with `Content-Type: application/json`, and without `Content-Encoding`.";
    /// A field is wrong.
    InvalidField UNPROCESSABLE_ENTITY "invalid-field" "A field of the request is wrong"
        happened "The request is JSON, but a field is missing, unknown, of the wrong type or out of bounds. Nothing was changed."
        remedy "`field` names it, `detail` says what it must be.";
    /// The key was used for another request.
    IdempotencyMismatch UNPROCESSABLE_ENTITY "idempotency-key-reused" "The key was used for another request"
        happened "The same `Idempotency-Key` came with another body within 24 hours. Nothing was changed."
        remedy "Use a new key for a new request; a UUID will do.";
    /// A websocket is spoken here.
    UpgradeRequired UPGRADE_REQUIRED "upgrade-required" "A websocket is needed"
        happened "This address speaks websocket only; it is the agents' link."
        remedy "Nothing but the agent has business here. If the agent meets this, a proxy between it and the server \
                does not pass websockets on.";
    /// Too many at once.
    TooMany TOO_MANY_REQUESTS "too-many-requests" "Too many requests"
        happened "This credential or address has used up its requests for the moment, or the server holds as much as it can."
        remedy "Wait `Retry-After` seconds. The headers `RateLimit-Policy` and `RateLimit` say what is allowed and what is left.";
    /// It broke on our side.
    Internal INTERNAL_SERVER_ERROR "internal" "The server could not answer"
        happened "Something broke on the server's side."
        remedy "Try again. If it stays, give the operator the `request_id`: the log has the cause under it.";
    /// Something that the server needs does not work.
    Unavailable SERVICE_UNAVAILABLE "unavailable" "The server cannot do this at the moment"
        happened "Something that the server needs does not work, such as its database or a git host."
        remedy "Try again after `Retry-After` seconds. If it stays, give the operator the `request_id`.";
}

impl ProblemKind {
    /// What `type` says: the address of its documentation.
    #[must_use]
    pub fn type_uri(self) -> String {
        format!("{DOCUMENTED_AT}{}", self.word())
    }

    /// Its documentation.
    #[must_use]
    pub fn doc(self) -> ProblemDoc {
        ProblemDoc {
            word: self.word(),
            title: self.title(),
            status: self.status().as_u16(),
            type_uri: self.type_uri(),
            what_happened: self.what_happened(),
            what_to_do: self.what_to_do(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_kind_has_a_word_of_its_own_and_says_what_to_do() {
        let words: HashSet<_> = ProblemKind::ALL.iter().map(|kind| kind.word()).collect();
        assert_eq!(words.len(), ProblemKind::ALL.len());
        for doc in problems() {
            assert!(doc.what_happened.ends_with('.') && doc.what_to_do.ends_with('.'), "{doc:?}");
            assert!(doc.type_uri.ends_with(doc.word) && doc.status >= 400, "{doc:?}");
        }
    }
}
