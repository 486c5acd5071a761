-- R052 info tables
-- A table partitioned by range or list refuses rows that none of its partitions is for.
-- fix: make partitions ahead of time; a default one takes such rows, and is scanned at each ATTACH
SELECT rel.name, format('%s partitions, no default', (SELECT count(*) FROM pg_inherits AS i
        WHERE i.inhparent = rel.oid)), '', NULL::text
FROM rel JOIN pg_partitioned_table AS p ON p.partrelid = rel.oid
WHERE p.partdefid = 0 AND p.partstrat IN ('r', 'l')
