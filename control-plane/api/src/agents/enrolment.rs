//! How a cluster joins, as `gimlet_shared::enrol` describes it.

use axum::{Json, extract::State, http::header, response::IntoResponse};
use gimlet_shared::enrol::{ClusterPlan, DescribeCluster, IssuedCertificate, RequestCertificate};

use super::AgentState;
use crate::{
    extract::{BearerToken, JsonBody},
    problem::ApiError,
};

/// The root that agents trust. It is public; the connect command carries its fingerprint.
pub(super) async fn root_pem(State(state): State<AgentState>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/x-pem-file")], state.app.root_pem().to_owned())
}

/// What the installer has to set up. The token is not spent.
pub(super) async fn describe_cluster(
    State(state): State<AgentState>,
    BearerToken(token): BearerToken,
    JsonBody(request): JsonBody<DescribeCluster>,
) -> Result<Json<ClusterPlan>, ApiError> {
    Ok(Json(state.app.describe_cluster(&token, request).await?))
}

/// A certificate for a key made on the cluster. Spends the token.
pub(super) async fn issue_certificate(
    State(state): State<AgentState>,
    BearerToken(token): BearerToken,
    JsonBody(request): JsonBody<RequestCertificate>,
) -> Result<Json<IssuedCertificate>, ApiError> {
    Ok(Json(state.app.issue_certificate(&token, request).await?))
}
