-- What every check looks at: the relations that the project made. Neither the system's nor an
-- extension's, nor Alembic's version table, nor the schema that safemigrate keeps its journal in.
-- `name` is qualified, because the search path is empty. Runs on 14 to 18.
-- A partition is judged with the table it is a part of; :has_partitions is true where each is looked
-- at as the table that it would be by itself.
ns AS MATERIALIZED (
    SELECT n.oid, n.nspname, n.nspacl
    FROM pg_namespace AS n
    WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'safemigrate')
        AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_namespace'::regclass
            AND d.objid = n.oid AND d.deptype = 'e')
),
rel AS MATERIALIZED (
    SELECT c.*, c.oid::regclass::text AS name, ns.nspname
    FROM pg_class AS c JOIN ns ON ns.oid = c.relnamespace
    WHERE c.relpersistence <> 't'
        AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass
            AND d.objid = c.oid AND d.deptype = 'e')
        AND (c.relkind <> 'r' OR c.relnatts <> 1 OR NOT EXISTS (
            SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attnum = 1
                AND a.attname = 'version_num' AND a.atttypid = 'varchar'::regtype))
),
tab AS MATERIALIZED (
    SELECT * FROM rel WHERE relkind IN ('r', 'p') AND (NOT relispartition OR :has_partitions)
),
col AS MATERIALIZED (
    SELECT a.*, tab.name AS table_name, tab.name || '.' || quote_ident(a.attname) AS name,
        format_type(a.atttypid, a.atttypmod) AS type, tab.reltuples, tab.relnamespace
    FROM tab JOIN pg_attribute AS a
        ON a.attrelid = tab.oid AND a.attnum > 0 AND NOT a.attisdropped
),
idx AS MATERIALIZED (
    SELECT i.*, i.indkey::int2[] AS keys, i.indclass::oid[] AS classes,
        i.indoption::int2[] AS options, i.indcollation::oid[] AS collations,
        pg_get_expr(i.indpred, i.indrelid) AS predicate,
        coalesce(pg_get_expr(i.indexprs, i.indrelid), '') AS expressions,
        c.name, c.relname, c.relam, c.relispartition AND NOT :has_partitions AS relispartition,
        c.relkind, t.name AS table_name,
        t.reltuples AS table_rows, t.nspname
    FROM pg_index AS i
    JOIN rel AS c ON c.oid = i.indexrelid
    JOIN rel AS t ON t.oid = i.indrelid AND t.relkind IN ('r', 'p', 'm')
)
