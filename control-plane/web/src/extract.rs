//! Parts of a request, whose mistakes are answered with a page.

use std::time::Duration;

use axum::{
    extract::{FromRequest, FromRequestParts, Path, Request, rejection::FormRejection},
    http::request::Parts,
};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::{Web, errors::PageError};

/// A form has a few kilobytes; one that is not here by then is never meant to be.
const FORM_DEADLINE: Duration = Duration::from_secs(20);

/// What the path names. A name that is none leads nowhere, like the name of something that is not there.
pub(crate) struct Named<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Web> for Named<T> {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, PageError> {
        let path = Path::<T>::from_request_parts(parts, web).await;
        path.map(|Path(named)| Self(named)).map_err(|_| PageError::NoSuchPage)
    }
}

/// The query.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Web> for Query<T> {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, web: &Web) -> Result<Self, PageError> {
        let query = axum::extract::Query::<T>::from_request_parts(parts, web).await;
        query
            .map(|query| Self(query.0))
            .map_err(|rejection| PageError::Unreadable { detail: rejection.body_text() })
    }
}

/// A form.
pub(crate) struct Form<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Web> for Form<T> {
    type Rejection = PageError;

    async fn from_request(request: Request, web: &Web) -> Result<Self, PageError> {
        let form: Result<_, FormRejection> =
            in_time(axum::Form::<T>::from_request(request, web)).await?;
        form.map(|form| Self(form.0))
            .map_err(|rejection| PageError::Unreadable { detail: rejection.body_text() })
    }
}

/// What was read, if all of it came in time.
async fn in_time<T>(read: impl Future<Output = T>) -> Result<T, PageError> {
    timeout(FORM_DEADLINE, read).await.map_err(|_| PageError::Unreadable {
        detail: format!(
            "the form did not arrive within {} s; send it again",
            FORM_DEADLINE.as_secs()
        ),
    })
}

/// Text of a form, with spaces around it taken off; `None` where nothing is left.
pub(crate) fn given(text: &str) -> Option<String> {
    let trimmed = text.trim();
    (!trimmed.is_empty()).then(|| trimmed.to_owned())
}

/// An address as it may stand in a page again: without a user name and password in front of its host.
pub(crate) fn without_login(address: &str) -> String {
    let (scheme, rest) = match address.find("://") {
        Some(end) => address.split_at(end + "://".len()),
        None => ("", address),
    };
    let end = rest.find('/').unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}{}", &rest[at + 1..]),
        None => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_again_without_its_login() {
        for (given, shown) in [
            ("https://bot:pass@git.example/a/b", "https://git.example/a/b"),
            ("https://token@git.example/a@b", "https://git.example/a@b"),
            ("bot:p@ss@git.example", "git.example"),
            ("git.example/a", "git.example/a"),
            ("", ""),
        ] {
            assert_eq!(without_login(given), shown);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_form_that_never_ends_is_given_up() {
        assert!(matches!(in_time(async { 7 }).await, Ok(7)));
        let endless = in_time(std::future::pending::<()>()).await;
        assert!(matches!(endless, Err(PageError::Unreadable { .. })));
    }
}
