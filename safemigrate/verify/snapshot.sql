-- Every object of a database as (kind, identity, definition, source), for equality within one server
-- version. Run with search_path = '', so that every name is qualified, and with
-- safemigrate.version_table set to the oid of Alembic's version table, or '0'.
-- A definition is a list of name=value, separated by the character 31; what is NULL is left out.
-- No oids and no column numbers in it: dropping and adding again changes both. Runs on 14 to 18.
-- A source says where it is stored: the oid of a catalog times 2^32, plus the oid of the object there
-- that it belongs to; the negative of that for a comment on the object; 0 for what comes last.
-- What stands in a comment that begins with "changed" is part of the query that reads again only what
-- the parameter, an array of sources, has, and the queries that depend on it: how a query is told may
-- change with the columns of what it reads, though nothing of it is written. It ends at "rest".
WITH
/*changed
given AS (
  SELECT (abs(source) >> 32)::oid AS catalog, (abs(source) & 4294967295)::oid AS id FROM unnest($1::bigint[]) source
),
dependent AS (
  SELECT classid, objid FROM given JOIN pg_depend ON refclassid = catalog AND refobjid = id
   WHERE classid IN ('pg_rewrite'::regclass, 'pg_policy'::regclass, 'pg_proc'::regclass)
),
changed AS MATERIALIZED (
  SELECT catalog, id FROM given
  UNION SELECT classid, objid FROM dependent WHERE classid = 'pg_proc'::regclass
  UNION SELECT 'pg_class'::regclass, ev_class FROM dependent JOIN pg_rewrite ON classid = 'pg_rewrite'::regclass AND oid = objid
  UNION SELECT 'pg_class'::regclass, polrelid FROM dependent JOIN pg_policy ON classid = 'pg_policy'::regclass AND oid = objid
),
*/
ext AS (
  SELECT classid, objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
),
ns AS (
  SELECT n.* FROM pg_namespace n
   WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'safemigrate')
     AND NOT EXISTS (SELECT 1 FROM ext WHERE ext.classid = 'pg_namespace'::regclass AND ext.objid = n.oid)
),
rel AS (
  SELECT c.*, ns.nspname, 'pg_class'::regclass::oid::bigint << 32 | c.oid::bigint AS source
    FROM pg_class c JOIN ns ON ns.oid = c.relnamespace
    LEFT JOIN pg_index i ON i.indexrelid = c.oid
   WHERE c.oid <> current_setting('safemigrate.version_table')::oid
     AND i.indrelid IS DISTINCT FROM current_setting('safemigrate.version_table')::oid
     AND NOT EXISTS (SELECT 1 FROM ext WHERE ext.classid = 'pg_class'::regclass AND ext.objid = c.oid)
/*changed
     AND c.oid = ANY (ARRAY(SELECT id FROM changed WHERE catalog = 'pg_class'::regclass))
*/
)
SELECT CASE relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' END AS kind,
       format('%I.%I', nspname, relname) AS identity, concat_ws(E'\x1f',
         'definition=' || CASE WHEN relkind IN ('v', 'm') THEN pg_get_viewdef(oid) END,
         'persistence=' || CASE relpersistence WHEN 'u' THEN 'unlogged' WHEN 't' THEN 'temporary' END,
         'partition key=' || CASE WHEN relkind = 'p' THEN pg_get_partkeydef(oid) END,
         'bound=' || CASE WHEN relispartition THEN pg_get_expr(relpartbound, oid) END,
         'parents=' || (SELECT string_agg(inhparent::regclass::text, ',' ORDER BY inhseqno) FROM pg_inherits WHERE inhrelid = rel.oid),
         'row security=' || CASE WHEN relrowsecurity THEN 'on' END,
         'forced row security=' || CASE WHEN relforcerowsecurity THEN 'on' END,
         'replica identity=' || CASE WHEN relkind IN ('r', 'p', 'm') THEN relreplident::text END,
         'options=' || (SELECT string_agg(o, ',' ORDER BY o) FROM unnest(reloptions) o),
         'toast options=' || (SELECT string_agg(o, ',' ORDER BY o) FROM pg_class toast, unnest(toast.reloptions) o WHERE toast.oid = rel.reltoastrelid),
         'access method=' || (SELECT amname FROM pg_am WHERE pg_am.oid = relam),
         'tablespace=' || (SELECT spcname FROM pg_tablespace s WHERE s.oid = reltablespace),
         'type=' || CASE WHEN reloftype <> 0 THEN reloftype::regtype::text END,
         'foreign=' || (SELECT concat_ws(' ', srvname, (SELECT string_agg(o, ',' ORDER BY o) FROM unnest(ftoptions) o))
                          FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver WHERE f.ftrelid = rel.oid),
         'owner=' || pg_get_userbyid(relowner),
         'acl=' || nullif(CASE WHEN relacl IS NOT NULL THEN (SELECT coalesce(string_agg(x::text, ',' ORDER BY x::text), 'nobody') FROM unnest(relacl) x) END,
                          (SELECT string_agg(x::text, ',' ORDER BY x::text) FROM unnest(acldefault('r', relowner)) x))) AS definition, source
  FROM rel WHERE relkind IN ('r', 'p', 'v', 'm', 'f')
