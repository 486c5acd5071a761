-- R008 error live live
-- A sequence has given more than 70 % of the numbers that it, or the column it fills, can hold.
-- fix: make the column a bigint, and the sequence with it, while there is time
SELECT rel.name, format('%s of %s (%s %%)%s', s.last_value, l.limit_, round(100.0 * s.last_value / l.limit_, 1),
        coalesce(' for ' || o.column_name, '')), '', NULL::text
FROM rel
JOIN pg_sequences AS s ON s.schemaname = rel.nspname AND s.sequencename = rel.relname
JOIN pg_sequence AS q ON q.seqrelid = rel.oid
LEFT JOIN LATERAL (
    SELECT d.refobjid::regclass::text || '.' || quote_ident(a.attname) AS column_name, a.atttypid
    FROM pg_depend AS d JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
    WHERE d.classid = 'pg_class'::regclass AND d.objid = rel.oid
        AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
    LIMIT 1
) AS o ON true
CROSS JOIN LATERAL (SELECT least(q.seqmax, CASE o.atttypid WHEN 'int2'::regtype THEN 32767
    WHEN 'int4'::regtype THEN 2147483647 ELSE 9223372036854775807 END) AS limit_) AS l
WHERE q.seqincrement > 0 AND NOT q.seqcycle AND s.last_value > 0.7 * l.limit_
