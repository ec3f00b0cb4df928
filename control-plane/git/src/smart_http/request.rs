//! Which of the three endpoints a request means, told before any process is started.

use std::path::Path;

use tokio::process::Command;

use super::{Body, ServeError};

/// What the sender may do with the repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Clone and fetch.
    Read,
    /// Push as well.
    Write,
}

/// The HTTP methods of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`
    Get,
    /// `POST`
    Post,
    /// Any other; always refused.
    Other,
}

/// A request, as the HTTP layer has it.
pub struct Request {
    /// The method.
    pub method: Method,
    /// What follows the repository in the path, without a leading slash: `info/refs`.
    pub path_info: String,
    /// The query, without `?`; empty if there is none.
    pub query: String,
    /// The `Content-Type` header.
    pub content_type: Option<String>,
    /// The `Content-Encoding` header.
    pub content_encoding: Option<String>,
    /// The `Git-Protocol` header.
    pub git_protocol: Option<String>,
    /// The body.
    pub body: Body,
}

/// The two halves of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    UploadPack,
    ReceivePack,
}

/// A request that was understood and allowed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Call {
    service: Service,
    advertises: bool,
    gzip: bool,
    git_protocol: Option<String>,
}

/// A fetch negotiates with ids only: 50 bytes for each commit that the client names.
const LARGEST_NEGOTIATION: u64 = 16 << 20;

/// What a push sends besides its pack: the references it moves.
const PUSH_OVERHEAD: u64 = 1 << 20;

impl Request {
    pub(super) fn call(&self, right: Right) -> Result<Call, ServeError> {
        let (service, advertises) = match (self.path_info.as_str(), self.method) {
            ("info/refs", Method::Get) => (self.asked_service()?, true),
            ("git-upload-pack", Method::Post) => (Service::UploadPack, false),
            ("git-receive-pack", Method::Post) => (Service::ReceivePack, false),
            ("info/refs" | "git-upload-pack" | "git-receive-pack", _) => {
                return Err(ServeError::Method);
            }
            _ => return Err(ServeError::NoSuchEndpoint),
        };
        if service == Service::ReceivePack && right != Right::Write {
            return Err(ServeError::ReadOnly);
        }
        if !advertises && self.content_type.as_deref() != Some(service.content_type()) {
            return Err(ServeError::ContentType);
        }
        let gzip = match self.content_encoding.as_deref() {
            None | Some("identity") => false,
            Some("gzip" | "x-gzip") => true,
            Some(_) => return Err(ServeError::ContentEncoding),
        };
        let git_protocol = self.git_protocol.clone();
        if git_protocol.as_deref().is_some_and(|text| !is_protocol(text)) {
            return Err(ServeError::Protocol);
        }
        Ok(Call { service, advertises, gzip, git_protocol })
    }

    fn asked_service(&self) -> Result<Service, ServeError> {
        match self.query.as_str() {
            "service=git-upload-pack" => Ok(Service::UploadPack),
            "service=git-receive-pack" => Ok(Service::ReceivePack),
            _ => Err(ServeError::Service),
        }
    }
}

impl Call {
    /// Tells `git http-backend`, by the CGI convention; nothing is passed through as it came.
    pub(super) fn describe(&self, repository: &Path, command: &mut Command) {
        let service = self.service.name();
        command.arg("http-backend");
        command.env("GIT_PROJECT_ROOT", repository).env("GIT_HTTP_EXPORT_ALL", "1");
        if self.advertises {
            command.env("REQUEST_METHOD", "GET").env("PATH_INFO", "/info/refs");
            command.env("QUERY_STRING", format!("service={service}"));
        } else {
            command.env("REQUEST_METHOD", "POST").env("PATH_INFO", format!("/{service}"));
            command.env("QUERY_STRING", "").env("CONTENT_TYPE", self.service.content_type());
        }
        if self.gzip {
            command.env("HTTP_CONTENT_ENCODING", "gzip");
        }
        if let Some(protocol) = &self.git_protocol {
            command.env("GIT_PROTOCOL", protocol);
        }
    }

    pub(super) fn largest_body(&self, push_bytes: u64) -> u64 {
        match (self.advertises, self.service) {
            (true, _) => 0,
            (false, Service::UploadPack) => LARGEST_NEGOTIATION,
            (false, Service::ReceivePack) => push_bytes.saturating_add(PUSH_OVERHEAD),
        }
    }
}

impl Service {
    fn name(self) -> &'static str {
        match self {
            Self::UploadPack => "git-upload-pack",
            Self::ReceivePack => "git-receive-pack",
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::UploadPack => "application/x-git-upload-pack-request",
            Self::ReceivePack => "application/x-git-receive-pack-request",
        }
    }
}

/// `version=2` and friends: short keys and values, separated by colons.
fn is_protocol(text: &str) -> bool {
    let known = |b: u8| b.is_ascii_alphanumeric() || b":=._-".contains(&b);
    text.len() <= 128 && text.bytes().all(known)
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;
    use futures::stream;

    use super::*;

    fn request(method: Method, path_info: &str, query: &str) -> Request {
        Request {
            method,
            path_info: path_info.into(),
            query: query.into(),
            content_type: Some(format!("application/x-{path_info}-request")),
            content_encoding: None,
            git_protocol: None,
            body: stream::empty().boxed(),
        }
    }

    fn status(right: Right, request: &Request) -> u16 {
        request.call(right).map_or_else(|error| error.status(), |_| 200)
    }

    #[test]
    fn the_right_to_read_never_reaches_the_receiving_side() {
        let asked = request(Method::Get, "info/refs", "service=git-receive-pack");
        let posted = request(Method::Post, "git-receive-pack", "");
        assert_eq!((status(Right::Read, &asked), status(Right::Read, &posted)), (403, 403));
        assert_eq!((status(Right::Write, &asked), status(Right::Write, &posted)), (200, 200));
    }

    #[test]
    fn only_the_three_endpoints_exist() {
        for path in [
            "",
            "HEAD",
            "config",
            "objects/info/packs",
            "objects/00/1",
            "info/refs/",
            "/info/refs",
            "../other/info/refs",
            "info/../info/refs",
            "git-upload-archive",
            "git-upload-pack/..",
        ] {
            assert_eq!(
                status(Right::Write, &request(Method::Get, path, "service=git-upload-pack")),
                404,
                "{path}"
            );
        }
    }

    #[test]
    fn queries_methods_and_headers_are_exact() {
        for query in [
            "",
            "service=git-upload-archive",
            "service=git-upload-pack&x",
            "service=git-upload-pack&service=git-receive-pack",
        ] {
            assert_eq!(
                status(Right::Write, &request(Method::Get, "info/refs", query)),
                400,
                "{query}"
            );
        }
        assert_eq!(status(Right::Write, &request(Method::Post, "info/refs", "")), 405);
        assert_eq!(status(Right::Write, &request(Method::Get, "git-upload-pack", "")), 405);
        assert_eq!(status(Right::Write, &request(Method::Other, "git-upload-pack", "")), 405);

        let post = || request(Method::Post, "git-upload-pack", "");
        assert_eq!(
            status(Right::Read, &Request { content_type: Some("text/plain".into()), ..post() }),
            415
        );
        assert_eq!(
            status(Right::Read, &Request { content_encoding: Some("br".into()), ..post() }),
            415
        );
        assert_eq!(
            status(Right::Read, &Request { git_protocol: Some("version=2\n".into()), ..post() }),
            400
        );
        assert_eq!(
            status(Right::Read, &Request { git_protocol: Some("version=2".into()), ..post() }),
            200
        );
    }
}
