-- R039 info live live
-- A table is so big that it is hard to keep, and has a time by which it could be partitioned.
-- fix: partition it by range, if old rows are thrown away or rarely read
SELECT tab.name, format('%s, about %s rows, by %s', pg_size_pretty(pg_total_relation_size(tab.oid)),
        tab.reltuples::bigint, t.attname), '', NULL::text
FROM tab JOIN LATERAL (
    SELECT min(col.attname) AS attname FROM col
    WHERE col.attrelid = tab.oid AND col.atttypid IN ('timestamptz'::regtype, 'date'::regtype)
) AS t ON t.attname IS NOT NULL
WHERE tab.relkind = 'r' AND (tab.reltuples > 5e7 OR pg_total_relation_size(tab.oid) > 50 * 1024 ^ 3)
