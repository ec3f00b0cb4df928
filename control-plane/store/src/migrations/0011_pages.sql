-- What pages filter by and are cut by: no list is read further than its page, whatever it is narrowed to.

-- The database computes these, so that what a previous version writes is found as well.
ALTER TABLE applications ADD COLUMN health_word text GENERATED ALWAYS AS (health{json} ->> 'health') {computed};
ALTER TABLE activities ADD COLUMN kind_group text GENERATED ALWAYS AS ({kind_group}) {computed};

CREATE INDEX applications_by_health ON applications (organization_id, health_word, name, id) WHERE deleted_at IS NULL;
CREATE INDEX applications_in_environment ON applications (environment_id, health_word) WHERE deleted_at IS NULL;
CREATE INDEX releases_of_app_name ON releases (organization_id, app, id);
CREATE INDEX artifacts_of_branch ON artifacts (organization_id, branch, id);
CREATE INDEX activities_of_kind ON activities (organization_id, kind, seq);
CREATE INDEX activities_of_group ON activities (organization_id, kind_group, seq);
CREATE INDEX activities_of_environment ON activities (organization_id, environment_id, seq);
CREATE INDEX activities_of_app_name ON activities (organization_id, app, seq);

-- Words of commits beside their ids: looking through all of them reads neither manifests nor long messages.
CREATE INDEX artifacts_by_words ON artifacts
    (organization_id, id, lower(substr(message, 1, 400) || ' ' || substr(author_name, 1, 100)), sha);
