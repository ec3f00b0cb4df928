-- Clusters, how they join and prove themselves, and the environments on them.

CREATE TABLE clusters (
    id uuid NOT NULL PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations (id),
    name text NOT NULL,
    created_at bigint NOT NULL,
    last_seen_at bigint,
    connected_at bigint,
    agent_version text,
    kubernetes_version text,
    epoch bigint NOT NULL,
    last_command_seq bigint NOT NULL,
    UNIQUE (organization_id, id),
    UNIQUE (organization_id, name)
);

CREATE TABLE enrolments (
    id uuid NOT NULL PRIMARY KEY,
    organization_id uuid NOT NULL,
    cluster_id uuid NOT NULL,
    token_hash text NOT NULL UNIQUE,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    public_key_sha256 text,
    spent_at bigint,
    FOREIGN KEY (organization_id, cluster_id) REFERENCES clusters (organization_id, id)
);

CREATE INDEX enrolments_of_cluster ON enrolments (cluster_id);

CREATE TABLE cluster_certificates (
    serial text NOT NULL PRIMARY KEY,
    organization_id uuid NOT NULL,
    cluster_id uuid NOT NULL,
    issued_at bigint NOT NULL,
    not_after bigint NOT NULL,
    revoked_at bigint,
    FOREIGN KEY (organization_id, cluster_id) REFERENCES clusters (organization_id, id)
);

CREATE INDEX cluster_certificates_of_cluster ON cluster_certificates (cluster_id);

CREATE TABLE environments (
    id uuid NOT NULL PRIMARY KEY,
    organization_id uuid NOT NULL,
    cluster_id uuid NOT NULL,
    name text NOT NULL,
    namespace text,
    gitops text NOT NULL,
    created_at bigint NOT NULL,
    UNIQUE (organization_id, id),
    UNIQUE (organization_id, name),
    FOREIGN KEY (organization_id, cluster_id) REFERENCES clusters (organization_id, id)
);

CREATE INDEX environments_on_cluster ON environments (cluster_id);

CREATE TABLE git_credentials (
    environment_id uuid NOT NULL PRIMARY KEY,
    organization_id uuid NOT NULL,
    password_sha256 text NOT NULL,
    created_at bigint NOT NULL,
    FOREIGN KEY (organization_id, environment_id) REFERENCES environments (organization_id, id)
);
