"""What is read off a statement's text without parsing it."""

import pytest

from safemigrate.source.statement_text import (
    TransactionEffect,
    first_keyword,
    is_query,
    number_placeholders,
    transaction_effect,
)


@pytest.mark.parametrize(
    ("sql", "effect"),
    [
        ("BEGIN", "opens"),
        ("begin isolation level serializable", "opens"),
        ("START TRANSACTION READ ONLY", "opens"),
        ("-- why\n /* and\nhow */ COMMIT WORK", "closes"),
        ("END", "closes"),
        ("ABORT", "closes"),
        ("ROLLBACK", "closes"),
        ("PREPARE TRANSACTION 'x'", "closes"),
        ("ROLLBACK TO x", "none"),
        ("ROLLBACK WORK TO SAVEPOINT x", "none"),
        ("COMMIT PREPARED 'x'", "none"),
        ("ROLLBACK PREPARED 'x'", "none"),
        ("COMMIT AND CHAIN", "chains"),
        ("ROLLBACK AND NO CHAIN", "closes"),
        ("PREPARE x AS SELECT 1", "none"),
        ("SELECT 'COMMIT'", "none"),
        ("COMMITTED", "none"),
        ("", "none"),
        ("-- COMMIT", "none"),
    ],
)
def test_effect_on_the_transaction(sql: str, effect: str) -> None:
    assert transaction_effect(sql) is TransactionEffect(effect)


@pytest.mark.parametrize(
    ("sql", "keyword"),
    [("select 1", "SELECT"), ("((SELECT 1))", "SELECT"), ("/* a */--b\nWITH", "WITH"), ("1", "")],
)
def test_first_keyword(sql: str, keyword: str) -> None:
    assert first_keyword(sql) == keyword


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT 1", True),
        ("WITH a AS (SELECT 1) TABLE a", True),
        ("SHOW lock_timeout", True),
        ("INSERT INTO t VALUES (1) RETURNING a", True),
        ("INSERT INTO t VALUES (1)", False),
        ("CREATE TABLE t AS SELECT 1", False),
    ],
)
def test_query_is_told_from_a_command(sql: str, *, expected: bool) -> None:
    assert is_query(sql) is expected


@pytest.mark.parametrize(
    ("sql", "parameters", "expected"),
    [
        ("a %s b %s", (1, 2), "a $1 b $2"),
        ("%(a)s %(b)s %(a)s", {"a": 1, "b": 2}, "$1 $2 $1"),
        ("%% %s", [1], "% $1"),
        ("%% %s", None, "%% %s"),
        ("%% %s", (), "%% %s"),
        ("$1 %", (1,), "$1 %"),
    ],
)
def test_placeholders_are_numbered_when_there_are_parameters(
    sql: str, parameters: object, expected: str
) -> None:
    assert number_placeholders(sql, parameters) == expected
