"""Labels of enums, used before they are committed."""

import pytest

from safemigrate.catalog import catalog_of_sql
from safemigrate.facts import walk
from safemigrate.model import (
    Certainty,
    Direction,
    ExplainedStatement,
    History,
    Migration,
    ServerVersion,
    Span,
    Statement,
)

SCHEMA = """\
CREATE TYPE mood AS ENUM ('sad');
CREATE DOMAIN feeling AS mood;
CREATE TABLE person (id bigint, mood mood, was feeling[], name text);
"""


def explain(*statements: str, version: int = 18, transaction: int | None = 1) -> ExplainedStatement:
    """Return the last of the statements, as it runs behind the others."""
    upgrade = tuple(
        Statement(sql, "a.sql", Span(1, 1, 1, 1), None, Direction.UPGRADE, number, transaction)
        for number, sql in enumerate(statements, start=1)
    )
    before = catalog_of_sql(SCHEMA, "schema.sql")
    history = History((Migration("a.sql", "", upgrade=upgrade),))
    (passage,) = walk(history, before=before, version=ServerVersion(version)).passages
    return passage.statements[-1]


ADD = "ALTER TYPE mood ADD VALUE 'glad'"
REFUSED = ('unsafe use of new value "glad" of enum type',)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE person SET mood = 'glad'",
        "INSERT INTO person (id, mood) VALUES (1, 'glad')",
        "DELETE FROM person WHERE mood = 'glad'",
        "ALTER TABLE person ALTER COLUMN mood SET DEFAULT 'glad'",
        "ALTER TABLE person ADD COLUMN next mood DEFAULT 'glad'",
        "ALTER TABLE person ADD CHECK (mood <> 'glad') NOT VALID",
        "CREATE INDEX ON person (id) WHERE mood = 'glad'",
        "CREATE TABLE pet (mood mood DEFAULT 'glad')",
        "CREATE TABLE pet (mood mood CHECK (mood <> 'glad'))",
    ],
)
def test_a_label_is_refused_in_the_transaction_that_adds_it(sql: str) -> None:
    explained = explain(ADD, sql)

    assert explained.facts.errors == REFUSED
    assert explained.facts.certainty is Certainty.KNOWN


def test_a_domain_over_the_enum_counts() -> None:
    assert explain(ADD, "UPDATE person SET was = ARRAY['glad']").facts.errors == REFUSED


@pytest.mark.parametrize(
    "sql",
    ["UPDATE person SET mood = coalesce(mood, 'glad')", "UPDATE stranger SET mood = 'glad'"],
)
def test_what_may_be_the_label_is_said_to_be_unsure(sql: str) -> None:
    explained = explain(ADD, sql)

    assert explained.facts.errors == REFUSED
    assert explained.facts.certainty is Certainty.UNKNOWN


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE person SET name = 'glad'",
        "UPDATE person SET mood = 'sad'",
        "CREATE TABLE pet (name text DEFAULT 'glad')",
    ],
)
def test_other_texts_are_not_refused(sql: str) -> None:
    assert explain(ADD, sql).facts.errors == ()


def test_outside_a_transaction_the_label_is_committed_at_once() -> None:
    assert explain(ADD, "UPDATE person SET mood = 'glad'", transaction=None).facts.errors == ()


def test_a_label_that_was_there_is_not_new() -> None:
    again = "ALTER TYPE mood ADD VALUE IF NOT EXISTS 'sad'"

    assert explain(again, "UPDATE person SET mood = 'sad'").facts.errors == ()


@pytest.mark.parametrize(("version", "errors"), [(16, REFUSED), (17, ())])
def test_an_enum_of_the_same_transaction_depends_on_the_version(
    version: int, errors: tuple[str, ...]
) -> None:
    make = "CREATE TYPE temper AS ENUM ('calm')"
    add = "ALTER TYPE temper ADD VALUE 'glad'"
    use = "CREATE TABLE pet (temper temper DEFAULT 'glad')"

    assert explain(make, add, use, version=version).facts.errors == errors
