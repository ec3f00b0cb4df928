-- What goes down to the agents, numbered per cluster without gaps.

CREATE TABLE commands (
    id uuid NOT NULL PRIMARY KEY,
    organization_id uuid NOT NULL,
    cluster_id uuid NOT NULL,
    seq bigint NOT NULL,
    body text NOT NULL,
    state text NOT NULL,
    outcome text,
    expires_at bigint NOT NULL,
    created_at bigint NOT NULL,
    accepted_at bigint,
    done_at bigint,
    release_id uuid,
    UNIQUE (cluster_id, seq),
    FOREIGN KEY (organization_id, cluster_id) REFERENCES clusters (organization_id, id),
    FOREIGN KEY (organization_id, release_id) REFERENCES releases (organization_id, id)
);

CREATE INDEX commands_open ON commands (expires_at) WHERE state <> 'done';
