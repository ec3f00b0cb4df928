//! Signing in with a one-time link, and out.

use askama::Template;
use axum::{
    extract::State,
    http::{
        HeaderMap, StatusCode,
        header::{LOCATION, SET_COOKIE},
    },
    response::{Html, IntoResponse, Response},
};
use gimlet_app::AppError;

use super::html;
use crate::{
    Web,
    errors::{PageError, sentence},
    extract::Named,
    filters,
    session::{self, NEXT, SESSION, cookie, own_path, set_cookie},
};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    problem: Option<String>,
}

#[derive(Template)]
#[template(path = "sign_in_link.html")]
struct LinkPage;

/// Says how to get a link.
pub(super) async fn how() -> Result<Html<String>, PageError> {
    html(&SignInPage { problem: None })
}

/// Shows a button, so that a program that previews links does not spend this one.
pub(super) async fn ask(Named(_): Named<String>) -> Result<Html<String>, PageError> {
    html(&LinkPage)
}

/// Spends the link, and leads to the page that was wanted.
pub(super) async fn sign_in(
    State(web): State<Web>,
    Named(code): Named<String>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let signed_in = match web.app.sign_in(&code).await {
        Ok(signed_in) => signed_in,
        Err(AppError::Unauthorized { detail }) => {
            let page = html(&SignInPage { problem: Some(sentence(&detail)) })?;
            return Ok((StatusCode::UNAUTHORIZED, page).into_response());
        }
        Err(error) => return Err(error.into()),
    };
    let next = cookie(&headers, NEXT).and_then(own_path).unwrap_or("/").to_owned();
    let mut response = (StatusCode::SEE_OTHER, [(LOCATION, next)]).into_response();
    let session = set_cookie(SESSION, &signed_in.cookie, signed_in.max_age_s, web.transport);
    let spent = set_cookie(NEXT, "", 0, web.transport);
    for header in [session, spent].into_iter().flatten() {
        response.headers_mut().append(SET_COOKIE, header);
    }
    Ok(response)
}

/// Ends the session.
pub(super) async fn sign_out(
    State(web): State<Web>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    if let Some(session) = cookie(&headers, SESSION) {
        web.app.sign_out(session).await?;
    }
    let mut response = (StatusCode::SEE_OTHER, [(LOCATION, "/sign-in")]).into_response();
    if let Some(gone) = session::set_cookie(SESSION, "", 0, web.transport) {
        response.headers_mut().append(SET_COOKIE, gone);
    }
    Ok(response)
}
