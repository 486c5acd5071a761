-- R014 warning types
-- An amount of money is numeric without a scale, and takes any number of digits.
-- fix: say how many, such as numeric(12, 2)
SELECT col.name, col.type, '', NULL::text
FROM col
WHERE col.atttypid = 'numeric'::regtype AND col.atttypmod = -1
    AND col.attname ~* '(^|_)(amount|price|cost|total|balance|fee|tax|vat|charge|credit|debit|salary|revenue|discount|payment|paid)(_|$)'
