-- R038 info types
-- A generated column is virtual, which is what 18 makes without a word: no index can have it.
-- fix: write STORED where it is searched by
SELECT col.name, 'virtual', '', NULL::text FROM col WHERE col.attgenerated = 'v'
