//! Approving the sign-in of a command line (RFC 8628).

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{Html, IntoResponse, Response},
};
use gimlet_app::AppError;
use serde::Deserialize;

use super::html;
use crate::{
    Web,
    errors::{PageError, sentence},
    extract::{Form, Query},
    filters,
    session::Viewer,
    shell::{Section, Shell},
};

#[derive(Template)]
#[template(path = "device.html")]
struct DevicePage {
    shell: Shell,
    code: String,
    problem: Option<String>,
    approved: bool,
}

/// The code that the command line shows.
#[derive(Deserialize)]
pub(super) struct DeviceCode {
    #[serde(default)]
    code: String,
}

/// Shows who would be signed in, and the code to compare.
pub(super) async fn ask(
    viewer: Viewer,
    Query(DeviceCode { code }): Query<DeviceCode>,
) -> Result<Html<String>, PageError> {
    let shell = Shell::new(&viewer, Section::Elsewhere);
    html(&DevicePage { shell, code: code.trim().to_owned(), problem: None, approved: false })
}

/// Approves the login.
pub(super) async fn approve(
    State(web): State<Web>,
    viewer: Viewer,
    Form(DeviceCode { code }): Form<DeviceCode>,
) -> Result<Response, PageError> {
    let shell = Shell::new(&viewer, Section::Elsewhere);
    let code = code.trim().to_owned();
    match web.app.approve_device_login(&viewer.scope, &code).await {
        Ok(()) => {
            Ok(html(&DevicePage { shell, code, problem: None, approved: true })?.into_response())
        }
        Err(
            error @ (AppError::NotFound { .. }
            | AppError::DeviceExpired
            | AppError::Invalid { .. }
            | AppError::Unauthorized { .. }),
        ) => {
            let problem = Some(sentence(&error.to_string()));
            let page = html(&DevicePage { shell, code: String::new(), problem, approved: false })?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        Err(error) => Err(error.into()),
    }
}
