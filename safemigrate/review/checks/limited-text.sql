-- R016 info types
-- A column of text has a length in its type, or is padded with blanks.
-- fix: make it text, with a CHECK where the length is a rule of the business
SELECT col.name, col.type, '', NULL::text
FROM col
WHERE col.atttypid = 'bpchar'::regtype OR (col.atttypid = 'varchar'::regtype AND col.atttypmod <> -1)
