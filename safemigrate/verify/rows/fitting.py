"""Which values a type takes, as the server says."""

from collections.abc import Mapping, Sequence

from psycopg import sql

from safemigrate.trace import Connection

__all__ = ["Types", "find_fitting"]

# A type as SQL writes it, and another one that is to hold the same value, or "".
Types = tuple[str, str]

# A subtransaction each, so that one refused does not end the query. The transaction is rolled
# back, and with it the function.
_FUNCTION = """
CREATE FUNCTION pg_temp.safemigrate_fits(value text, type text, other text) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
  written text;
  again text;
BEGIN
  EXECUTE pg_catalog.format('SELECT %L::%s::text', value, type) INTO written;
  IF other = '' THEN
    RETURN true;
  END IF;
  -- a cast cuts off what is too long and rounds; the way there and back tells
  EXECUTE pg_catalog.format('SELECT %L::%s::text::%s::text', written, other, type) INTO again;
  RETURN written = again;
EXCEPTION WHEN others THEN
  RETURN false;
END $$
"""
_QUERY = """
SELECT pg_catalog.array_agg(pg_temp.safemigrate_fits(value, type, other) ORDER BY position)
  FROM unnest({}::text[], {}::text[], {}::text[])
       WITH ORDINALITY AS tried(value, type, other, position)
"""


def find_fitting(
    connection: Connection, tried: Mapping[Types, Sequence[str]]
) -> Mapping[Types, frozenset[str]]:
    """Return, for each type or pair of types, those of the values that it takes."""
    pairs = [(value, one) for one, values in tried.items() for value in values]
    if not pairs:
        return {}
    with connection.transaction(force_rollback=True):
        connection.execute(_FUNCTION)
        query = sql.SQL(_QUERY).format(
            sql.Literal([value for value, _ in pairs]),
            sql.Literal([type_ for _, (type_, _) in pairs]),
            sql.Literal([other for _, (_, other) in pairs]),
        )
        row = connection.execute(query).fetchone()
    verdicts = row[0] if row else []
    fitting: dict[Types, set[str]] = {one: set() for one in tried}
    for (value, one), fits in zip(pairs, verdicts, strict=True):
        if fits:
            fitting[one].add(value)
    return {one: frozenset(values) for one, values in fitting.items()}
