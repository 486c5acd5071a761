-- R051 warning tables
-- A materialized view has no unique index that REFRESH … CONCURRENTLY could use.
-- fix: create a unique index over plain columns, without WHERE: a plain REFRESH stops all readers
SELECT rel.name, 'no unique index over plain columns', '', NULL::text
FROM rel
WHERE rel.relkind = 'm' AND NOT EXISTS (SELECT FROM idx AS i WHERE i.indrelid = rel.oid
    AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL)
