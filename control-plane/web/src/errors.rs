//! Why a page cannot be shown, on a page that says what to do. Statuses are given here and nowhere else.

use askama::Template;
use axum::{
    http::{
        HeaderValue, StatusCode,
        header::{LOCATION, RETRY_AFTER, SET_COOKIE},
    },
    response::{Html, IntoResponse, Response},
};
use gimlet_app::AppError;
use gimlet_shared::error_chain::Chain;

use crate::{
    filters,
    session::{self, Transport},
};

/// Why a page cannot be shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PageError {
    /// Nobody is signed in. `next` is the page to come back to.
    #[error("nobody is signed in")]
    SignIn { next: Option<String> },
    /// The session of a live page ended.
    #[error("the session of this page has ended")]
    StreamNotSignedIn,
    /// The live part of a page cannot be made at the moment.
    #[error("the live part of this page cannot be made at the moment")]
    NotLive,
    /// Another site sent the request.
    #[error("the request came from another site")]
    FromElsewhere,
    /// The address names nothing.
    #[error("there is no such page")]
    NoSuchPage,
    /// The address is right, and the method is not.
    #[error("this address does not take that method")]
    NoSuchMethod,
    /// The form or the query cannot be read.
    #[error("the request cannot be read: {detail}")]
    Unreadable { detail: String },
    /// A use case did not happen.
    #[error(transparent)]
    App(#[from] AppError),
    /// A template failed.
    #[error("the page could not be made")]
    Render(#[from] askama::Error),
}

/// What an error page says.
#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    status: u16,
    title: &'static str,
    detail: String,
    advice: &'static str,
}

impl PageError {
    fn status(&self) -> StatusCode {
        match self {
            Self::SignIn { .. } => StatusCode::SEE_OTHER,
            Self::StreamNotSignedIn | Self::App(AppError::Unauthorized { .. }) => {
                StatusCode::UNAUTHORIZED
            }
            Self::FromElsewhere | Self::App(AppError::Forbidden { .. }) => StatusCode::FORBIDDEN,
            Self::NoSuchPage | Self::App(AppError::NotFound { .. }) => StatusCode::NOT_FOUND,
            Self::NoSuchMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unreadable { .. } => StatusCode::BAD_REQUEST,
            Self::App(AppError::Invalid { .. }) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::App(AppError::Conflict { .. } | AppError::DevicePending) => StatusCode::CONFLICT,
            Self::App(AppError::Changed { .. }) => StatusCode::PRECONDITION_FAILED,
            Self::App(AppError::DeviceExpired) => StatusCode::GONE,
            Self::App(AppError::TooMany { .. }) => StatusCode::TOO_MANY_REQUESTS,
            Self::NotLive | Self::App(AppError::Unavailable { .. }) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Render(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What is wrong, in a few words, and what to do about it.
    fn words(&self) -> (&'static str, &'static str) {
        match self.status() {
            StatusCode::UNAUTHORIZED => {
                ("You are not signed in", "Sign in again, then come back to this page.")
            }
            StatusCode::FORBIDDEN => match self {
                Self::FromElsewhere => (
                    "This request came from another site",
                    "Nothing was changed. Changes are taken only from Gimlet's own pages: open the page here and \
                     press the button again.",
                ),
                _ => (
                    "Your role does not allow this",
                    "Nothing was changed. An owner of the organization can give you the role.",
                ),
            },
            StatusCode::NOT_FOUND => (
                "There is nothing here",
                "The address may be mistyped, the thing may be gone, or it may belong to an organization that you are \
                 not a member of.",
            ),
            StatusCode::UNPROCESSABLE_ENTITY | StatusCode::BAD_REQUEST => (
                "That cannot be right",
                "Nothing was changed. Go back, correct it and send it again.",
            ),
            StatusCode::CONFLICT => ("That does not fit what is there", "Nothing was changed."),
            StatusCode::GONE => ("That has lapsed", "Start it again where it began."),
            StatusCode::METHOD_NOT_ALLOWED => ("That cannot be done here", "Nothing was changed."),
            StatusCode::TOO_MANY_REQUESTS => {
                ("Too much at once", "Nothing was changed. Wait a moment and try again.")
            }
            StatusCode::SERVICE_UNAVAILABLE => (
                "Part of Gimlet is not working",
                "Your applications keep running, and Flux keeps them as git says. Reload in a moment; if it stays, the \
                 log of gimlet-server names the cause.",
            ),
            _ => (
                "This page could not be made",
                "Your applications keep running, and Flux keeps them as git says. The log of gimlet-server names the \
                 cause.",
            ),
        }
    }

    fn page(&self) -> Response {
        let (title, advice) = self.words();
        let page = ErrorPage {
            status: self.status().as_u16(),
            title,
            detail: sentence(&self.to_string()),
            advice,
        };
        match page.render() {
            Ok(html) => Html(html).into_response(),
            Err(_) => title.into_response(),
        }
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        if let Self::SignIn { next } = &self {
            return to_sign_in(next.as_deref());
        }
        let status = self.status();
        if status.is_server_error() {
            tracing::error!(error = %Chain(&self), "a page could not be shown");
        }
        let mut response = self.page();
        *response.status_mut() = status;
        if let Self::App(AppError::TooMany { retry_after_s }) = &self {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(*retry_after_s));
        }
        response
    }
}

fn to_sign_in(next: Option<&str>) -> Response {
    let mut response = (StatusCode::SEE_OTHER, [(LOCATION, "/sign-in")]).into_response();
    // The way back holds no secret, so it may travel on either transport.
    let way_back = next
        .filter(|next| *next != "/")
        .and_then(|next| session::remember_next(next, Transport::Http));
    if let Some(way_back) = way_back {
        response.headers_mut().insert(SET_COOKIE, way_back);
    }
    response
}

/// The message as a sentence.
pub(crate) fn sentence(message: &str) -> String {
    let mut chars = message.trim().chars();
    let mut sentence: String =
        chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect();
    if !sentence.is_empty() && !sentence.ends_with(['.', '!', '?', ':']) {
        sentence.push('.');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_signed_in_is_led_to_the_sign_in_and_back() {
        let response =
            PageError::SignIn { next: Some("/device?code=BDFG-HJKL".to_owned()) }.into_response();
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        assert_eq!(response.headers()[LOCATION], "/sign-in");
        assert!(
            response.headers()[SET_COOKIE].to_str().unwrap().contains("/device?code=BDFG-HJKL")
        );
    }

    #[test]
    fn an_error_page_says_what_to_do() {
        for error in [
            PageError::NoSuchPage,
            PageError::FromElsewhere,
            PageError::App(AppError::Conflict { detail: "the name `shop` is taken".to_owned() }),
        ] {
            let page = error.page();
            assert!(page.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
        }
    }

    #[test]
    fn a_message_becomes_a_sentence() {
        assert_eq!(sentence("the name is taken"), "The name is taken.");
        assert_eq!(sentence("Ends already."), "Ends already.");
        assert_eq!(sentence(""), "");
    }
}
