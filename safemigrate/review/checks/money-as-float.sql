-- R013 error types verify
-- An amount of money is a float, or of the type money.
-- fix: make it numeric with a scale: floats do not add up, and money rounds by the server's locale
SELECT col.name, col.type, '', NULL::text
FROM col
WHERE col.atttypid = 'money'::regtype OR (col.atttypid IN ('float4'::regtype, 'float8'::regtype)
    AND col.attname ~* '(^|_)(amount|price|cost|total|balance|fee|tax|vat|charge|credit|debit|salary|revenue|discount|payment|paid)(_|$)')
