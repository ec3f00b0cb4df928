//! Why a request was not served.

/// Why a request was not served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// None of the three endpoints.
    #[error("only git's smart HTTP protocol is served here")]
    NoSuchEndpoint,
    /// `GET` belongs to `info/refs`, `POST` to the others.
    #[error("this endpoint does not have that method")]
    Method,
    /// `info/refs` without exactly one known service.
    #[error("the query must be service=git-upload-pack or service=git-receive-pack")]
    Service,
    /// A write with the right to read.
    #[error("these credentials may read this repository, not push to it")]
    ReadOnly,
    /// Another content type than git sends.
    #[error("the content type does not belong to this endpoint")]
    ContentType,
    /// Another content encoding than git sends.
    #[error("the content encoding is not supported; send it plain or as gzip")]
    ContentEncoding,
    /// A protocol header that git would not send.
    #[error("the Git-Protocol header is malformed")]
    Protocol,
    /// Too many exchanges at once, or the server is going down.
    #[error("too many git exchanges at once; try again")]
    Busy,
    /// The backend could not be run.
    #[error("the git backend could not be run")]
    Spawn {
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The backend ended without an answer.
    #[error("the git backend gave no answer: {complaint}")]
    NoAnswer {
        /// The end of what it printed.
        complaint: String,
    },
    /// The backend's answer could not be understood.
    #[error("the git backend gave an answer that is no CGI response")]
    BadAnswer,
}

impl ServeError {
    /// The HTTP status to answer with.
    pub fn status(&self) -> u16 {
        match self {
            Self::NoSuchEndpoint => 404,
            Self::Method => 405,
            Self::Service | Self::Protocol => 400,
            Self::ReadOnly => 403,
            Self::ContentType | Self::ContentEncoding => 415,
            Self::Busy => 503,
            Self::Spawn { .. } | Self::NoAnswer { .. } | Self::BadAnswer => 500,
        }
    }
}
