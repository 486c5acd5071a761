-- R005 info live live
-- No query has used an index since the statistics began.
-- fix: look at every replica, and at what runs once a month, before it is dropped
SELECT i.table_name, format('%s: no scan, %s, statistics since %s', i.name,
        pg_size_pretty(pg_relation_size(i.indexrelid)),
        coalesce((SELECT stats_reset::date::text FROM pg_stat_database
                  WHERE datname = current_database()), 'the beginning')),
    i.relname, format('DROP INDEX CONCURRENTLY %s', i.name)
FROM idx AS i JOIN pg_stat_user_indexes AS s ON s.indexrelid = i.indexrelid
WHERE s.idx_scan = 0 AND NOT i.indisunique AND NOT i.indisexclusion AND i.indisvalid
    AND NOT EXISTS (SELECT FROM pg_constraint AS k WHERE k.contype = 'f' AND k.conrelid = i.indrelid
        AND k.conkey[1] = i.keys[0])
