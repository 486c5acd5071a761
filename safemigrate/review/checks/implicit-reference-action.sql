-- R022 info keys
-- A foreign key does nothing when its parent row goes, which is also what nobody decided on.
-- fix: decide, and write ON DELETE; the catalog cannot tell NO ACTION from nothing written
SELECT tab.name, format('%I: ON UPDATE NO ACTION ON DELETE NO ACTION', k.conname), k.conname, NULL::text
FROM tab JOIN pg_constraint AS k ON k.conrelid = tab.oid AND k.contype = 'f' AND k.conparentid = 0
WHERE k.confdeltype = 'a' AND k.confupdtype = 'a'
