//! Members, and API tokens.

use axum::{
    Json,
    extract::{OriginalUri, State},
    http::{HeaderMap, StatusCode},
};
use gimlet_shared::{
    api::{
        Member, MemberRole, NewToken, NewTokenSecret, Page, PageQuery, Problem, Token, TokenQuery,
    },
    ids::TokenId,
};

use super::next_page;
use crate::{
    auth::Authenticated,
    etag::IfMatch,
    extract::{JsonBody, PathOf, QueryOf},
    problem::ApiError,
    state::ApiState,
};

/// The organization's members, in the order in which they came to this server.
#[utoipa::path(get, path = "/api/v1/members", tag = "members", params(PageQuery), responses(
    (status = OK, body = Page<Member>),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn list_members(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
    OriginalUri(uri): OriginalUri,
    QueryOf(query): QueryOf<PageQuery>,
) -> Result<(HeaderMap, Json<Page<Member>>), ApiError> {
    let page = state.app.list_members(&scope, query).await?;
    Ok((next_page(&uri, page.next_cursor.as_deref()), Json(page)))
}

/// One member.
#[utoipa::path(get, path = "/api/v1/members/{login}", tag = "members", params(("login" = String, Path)), responses(
    (status = OK, body = Member),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn member(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
    PathOf(login): PathOf<String>,
) -> Result<Json<Member>, ApiError> {
    Ok(Json(state.app.member(&scope, &login).await?))
}

/// Gives a member another role. Admins reach up to admins, owners everyone; one owner stays.
#[utoipa::path(patch, path = "/api/v1/members/{login}", tag = "members", params(("login" = String, Path)),
    request_body = MemberRole, responses(
        (status = OK, body = Member),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn set_member_role(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
    PathOf(login): PathOf<String>,
    if_match: IfMatch,
    JsonBody(request): JsonBody<MemberRole>,
) -> Result<Json<Member>, ApiError> {
    let seen = if_match.seen(state.app.see_member(&scope, &login)).await?;
    Ok(Json(state.app.set_member_role(&scope, &login, request, seen).await?))
}

/// Takes a member out. Sessions, tokens and open streams of theirs end within a minute.
#[utoipa::path(delete, path = "/api/v1/members/{login}", tag = "members", params(("login" = String, Path)), responses(
    (status = NO_CONTENT),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn remove_member(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
    PathOf(login): PathOf<String>,
    if_match: IfMatch,
) -> Result<StatusCode, ApiError> {
    let seen = if_match.seen(state.app.see_member(&scope, &login)).await?;
    state.app.remove_member(&scope, &login, seen).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// API tokens that work, oldest first.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "tokens", params(TokenQuery), responses(
    (status = OK, body = Page<Token>),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn list_tokens(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
    OriginalUri(uri): OriginalUri,
    QueryOf(query): QueryOf<TokenQuery>,
) -> Result<(HeaderMap, Json<Page<Token>>), ApiError> {
    let page = state.app.list_tokens(&scope, query).await?;
    Ok((next_page(&uri, page.next_cursor.as_deref()), Json(page)))
}

/// Makes an API token of the caller, with the caller's role. Its secret is shown this once.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "tokens", request_body = NewToken, responses(
    (status = CREATED, body = NewTokenSecret),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn create_token(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
    JsonBody(request): JsonBody<NewToken>,
) -> Result<(StatusCode, Json<NewTokenSecret>), ApiError> {
    Ok((StatusCode::CREATED, Json(state.app.create_token(&scope, request).await?)))
}

/// Revokes an API token: one's own, or anyone's for admins and owners. Open streams end within a minute.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", tag = "tokens", params(("id" = String, Path)), responses(
    (status = NO_CONTENT),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn revoke_token(
    State(state): State<ApiState>,
    Authenticated(scope): Authenticated,
    PathOf(id): PathOf<TokenId>,
) -> Result<StatusCode, ApiError> {
    state.app.revoke_token(&scope, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
