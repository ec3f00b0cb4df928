-- Answers that are given again to whoever repeats a request. They may carry secrets, and stand sealed.

CREATE TABLE idempotency_keys (
    organization_id uuid NOT NULL REFERENCES organizations (id),
    user_id uuid NOT NULL,
    route text NOT NULL,
    key text NOT NULL,
    request_sha256 text NOT NULL,
    running_until bigint NOT NULL,
    status integer,
    answer text,
    created_at bigint NOT NULL,
    PRIMARY KEY (organization_id, user_id, route, key)
);

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