UNION ALL
SELECT 'column', format('%I.%I.%I', nspname, relname, attname), concat_ws(E'\x1f',
         'type=' || format_type(atttypid, atttypmod),
         'not null=' || CASE WHEN attnotnull THEN 'yes' END,
         CASE WHEN attgenerated <> '' THEN 'generated=' ELSE 'default=' END || pg_get_expr(adbin, adrelid),
         'generation=' || CASE attgenerated WHEN 's' THEN 'stored' WHEN 'v' THEN 'virtual' END,
         'identity=' || CASE attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END,
         'collation=' || CASE WHEN attcollation <> typcollation THEN attcollation::regcollation::text END,
         'storage=' || nullif(attstorage::text, typstorage::text),
         'compression=' || nullif(attcompression::text, ''),
         'statistics=' || nullif(attstattarget, -1),
         'options=' || (SELECT string_agg(o, ',' ORDER BY o) FROM unnest(attoptions) o),
         'foreign options=' || (SELECT string_agg(o, ',' ORDER BY o) FROM unnest(attfdwoptions) o),
         'inherited=' || CASE WHEN attinhcount > 0 THEN attinhcount || CASE WHEN attislocal THEN ' and local' ELSE '' END END,
         'acl=' || (SELECT string_agg(x::text, ',' ORDER BY x::text) FROM unnest(attacl) x)), source
  FROM rel JOIN pg_attribute a ON a.attrelid = rel.oid JOIN pg_type t ON t.oid = a.atttypid
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND attnum > 0 AND NOT attisdropped
UNION ALL
SELECT 'column order', format('%I.%I', nspname, relname), string_agg(quote_ident(attname), ', ' ORDER BY attnum), source
  FROM rel JOIN pg_attribute a ON a.attrelid = rel.oid
 WHERE relkind IN ('r', 'p', 'f', 'c') AND attnum > 0 AND NOT attisdropped GROUP BY nspname, relname, source
UNION ALL
SELECT 'constraint', format('%I.%I.%I', nspname, relname, conname), concat_ws(E'\x1f',
         'definition=' || pg_get_constraintdef(con.oid),
         'valid=' || CASE WHEN NOT convalidated THEN 'no' END,
         'enforced=' || CASE WHEN NOT coalesce((to_jsonb(con) ->> 'conenforced')::boolean, true) THEN 'no' END,
         'inherited=' || CASE WHEN coninhcount > 0 THEN coninhcount || CASE WHEN conislocal THEN ' and local' ELSE '' END END), source
  FROM rel JOIN pg_constraint con ON con.conrelid = rel.oid WHERE contype <> 't'
UNION ALL
SELECT 'index', format('%I.%I', nspname, relname), concat_ws(E'\x1f',
         'definition=' || pg_get_indexdef(rel.oid),
         'valid=' || CASE WHEN NOT indisvalid THEN 'no' END,
         'clustered=' || CASE WHEN indisclustered THEN 'yes' END,
         'replica identity=' || CASE WHEN indisreplident THEN 'yes' END,
         'parent=' || (SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = rel.oid),
         'tablespace=' || (SELECT spcname FROM pg_tablespace s WHERE s.oid = reltablespace),
         'statistics=' || (SELECT string_agg(attname || ':' || attstattarget, ',' ORDER BY attnum)
                             FROM pg_attribute WHERE attrelid = rel.oid AND attstattarget >= 0)), source
  FROM rel JOIN pg_index i ON i.indexrelid = rel.oid
