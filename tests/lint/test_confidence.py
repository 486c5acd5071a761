"""How sure a finding is, which no case file says."""

from collections.abc import Callable

import pytest

from safemigrate.model import Confidence, LintResult

Lint = Callable[..., LintResult]


@pytest.mark.parametrize(
    ("sql", "rule", "confidence"),
    [
        ("DROP TABLE recipe", "dropped-table", Confidence.HIGH),
        ("DROP TABLE IF EXISTS recipe", "dropped-table", Confidence.HIGH),
        ("DROP TABLE IF EXISTS spoon", "dropped-table", Confidence.LOW),
        ("DROP TABLE spoon", "dropped-table", Confidence.HIGH),
        ("ALTER TABLE recipe DROP COLUMN IF EXISTS name", "dropped-column", Confidence.HIGH),
        ("ALTER TABLE recipe DROP COLUMN IF EXISTS spoon", "dropped-column", Confidence.LOW),
        ("ALTER TABLE spoon DROP COLUMN IF EXISTS name", "dropped-column", Confidence.LOW),
        (
            "ALTER TABLE recipe DROP CONSTRAINT IF EXISTS recipe_pkey",
            "dropped-key",
            Confidence.HIGH,
        ),
        ("ALTER TABLE recipe DROP CONSTRAINT IF EXISTS x", "dropped-constraint", Confidence.LOW),
        ("DROP INDEX IF EXISTS spoon_idx", "non-concurrent-drop-index", Confidence.LOW),
        ("DROP VIEW IF EXISTS menu", "dropped-view", Confidence.LOW),
        ("DROP SCHEMA IF EXISTS kitchen CASCADE", "dropped-schema", Confidence.LOW),
        ("DROP SCHEMA kitchen CASCADE", "dropped-schema", Confidence.HIGH),
        ("DROP TYPE mood CASCADE", "unknown-cascade", Confidence.MEDIUM),
        ("DROP FUNCTION IF EXISTS cook()", "dropped-routine", Confidence.LOW),
        ("DROP FUNCTION cook()", "dropped-routine", Confidence.HIGH),
        ("ALTER TABLE recipe ADD COLUMN price real", "float-for-money", Confidence.MEDIUM),
        ("ALTER TABLE recipe ADD COLUMN price numeric", "numeric-without-scale", Confidence.MEDIUM),
    ],
)
def test_a_finding_is_as_sure_as_the_history_and_the_names_let_it(
    lint_sql: Lint, sql: str, rule: str, confidence: Confidence
) -> None:
    (finding,) = lint_sql(sql).findings
    assert (finding.rule, finding.confidence) == (rule, confidence)


def test_a_drop_in_doubt_says_what_is_in_doubt(lint_sql: Lint) -> None:
    (doubtful,) = lint_sql("DROP TABLE IF EXISTS spoon").findings
    (certain,) = lint_sql("DROP TABLE IF EXISTS recipe").findings
    assert doubtful.why.startswith("the history does not show it")
    assert "does not show" not in certain.why


def test_a_backfill_that_joins_is_less_sure(lint_sql: Lint) -> None:
    result = lint_sql(
        "BEGIN;\nALTER TABLE recipe ADD COLUMN cook text;\n"
        "UPDATE recipe SET cook = cook.name FROM cook WHERE cook.id = recipe.servings;\nCOMMIT;"
    )
    (finding,) = result.findings
    assert (finding.rule, finding.confidence) == (
        "backfill-in-same-transaction",
        Confidence.MEDIUM,
    )
