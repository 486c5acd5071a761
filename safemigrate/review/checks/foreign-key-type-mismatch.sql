-- R010 error keys verify
-- A column of a foreign key has another type, or collation, than the column it refers to.
-- fix: give both the same type: a join converts one of them, and values of one may not fit the other
-- A domain counts as what it is made of, and varchar as text, which it is but for its length.
SELECT tab.name, format('%I: %I is %s, and %s.%I is %s', k.conname, a.attname,
        format_type(a.atttypid, a.atttypmod), k.confrelid::regclass, f.attname,
        format_type(f.atttypid, f.atttypmod)),
    k.conname || ' ' || a.attname, NULL::text
FROM tab
JOIN pg_constraint AS k ON k.conrelid = tab.oid AND k.contype = 'f' AND k.conparentid = 0
CROSS JOIN LATERAL unnest(k.conkey, k.confkey) AS u (own, other)
JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.own
JOIN pg_attribute AS f ON f.attrelid = k.confrelid AND f.attnum = u.other
JOIN pg_type AS t ON t.oid = a.atttypid
JOIN pg_type AS o ON o.oid = f.atttypid
CROSS JOIN LATERAL (SELECT coalesce(nullif(t.typbasetype, 0), t.oid) AS own,
    coalesce(nullif(o.typbasetype, 0), o.oid) AS other) AS base
WHERE a.attcollation <> f.attcollation OR (base.own <> base.other
    AND NOT (base.own = ANY ('{text,varchar}'::regtype[]) AND base.other = ANY ('{text,varchar}'::regtype[])))
