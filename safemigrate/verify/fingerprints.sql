-- What is stored of each source of snapshot.sql, as (source, rows, aging, age): how many rows, how many
-- of them age, and the sum of their ages. A row that is written gets a newer xmin. As long as nothing
-- of a source is written, the numbers of rows stay, and each that ages does so by as much as the
-- fixed xid whose age comes first, with source NULL; frozen rows do not age. What snapshot.sql reads
-- last has source 0. (Of a source that is one row, its age says whether it ages.) Catalogs have rows of the server's own, below oid 16384. Runs on 14 to 18.
SELECT NULL::bigint, 1::bigint, 1::bigint, age(xid '3')::bigint
UNION ALL
SELECT 'pg_class'::regclass::oid::bigint << 32 | id::bigint, count(*), count(age), sum(age)
  FROM (SELECT oid AS id, nullif(age(xmin), 2147483647) AS age FROM pg_class WHERE oid >= 16384
        UNION ALL SELECT attrelid, nullif(age(xmin), 2147483647) FROM pg_attribute WHERE attrelid >= 16384 AND attnum > 0
        UNION ALL SELECT adrelid, nullif(age(xmin), 2147483647) FROM pg_attrdef
        UNION ALL SELECT conrelid, nullif(age(xmin), 2147483647) FROM pg_constraint WHERE conrelid >= 16384
        UNION ALL SELECT indexrelid, nullif(age(xmin), 2147483647) FROM pg_index WHERE indexrelid >= 16384
        UNION ALL SELECT inhrelid, nullif(age(xmin), 2147483647) FROM pg_inherits
        UNION ALL SELECT seqrelid, nullif(age(xmin), 2147483647) FROM pg_sequence
        UNION ALL SELECT tgrelid, nullif(age(xmin), 2147483647) FROM pg_trigger
        UNION ALL SELECT polrelid, nullif(age(xmin), 2147483647) FROM pg_policy
        UNION ALL SELECT ev_class, nullif(age(xmin), 2147483647) FROM pg_rewrite WHERE ev_class >= 16384
        UNION ALL SELECT ftrelid, nullif(age(xmin), 2147483647) FROM pg_foreign_table) relations
 GROUP BY id
UNION ALL
SELECT 'pg_type'::regclass::oid::bigint << 32 | id::bigint, count(*), count(age), sum(age)
  FROM (SELECT oid AS id, nullif(age(xmin), 2147483647) AS age FROM pg_type WHERE oid >= 16384
        UNION ALL SELECT enumtypid, nullif(age(xmin), 2147483647) FROM pg_enum
        UNION ALL SELECT contypid, nullif(age(xmin), 2147483647) FROM pg_constraint WHERE contypid >= 16384) types
 GROUP BY id
UNION ALL
SELECT 'pg_proc'::regclass::oid::bigint << 32 | oid::bigint, 1, NULL, nullif(age(xmin), 2147483647) FROM pg_proc WHERE oid >= 16384
UNION ALL
SELECT 'pg_statistic_ext'::regclass::oid::bigint << 32 | oid::bigint, 1, NULL, nullif(age(xmin), 2147483647) FROM pg_statistic_ext
UNION ALL
SELECT 'pg_publication'::regclass::oid::bigint << 32 | oid::bigint, 1, NULL, nullif(age(xmin), 2147483647) FROM pg_publication
UNION ALL
SELECT -(classoid::bigint << 32 | objoid::bigint), count(*), count(age), sum(age)
  FROM (SELECT classoid, objoid, nullif(age(xmin), 2147483647) AS age FROM pg_description WHERE objoid >= 16384
        UNION ALL SELECT classoid, objoid, nullif(age(xmin), 2147483647) FROM pg_description
                   WHERE objoid = to_regnamespace('public') AND classoid = 'pg_namespace'::regclass) comments
 GROUP BY classoid, objoid
UNION ALL
SELECT 0, count(*), count(age), sum(age)
  FROM (SELECT nullif(age(xmin), 2147483647) AS age FROM pg_namespace WHERE nspname !~ '^pg_'
        UNION ALL SELECT nullif(age(xmin), 2147483647) FROM pg_extension
        UNION ALL SELECT nullif(age(xmin), 2147483647) FROM pg_depend WHERE refclassid IN ('pg_extension'::regclass, 'pg_publication'::regclass)
        UNION ALL SELECT nullif(age(xmin), 2147483647) FROM pg_default_acl
        UNION ALL SELECT nullif(age(xmin), 2147483647) FROM pg_event_trigger
        UNION ALL SELECT nullif(age(xmin), 2147483647) FROM pg_db_role_setting
                   WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
        UNION ALL SELECT nullif(age(xmin), 2147483647) FROM pg_tablespace
        UNION ALL SELECT age(xid '3') + (hashtext(oid || rolname) & 65535) FROM pg_roles
        UNION ALL SELECT nullif(age(xmin), 2147483647) FROM pg_cast WHERE oid >= 16384
        UNION ALL SELECT nullif(age(xmin), 2147483647) FROM pg_collation WHERE oid >= 16384
        UNION ALL SELECT nullif(age(xmin), 2147483647) FROM pg_conversion WHERE oid >= 16384
        UNION ALL SELECT nullif(age(xmin), 2147483647) FROM pg_foreign_data_wrapper
        UNION ALL SELECT nullif(age(xmin), 2147483647) FROM pg_foreign_server
        UNION ALL SELECT age(xid '3') + (hashtext(umid::text) & 65535) FROM pg_user_mappings
        UNION ALL SELECT nullif(age(xmin), 2147483647) FROM pg_language
        UNION ALL SELECT nullif(age(xmin), 2147483647) FROM pg_operator WHERE oid >= 16384
        UNION ALL SELECT nullif(age(xmin), 2147483647) FROM pg_opclass WHERE oid >= 16384
        UNION ALL SELECT nullif(age(xmin), 2147483647) FROM pg_opfamily WHERE oid >= 16384
        UNION ALL SELECT nullif(age(xmin), 2147483647) FROM pg_transform
        UNION ALL SELECT nullif(age(xmin), 2147483647) FROM pg_ts_config WHERE oid >= 16384
        UNION ALL SELECT nullif(age(xmin), 2147483647) FROM pg_ts_dict WHERE oid >= 16384
        UNION ALL SELECT nullif(age(xmin), 2147483647) FROM pg_ts_parser WHERE oid >= 16384
        UNION ALL SELECT nullif(age(xmin), 2147483647) FROM pg_ts_template WHERE oid >= 16384) others
