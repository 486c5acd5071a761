-- R050 info naming
-- A table does not say when its rows were made, or changed.
-- fix: add created_at and updated_at, where anybody will ask
SELECT tab.name, concat_ws(', ', CASE WHEN NOT made.is_there THEN 'no created_at' END,
        CASE WHEN NOT changed.is_there THEN 'no updated_at' END), '', NULL::text
FROM tab
CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM col WHERE col.attrelid = tab.oid
    AND col.attname = 'created_at') AS is_there) AS made
CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM col WHERE col.attrelid = tab.oid
    AND col.attname IN ('updated_at', 'modified_at')) AS is_there) AS changed
WHERE NOT (made.is_there AND changed.is_there)
