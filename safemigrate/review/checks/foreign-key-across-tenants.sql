-- R047 info security
-- Two tables have the column of a tenant, and the foreign key between them has not.
-- fix: refer to (tenant_id, id), so that no row can refer to another tenant's
SELECT tab.name, quote_ident(k.conname), k.conname, NULL::text
FROM tab JOIN pg_constraint AS k ON k.conrelid = tab.oid AND k.contype = 'f' AND k.conparentid = 0
JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND NOT a.attisdropped
    AND a.attname IN ('tenant_id', 'organization_id', 'org_id')
JOIN pg_attribute AS b ON b.attrelid = k.confrelid AND b.attname = a.attname AND NOT b.attisdropped
WHERE NOT a.attnum = ANY (k.conkey) AND NOT b.attnum = ANY (k.confkey)
