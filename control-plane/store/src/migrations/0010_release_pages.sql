-- What release and application pages show: the application's address, the last lines of containers that
-- failed, and what is usual.

ALTER TABLE applications ADD COLUMN url text;

CREATE TABLE release_logs (
    organization_id uuid NOT NULL,
    release_id uuid NOT NULL,
    pod text NOT NULL,
    container text NOT NULL,
    restarts integer NOT NULL,
    lines text NOT NULL,
    seen_at bigint NOT NULL,
    PRIMARY KEY (release_id, pod, container),
    FOREIGN KEY (organization_id, release_id) REFERENCES releases (organization_id, id)
);

CREATE INDEX releases_healthy_of_application ON releases (application_id, id) WHERE state = 'healthy';
CREATE INDEX releases_healthy_of_environment ON releases (environment_id, id) WHERE state = 'healthy';
