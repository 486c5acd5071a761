"""Sentences about one table, and about several."""

from collections.abc import Callable

import pytest

from safemigrate.model import LintResult

Lint = Callable[..., LintResult]

SHUT_ONE = "ALTER TABLE recipe ADD COLUMN a int;"
SHUT_TWO = "ALTER TABLE recipe ADD COLUMN a int; ALTER TABLE cook ADD COLUMN a int;"


@pytest.mark.parametrize(
    ("shut", "sql", "rule", "ending"),
    [
        (
            SHUT_ONE,
            "UPDATE recipe SET a = 1",
            "backfill-in-same-transaction",
            "while public.recipe is shut",
        ),
        (
            SHUT_TWO,
            "UPDATE recipe SET a = 1",
            "backfill-in-same-transaction",
            "while public.recipe and public.cook are shut",
        ),
        (
            SHUT_ONE,
            "CREATE TABLE menu AS SELECT id FROM spoon",
            "work-under-exclusive-lock",
            'while "public.recipe" is shut',
        ),
        (
            SHUT_TWO,
            "CREATE TABLE menu AS SELECT id FROM spoon",
            "work-under-exclusive-lock",
            'while "public.recipe" and "public.cook" are shut',
        ),
    ],
)
def test_what_is_shut_agrees_with_its_number(
    lint_sql: Lint, shut: str, sql: str, rule: str, ending: str
) -> None:
    result = lint_sql(f"BEGIN; {shut} {sql}; COMMIT;")

    (finding,) = (one for one in result.findings if one.rule == rule)
    assert finding.message.endswith(ending)
