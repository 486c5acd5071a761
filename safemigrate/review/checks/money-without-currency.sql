-- R015 info types
-- A table has amounts of money, and no column says in which currency.
-- fix: add the currency beside the amount, unless there is only one
SELECT col.table_name, string_agg(quote_ident(col.attname), ', ' ORDER BY col.attnum), '', NULL::text
FROM col
WHERE col.atttypid = 'numeric'::regtype
    AND col.attname ~* '(^|_)(amount|price|balance|fee|charge|payment)(_|$)'
    AND NOT EXISTS (SELECT FROM col AS b WHERE b.attrelid = col.attrelid
        AND b.attname ~* '(currency|ccy|iso4217)')
GROUP BY col.table_name
