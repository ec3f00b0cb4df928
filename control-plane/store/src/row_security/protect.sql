-- Row-level security on every table that carries an organization, and on the organizations themselves.
-- Run after the steps of the schema, on PostgreSQL; a table that has it already is not touched.
DO $$
DECLARE
    tenant record;
    seen text;
BEGIN
    FOR tenant IN
        SELECT c.oid, c.relname, CASE c.relname WHEN 'organizations' THEN 'id' ELSE 'organization_id' END AS owner
        FROM pg_class c
        WHERE c.relnamespace = current_schema()::regnamespace
          AND c.relkind IN ('r', 'p')
          AND (c.relname = 'organizations' OR EXISTS (
              SELECT FROM pg_attribute a
              WHERE a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT a.attisdropped))
          AND NOT (c.relrowsecurity AND c.relforcerowsecurity
              AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'gimlet_rows'))
    LOOP
        -- A setting that was never made, or ended with its transaction, equals no organization.
        seen := format(
            '(SELECT current_setting(''gimlet.system'', true)) = ''on'''
            ' OR %I = (SELECT nullif(current_setting(''gimlet.organization'', true), '''')::uuid)',
            tenant.owner);
        -- A login of a terminal belongs to nobody until a member approves it for their organization.
        IF tenant.relname = 'device_logins' THEN
            seen := format('(%s) OR organization_id IS NULL', seen);
        END IF;
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant.relname);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', tenant.relname);
        EXECUTE format('DROP POLICY IF EXISTS gimlet_rows ON %I', tenant.relname);
        EXECUTE format('CREATE POLICY gimlet_rows ON %I USING (%s) WITH CHECK (%s)', tenant.relname, seen, seen);
    END LOOP;
END
$$;
