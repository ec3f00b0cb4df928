-- What lists are paged by: an organization with thousands of releases gets its newest as fast as a new one.

CREATE INDEX releases_of_environment ON releases (environment_id, id);
CREATE INDEX releases_of_app ON releases (environment_id, app, id);
CREATE INDEX artifacts_of_repository ON artifacts (repository_id, id);
CREATE INDEX applications_by_name ON applications (organization_id, name, id) WHERE deleted_at IS NULL;
CREATE INDEX deliveries_of_repository ON deliveries (repository_id, id) WHERE finished_at IS NULL;
