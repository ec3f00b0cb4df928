-- Source repositories, the refs last seen in them, and what their host delivered.

CREATE TABLE source_repositories (
    id uuid NOT NULL PRIMARY KEY,
    organization_id uuid NOT NULL REFERENCES organizations (id),
    name text NOT NULL,
    url text NOT NULL,
    default_branch text,
    secret text NOT NULL,
    look_token_hash text NOT NULL,
    poll_due_at bigint NOT NULL,
    last_polled_at bigint,
    last_error text,
    created_at bigint NOT NULL,
    revision bigint NOT NULL,
    UNIQUE (organization_id, id),
    UNIQUE (organization_id, name)
);

CREATE INDEX source_repositories_due ON source_repositories (poll_due_at);

CREATE TABLE seen_refs (
    repository_id uuid NOT NULL,
    name text NOT NULL,
    organization_id uuid NOT NULL,
    sha text NOT NULL,
    PRIMARY KEY (repository_id, name),
    FOREIGN KEY (organization_id, repository_id) REFERENCES source_repositories (organization_id, id)
);

CREATE TABLE deliveries (
    id uuid NOT NULL PRIMARY KEY,
    organization_id uuid NOT NULL,
    repository_id uuid NOT NULL,
    provider text NOT NULL,
    delivery_id text NOT NULL,
    kind text NOT NULL,
    body {bytes} NOT NULL,
    received_at bigint NOT NULL,
    finished_at bigint,
    error text,
    UNIQUE (provider, repository_id, delivery_id),
    FOREIGN KEY (organization_id, repository_id) REFERENCES source_repositories (organization_id, id)
);

CREATE INDEX deliveries_waiting ON deliveries (id) WHERE finished_at IS NULL;
