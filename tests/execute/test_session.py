"""Which statements run without a lock timeout."""

import pytest

from safemigrate.execute.session import is_concurrent


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX CONCURRENTLY i ON t (c)",
        "create unique index\n  concurrently if not exists i on t (c)",
        "-- why\nCREATE INDEX /* online */ CONCURRENTLY i ON t (c)",
        "DROP INDEX CONCURRENTLY i",
        "REINDEX TABLE CONCURRENTLY t",
        "REINDEX (VERBOSE) INDEX CONCURRENTLY i",
        "ALTER TABLE p DETACH PARTITION c CONCURRENTLY",
    ],
)
def test_a_statement_that_leaves_something_invalid_runs_without_one(statement: str) -> None:
    assert is_concurrent(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX i ON t (c)",
        'CREATE INDEX "CONCURRENTLY" ON t (c)',
        "CREATE INDEX i ON t (c) -- not CONCURRENTLY",
        "CREATE INDEX i ON t ((c || 'CONCURRENTLY'))",
        "COMMENT ON INDEX i IS 'built CONCURRENTLY'",
        "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS $f$ SELECT 1 /* CONCURRENTLY */ $f$",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
        "ALTER TABLE t VALIDATE CONSTRAINT c",
    ],
)
def test_every_other_statement_runs_with_it(statement: str) -> None:
    assert not is_concurrent(statement)
