-- R019 warning constraints
-- A unique index of several columns has a nullable one, and rows with NULL in it never collide.
-- fix: make the column NOT NULL, say NULLS NOT DISTINCT (15 on), or add WHERE … IS NOT NULL
SELECT i.table_name, format('%s: nullable %s', i.name, string_agg(quote_ident(a.attname), ', ' ORDER BY u.place)),
    i.relname, NULL::text
FROM idx AS i
CROSS JOIN LATERAL unnest(i.keys) WITH ORDINALITY AS u (number, place)
JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = u.number
WHERE i.indisunique AND NOT i.indisprimary AND NOT i.relispartition AND i.indnkeyatts > 1
    AND u.place <= i.indnkeyatts AND NOT a.attnotnull
    AND NOT coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::boolean, false)
    AND position(format('(%I IS NOT NULL)', a.attname) IN coalesce(i.predicate, '')) = 0
GROUP BY i.table_name, i.name, i.relname
