-- The role under which a login works that row-level security would not hold: roles belong to the whole
-- server, so another database on it may have made this one, even at this moment.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'gimlet_rows') THEN
        BEGIN
            CREATE ROLE gimlet_rows NOLOGIN NOSUPERUSER NOBYPASSRLS;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END IF;
    -- A superuser may become anyone.
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
        AND NOT pg_has_role(current_user, 'gimlet_rows', 'MEMBER') THEN
        EXECUTE format('GRANT gimlet_rows TO %I', current_user);
    END IF;
    IF NOT has_schema_privilege('gimlet_rows', current_schema(), 'USAGE') OR EXISTS (
        SELECT FROM pg_class c
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
          AND NOT (has_table_privilege('gimlet_rows', c.oid, 'SELECT')
              AND has_table_privilege('gimlet_rows', c.oid, 'INSERT')
              AND has_table_privilege('gimlet_rows', c.oid, 'UPDATE')
              AND has_table_privilege('gimlet_rows', c.oid, 'DELETE'))) THEN
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO gimlet_rows', current_schema());
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO gimlet_rows', current_schema());
        EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA %I TO gimlet_rows', current_schema());
    END IF;
END
$$;
