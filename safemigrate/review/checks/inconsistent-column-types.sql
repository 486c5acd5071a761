-- R044 info types
-- Columns of one name have several types.
-- fix: give them one, or names that say how they differ
SELECT quote_ident(col.attname), string_agg(DISTINCT col.type, ', '), '', NULL::text
FROM col WHERE col.attname NOT IN ('id', 'name', 'type', 'status', 'value', 'data', 'kind')
GROUP BY col.attname HAVING count(DISTINCT col.atttypid) > 1
