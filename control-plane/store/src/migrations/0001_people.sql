-- Organizations, people, and what proves who they are. Secrets stand as SHA-256 in hexadecimal.

CREATE TABLE organizations (
    id uuid NOT NULL PRIMARY KEY,
    name text NOT NULL UNIQUE,
    created_at bigint NOT NULL
);

CREATE TABLE users (
    id uuid NOT NULL PRIMARY KEY,
    login text NOT NULL UNIQUE,
    created_at bigint NOT NULL
);

CREATE TABLE members (
    organization_id uuid NOT NULL REFERENCES organizations (id),
    user_id uuid NOT NULL REFERENCES users (id),
    role text NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (organization_id, user_id)
);

CREATE TABLE sign_in_links (
    hash text NOT NULL PRIMARY KEY,
    organization_id uuid NOT NULL,
    user_id uuid NOT NULL,
    expires_at bigint NOT NULL,
    spent_at bigint,
    FOREIGN KEY (organization_id, user_id) REFERENCES members (organization_id, user_id) ON DELETE CASCADE
);

CREATE TABLE sessions (
    id uuid NOT NULL PRIMARY KEY,
    hash text NOT NULL UNIQUE,
    organization_id uuid NOT NULL,
    user_id uuid NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    FOREIGN KEY (organization_id, user_id) REFERENCES members (organization_id, user_id) ON DELETE CASCADE
);

CREATE TABLE api_tokens (
    id uuid NOT NULL PRIMARY KEY,
    hash text NOT NULL UNIQUE,
    organization_id uuid NOT NULL,
    user_id uuid NOT NULL,
    name text NOT NULL,
    created_at bigint NOT NULL,
    last_used_at bigint,
    revoked_at bigint,
    FOREIGN KEY (organization_id, user_id) REFERENCES members (organization_id, user_id) ON DELETE CASCADE
);

CREATE INDEX api_tokens_of_member ON api_tokens (organization_id, user_id);

CREATE TABLE device_logins (
    device_hash text NOT NULL PRIMARY KEY,
    user_code text NOT NULL UNIQUE,
    organization_id uuid,
    user_id uuid,
    expires_at bigint NOT NULL,
    taken_at bigint,
    FOREIGN KEY (organization_id, user_id) REFERENCES members (organization_id, user_id) ON DELETE CASCADE
);
