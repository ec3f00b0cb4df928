-- Releasable versions, and what policy decided about each of their manifests.

CREATE TABLE artifacts (
    id uuid NOT NULL PRIMARY KEY,
    organization_id uuid NOT NULL,
    repository_id uuid NOT NULL,
    sha text NOT NULL,
    event text NOT NULL,
    ref_name text NOT NULL,
    branch text,
    tag text,
    source_branch text,
    target_branch text,
    message text NOT NULL,
    author_name text NOT NULL,
    author_email text NOT NULL,
    committer_name text NOT NULL,
    committer_email text NOT NULL,
    committed_at bigint NOT NULL,
    url text,
    manifests text NOT NULL,
    problems text NOT NULL,
    is_head boolean NOT NULL,
    created_at bigint NOT NULL,
    UNIQUE (organization_id, id),
    UNIQUE (repository_id, sha, event, ref_name),
    FOREIGN KEY (organization_id, repository_id) REFERENCES source_repositories (organization_id, id)
);

CREATE INDEX artifacts_by_sha ON artifacts (organization_id, sha);

CREATE TABLE decisions (
    artifact_id uuid NOT NULL,
    position integer NOT NULL,
    organization_id uuid NOT NULL,
    env text NOT NULL,
    app text NOT NULL,
    file text NOT NULL,
    releases boolean NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (artifact_id, position),
    FOREIGN KEY (organization_id, artifact_id) REFERENCES artifacts (organization_id, id)
);
