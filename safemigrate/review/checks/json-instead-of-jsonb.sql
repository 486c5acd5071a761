-- R017 warning types
-- A column is json, which is kept as text: it cannot be compared, indexed or searched.
-- fix: make it jsonb, unless its white space and the order of its keys matter
SELECT col.name, col.type, '', NULL::text FROM col WHERE col.atttypid = 'json'::regtype
