-- The record of what changed in an organization, numbered without gaps in the order of the commits, and
-- tokens that lapse.

CREATE TABLE activity_heads (
    organization_id uuid NOT NULL PRIMARY KEY REFERENCES organizations (id),
    last_seq bigint NOT NULL
);

CREATE TABLE activities (
    organization_id uuid NOT NULL REFERENCES organizations (id),
    seq bigint NOT NULL,
    at bigint NOT NULL,
    kind text NOT NULL,
    actor text NOT NULL,
    actor_data text NOT NULL,
    environment_id uuid,
    app text,
    data text NOT NULL,
    PRIMARY KEY (organization_id, seq)
);

CREATE INDEX activities_of_app ON activities (organization_id, environment_id, app, seq);
CREATE INDEX activities_of_actor ON activities (organization_id, actor, seq);
CREATE INDEX activities_by_age ON activities (at);

CREATE INDEX cluster_certificates_revoked ON cluster_certificates (revoked_at) WHERE revoked_at IS NOT NULL;

ALTER TABLE api_tokens ADD COLUMN expires_at bigint;
