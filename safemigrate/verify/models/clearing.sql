-- The statements that drop what models can declare, of the whole database but for the tables whose
-- identities are given, Alembic's version table, and what extensions own. Functions stay, for a
-- default may call one.
SELECT format('DROP %%s IF EXISTS %%s CASCADE', kind, identity)
  FROM (SELECT 1 AS rank, CASE relkind WHEN 'v' THEN 'VIEW' ELSE 'MATERIALIZED VIEW' END AS kind,
               'pg_class'::regclass AS class, c.oid, relnamespace AS namespace, relname AS name
          FROM pg_class c WHERE relkind IN ('v', 'm')
        UNION ALL
        SELECT 2, 'TABLE', 'pg_class'::regclass, c.oid, relnamespace, relname
          FROM pg_class c WHERE relkind IN ('r', 'p')
        UNION ALL
        SELECT 3, 'SEQUENCE', 'pg_class'::regclass, c.oid, relnamespace, relname
          FROM pg_class c WHERE relkind = 'S'
           AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid
                              AND deptype IN ('a', 'i') AND refclassid = 'pg_class'::regclass)
        UNION ALL
        SELECT 4, CASE typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END, 'pg_type'::regclass, t.oid,
               typnamespace, typname
          FROM pg_type t WHERE typtype IN ('d', 'e')) object
  JOIN pg_namespace n ON n.oid = namespace
 CROSS JOIN LATERAL (SELECT format('%%I.%%I', nspname, name) AS identity) i
 WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'safemigrate')
   AND object.oid <> coalesce(to_regclass(%(version_table)s)::oid, 0)
   AND NOT identity = ANY (%(kept)s)
   AND NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = object.class AND d.objid = object.oid AND deptype = 'e')
 ORDER BY rank
