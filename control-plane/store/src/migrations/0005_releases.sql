-- Applications and their releases.

-- `current_release` has no foreign key: releases refer to applications, and one direction is enough.
CREATE TABLE applications (
    id uuid NOT NULL PRIMARY KEY,
    organization_id uuid NOT NULL,
    environment_id uuid NOT NULL,
    name text NOT NULL,
    namespace text NOT NULL,
    repository_id uuid,
    health text NOT NULL,
    health_at bigint,
    current_release uuid,
    created_at bigint NOT NULL,
    deleted_at bigint,
    leased_until bigint NOT NULL,
    revision bigint NOT NULL,
    UNIQUE (organization_id, id),
    FOREIGN KEY (organization_id, environment_id) REFERENCES environments (organization_id, id),
    FOREIGN KEY (organization_id, repository_id) REFERENCES source_repositories (organization_id, id)
);

CREATE UNIQUE INDEX applications_living ON applications (environment_id, name) WHERE deleted_at IS NULL;

CREATE TABLE releases (
    id uuid NOT NULL PRIMARY KEY,
    organization_id uuid NOT NULL,
    environment_id uuid NOT NULL,
    application_id uuid NOT NULL,
    app text NOT NULL,
    namespace text NOT NULL,
    artifact_id uuid,
    intent text NOT NULL,
    asked_by text NOT NULL,
    state text NOT NULL,
    state_data text NOT NULL,
    commit_sha text,
    requested_at bigint NOT NULL,
    deadline_at bigint NOT NULL,
    committed_at bigint,
    fetched_at bigint,
    applied_at bigint,
    finished_at bigint,
    attempts integer NOT NULL,
    due_at bigint NOT NULL,
    note text,
    idempotency_key text,
    revision bigint NOT NULL,
    UNIQUE (organization_id, id),
    UNIQUE (environment_id, app, idempotency_key),
    FOREIGN KEY (organization_id, environment_id) REFERENCES environments (organization_id, id),
    FOREIGN KEY (organization_id, application_id) REFERENCES applications (organization_id, id),
    FOREIGN KEY (organization_id, artifact_id) REFERENCES artifacts (organization_id, id)
);

CREATE UNIQUE INDEX releases_followed ON releases (application_id) WHERE state IN ('committed', 'observed');
CREATE INDEX releases_open ON releases (state, due_at) WHERE state IN ('queued', 'committed', 'observed');
CREATE INDEX releases_of_application ON releases (application_id, id);
CREATE INDEX releases_of_artifact ON releases (artifact_id);
