-- R046 info keys
-- Tables refer to each other in a circle, so that none of them can be filled first.
-- fix: make one of the keys DEFERRABLE, or nullable, or do without it
SELECT min(c.name), string_agg(c.name, ', ' ORDER BY c.name), '', NULL::text
FROM (
    WITH RECURSIVE edge AS (
        SELECT DISTINCT k.conrelid AS a, k.confrelid AS b
        FROM pg_constraint AS k JOIN tab ON tab.oid = k.conrelid
        WHERE k.contype = 'f' AND k.conparentid = 0 AND k.conrelid <> k.confrelid
    ), reach (a, b) AS (
        SELECT a, b FROM edge UNION SELECT r.a, e.b FROM reach AS r JOIN edge AS e ON e.a = r.b
    )
    SELECT r.a::regclass::text AS name, min(r.b::regclass::text) AS circle
    FROM reach AS r JOIN reach AS back ON back.a = r.b AND back.b = r.a
    GROUP BY r.a
) AS c
GROUP BY c.circle
