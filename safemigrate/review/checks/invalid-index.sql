-- R006 error indexes
-- An index is not valid: a build that failed left it, it is written, and no query uses it.
-- fix: drop it CONCURRENTLY and build it anew, or REINDEX INDEX CONCURRENTLY
-- A build that still runs is none of them, nor is the parent of indexes that are not all attached.
SELECT i.table_name, i.name, i.relname, format('REINDEX INDEX CONCURRENTLY %s', i.name)
FROM idx AS i
WHERE NOT (i.indisvalid AND i.indisready) AND i.relkind = 'i'
    AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index AS p
        WHERE p.index_relid = i.indexrelid)