UNION ALL
SELECT 'sequence', format('%I.%I', nspname, relname), concat_ws(E'\x1f',
         'type=' || format_type(seqtypid, NULL), 'start=' || seqstart, 'increment=' || seqincrement,
         'minimum=' || seqmin, 'maximum=' || seqmax, 'cache=' || seqcache, 'cycle=' || CASE WHEN seqcycle THEN 'yes' END,
         'persistence=' || CASE relpersistence WHEN 'u' THEN 'unlogged' END,
         'owned by=' || (SELECT string_agg(refobjid::regclass::text || '.' || quote_ident(attname), ',')
                           FROM pg_depend JOIN pg_attribute ON attrelid = refobjid AND attnum = refobjsubid
                          WHERE classid = 'pg_class'::regclass AND objid = rel.oid
                            AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i')),
         'owner=' || pg_get_userbyid(relowner),
         'acl=' || nullif(CASE WHEN relacl IS NOT NULL THEN (SELECT coalesce(string_agg(x::text, ',' ORDER BY x::text), 'nobody') FROM unnest(relacl) x) END,
                          (SELECT string_agg(x::text, ',' ORDER BY x::text) FROM unnest(acldefault('s', relowner)) x))), source
  FROM rel JOIN pg_sequence s ON s.seqrelid = rel.oid
UNION ALL
SELECT 'trigger', format('%I.%I.%I', nspname, relname, tgname), concat_ws(E'\x1f',
         'definition=' || pg_get_triggerdef(t.oid),
         'enabled=' || CASE tgenabled WHEN 'D' THEN 'no' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END), source
  FROM rel JOIN pg_trigger t ON t.tgrelid = rel.oid WHERE NOT tgisinternal
UNION ALL
SELECT 'policy', format('%I.%I.%I', nspname, relname, polname), concat_ws(E'\x1f',
         'command=' || CASE polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert' WHEN 'w' THEN 'update' WHEN 'd' THEN 'delete' ELSE 'all' END,
         'restrictive=' || CASE WHEN NOT polpermissive THEN 'yes' END,
         'roles=' || (SELECT string_agg(CASE WHEN r = 0 THEN 'public' ELSE pg_get_userbyid(r)::text END, ',' ORDER BY 1) FROM unnest(polroles) r),
         'using=' || pg_get_expr(polqual, polrelid), 'check=' || pg_get_expr(polwithcheck, polrelid)), source
  FROM rel JOIN pg_policy p ON p.polrelid = rel.oid
UNION ALL
SELECT 'rule', format('%I.%I.%I', nspname, relname, rulename), concat_ws(E'\x1f',
         'definition=' || pg_get_ruledef(r.oid), 'enabled=' || nullif(ev_enabled::text, 'O')), source
  FROM rel JOIN pg_rewrite r ON r.ev_class = rel.oid WHERE rulename <> '_RETURN'
UNION ALL
SELECT 'statistics', format('%I.%I', ns.nspname, stxname), concat_ws(E'\x1f',
         'definition=' || pg_get_statisticsobjdef(s.oid), 'target=' || nullif(stxstattarget, -1), 'owner=' || pg_get_userbyid(stxowner)),
       'pg_statistic_ext'::regclass::oid::bigint << 32 | s.oid::bigint
  FROM pg_statistic_ext s JOIN ns ON ns.oid = stxnamespace
/*changed
 WHERE s.oid = ANY (ARRAY(SELECT id FROM changed WHERE catalog = 'pg_statistic_ext'::regclass))
*/
UNION ALL
SELECT CASE prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END,
       format('%I.%I(%s)', ns.nspname, proname, pg_get_function_identity_arguments(p.oid)), concat_ws(E'\x1f',
         'definition=' || CASE WHEN prokind <> 'a' THEN pg_get_functiondef(p.oid) ELSE
            (SELECT concat_ws(' ', aggtransfn, aggfinalfn, aggcombinefn, aggtranstype::regtype, agginitval) FROM pg_aggregate g WHERE g.aggfnoid = p.oid) END,
         'owner=' || pg_get_userbyid(proowner),
         'acl=' || nullif(CASE WHEN proacl IS NOT NULL THEN (SELECT coalesce(string_agg(x::text, ',' ORDER BY x::text), 'nobody') FROM unnest(proacl) x) END,
                          (SELECT string_agg(x::text, ',' ORDER BY x::text) FROM unnest(acldefault('f', proowner)) x))),
       'pg_proc'::regclass::oid::bigint << 32 | p.oid::bigint
  FROM pg_proc p JOIN ns ON ns.oid = pronamespace
 WHERE NOT EXISTS (SELECT 1 FROM ext WHERE ext.classid = 'pg_proc'::regclass AND ext.objid = p.oid)
/*changed
   AND p.oid = ANY (ARRAY(SELECT id FROM changed WHERE catalog = 'pg_proc'::regclass))
*/
UNION ALL
SELECT CASE typtype WHEN 'd' THEN 'domain' WHEN 'e' THEN 'enum' ELSE 'type' END, format('%I.%I', ns.nspname, typname), concat_ws(E'\x1f',
         'labels=' || (SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid),
         'base=' || CASE WHEN typbasetype <> 0 THEN format_type(typbasetype, typtypmod) END,
         'not null=' || CASE WHEN typnotnull THEN 'yes' END,
         'default=' || typdefault,
         'collation=' || CASE WHEN typtype = 'd' AND typcollation <> (SELECT b.typcollation FROM pg_type b WHERE b.oid = t.typbasetype) THEN typcollation::regcollation::text END,
         'checks=' || (SELECT string_agg(quote_ident(conname) || ' ' || pg_get_constraintdef(oid), '; ' ORDER BY conname) FROM pg_constraint WHERE contypid = t.oid),
         'range of=' || (SELECT format_type(rngsubtype, NULL) FROM pg_range WHERE rngtypid = t.oid),
         'owner=' || pg_get_userbyid(typowner),
         'acl=' || nullif(CASE WHEN typacl IS NOT NULL THEN (SELECT coalesce(string_agg(x::text, ',' ORDER BY x::text), 'nobody') FROM unnest(typacl) x) END,
                          (SELECT string_agg(x::text, ',' ORDER BY x::text) FROM unnest(acldefault('T', typowner)) x))),
       'pg_type'::regclass::oid::bigint << 32 | t.oid::bigint
  FROM pg_type t JOIN ns ON ns.oid = typnamespace
 WHERE (typtype IN ('e', 'd', 'r') OR (typtype = 'c' AND (SELECT relkind FROM pg_class WHERE oid = typrelid) = 'c'))
   AND NOT EXISTS (SELECT 1 FROM ext WHERE ext.classid = 'pg_type'::regclass AND ext.objid = t.oid)
/*changed
   AND t.oid = ANY (ARRAY(SELECT id FROM changed WHERE catalog = 'pg_type'::regclass))
*/
UNION ALL
SELECT 'comment', i.type || ' ' || i.identity, 'text=' || description, -(classoid::bigint << 32 | objoid::bigint)
  FROM pg_description d, pg_identify_object(d.classoid, d.objoid, d.objsubid) i
 WHERE (d.objoid >= 16384 OR (d.classoid = 'pg_namespace'::regclass AND d.objoid = to_regnamespace('public')))
   AND i.schema IS DISTINCT FROM 'safemigrate' AND i.identity IS NOT NULL
   AND NOT (i.type = 'schema' AND i.identity = 'safemigrate')
   AND NOT (d.classoid = 'pg_class'::regclass AND d.objoid = current_setting('safemigrate.version_table')::oid)
   AND NOT EXISTS (SELECT 1 FROM ext WHERE ext.classid = d.classoid AND ext.objid = d.objoid)
/*changed
   AND d.objoid = ANY (ARRAY(
         SELECT id FROM changed
         UNION ALL SELECT oid FROM pg_constraint WHERE conrelid = ANY (ARRAY(SELECT id FROM changed))
         UNION ALL SELECT oid FROM pg_constraint WHERE contypid = ANY (ARRAY(SELECT id FROM changed))
         UNION ALL SELECT oid FROM pg_trigger WHERE tgrelid = ANY (ARRAY(SELECT id FROM changed))
         UNION ALL SELECT oid FROM pg_policy WHERE polrelid = ANY (ARRAY(SELECT id FROM changed))
         UNION ALL SELECT oid FROM pg_rewrite WHERE ev_class = ANY (ARRAY(SELECT id FROM changed))))
*/
UNION ALL
SELECT 'publication', quote_ident(pubname), concat_ws(E'\x1f',
         'all tables=' || CASE WHEN puballtables THEN 'yes' END,
         'publishes=' || concat_ws(',', CASE WHEN pubinsert THEN 'insert' END, CASE WHEN pubupdate THEN 'update' END,
                                   CASE WHEN pubdelete THEN 'delete' END, CASE WHEN pubtruncate THEN 'truncate' END),
         'via root=' || CASE WHEN pubviaroot THEN 'yes' END,
         'tables=' || CASE WHEN NOT puballtables THEN
            (SELECT string_agg(format('%I.%I', v.schemaname, v.tablename) || coalesce(' ' || (to_jsonb(v) ->> 'attnames'), '')
                               || coalesce(' where ' || (to_jsonb(v) ->> 'rowfilter'), ''), ',' ORDER BY v.schemaname, v.tablename)
               FROM pg_publication_tables v WHERE v.pubname = p.pubname) END), 'pg_publication'::regclass::oid::bigint << 32 | p.oid::bigint
  FROM pg_publication p
/*changed
 WHERE p.oid = ANY (ARRAY(SELECT id FROM changed WHERE catalog = 'pg_publication'::regclass))
*/
-- rest
UNION ALL
SELECT 'schema', quote_ident(nspname), concat_ws(E'\x1f',
         'owner=' || pg_get_userbyid(nspowner),
         'acl=' || nullif(CASE WHEN nspacl IS NOT NULL THEN (SELECT coalesce(string_agg(x::text, ',' ORDER BY x::text), 'nobody') FROM unnest(nspacl) x) END,
                          (SELECT string_agg(x::text, ',' ORDER BY x::text) FROM unnest(acldefault('n', nspowner)) x))), 0
  FROM ns
UNION ALL
SELECT 'extension', quote_ident(extname), concat_ws(E'\x1f', 'version=' || extversion, 'schema=' || extnamespace::regnamespace), 0 FROM pg_extension
UNION ALL
SELECT 'default privileges', concat_ws(' ', pg_get_userbyid(defaclrole), CASE WHEN defaclnamespace <> 0 THEN defaclnamespace::regnamespace END,
         CASE defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas' ELSE defaclobjtype::text END),
       'acl=' || (SELECT string_agg(x::text, ',' ORDER BY x::text) FROM unnest(defaclacl) x), 0
  FROM pg_default_acl
UNION ALL
SELECT 'event trigger', quote_ident(evtname), concat_ws(E'\x1f', 'event=' || evtevent, 'function=' || evtfoid::regproc,
         'enabled=' || nullif(evtenabled::text, 'O'), 'tags=' || evttags::text), 0
  FROM pg_event_trigger
UNION ALL
SELECT 'setting', coalesce('role ' || pg_get_userbyid(nullif(setrole, 0)), 'database'),
       'configuration=' || (SELECT string_agg(o, ',' ORDER BY o) FROM unnest(setconfig) o), 0
  FROM pg_db_role_setting WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
UNION ALL
-- Kinds that migrations rarely touch: that they are there, and whose they are.
SELECT i.type, i.identity, '', 0
  FROM (SELECT 'pg_cast'::regclass, oid FROM pg_cast
        UNION ALL SELECT 'pg_collation'::regclass, oid FROM pg_collation
        UNION ALL SELECT 'pg_conversion'::regclass, oid FROM pg_conversion
        UNION ALL SELECT 'pg_foreign_data_wrapper'::regclass, oid FROM pg_foreign_data_wrapper
        UNION ALL SELECT 'pg_foreign_server'::regclass, oid FROM pg_foreign_server
        -- the table itself may not be read by everybody
        UNION ALL SELECT 'pg_user_mapping'::regclass, umid FROM pg_user_mappings
        UNION ALL SELECT 'pg_language'::regclass, oid FROM pg_language
        UNION ALL SELECT 'pg_operator'::regclass, oid FROM pg_operator
        UNION ALL SELECT 'pg_opclass'::regclass, oid FROM pg_opclass
        UNION ALL SELECT 'pg_opfamily'::regclass, oid FROM pg_opfamily
        UNION ALL SELECT 'pg_transform'::regclass, oid FROM pg_transform
        UNION ALL SELECT 'pg_ts_config'::regclass, oid FROM pg_ts_config
        UNION ALL SELECT 'pg_ts_dict'::regclass, oid FROM pg_ts_dict
        UNION ALL SELECT 'pg_ts_parser'::regclass, oid FROM pg_ts_parser
        UNION ALL SELECT 'pg_ts_template'::regclass, oid FROM pg_ts_template) o (class, oid),
       pg_identify_object(o.class, o.oid, 0) i
 WHERE o.oid >= 16384
   AND NOT EXISTS (SELECT 1 FROM ext WHERE ext.classid = o.class AND ext.objid = o.oid)
