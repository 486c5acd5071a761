"""Files of what a release sends."""

import json
import os
from pathlib import Path

import pytest

from safemigrate.errors import ConfigError
from safemigrate.server.account import choose_account
from safemigrate.server.binaries import find_binaries
from safemigrate.trace import open_connection
from safemigrate.verify.compatibility import (
    Capture,
    CapturedStatement,
    CapturedValue,
    ReleaseStatement,
    Style,
    Value,
    encode_capture,
    merge_captures,
    read_statements,
)
from tests.postgres.clusters import open_cluster


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def read(name: str, text: str) -> tuple[ReleaseStatement, ...]:
    Path(name).write_text(text, encoding="utf-8")
    return read_statements(Path(name))


def test_sql_is_read_statement_by_statement_with_its_line() -> None:
    found = read("a.sql", "-- first\nSELECT ';';\n\nSELECT *\nFROM t WHERE a = :a;;\nBEGIN")

    assert [(one.sql, one.place) for one in found] == [
        ("SELECT ';'", "a.sql:2"),
        ("SELECT *\nFROM t WHERE a = $1", "a.sql:4"),
        ("BEGIN", "a.sql:6"),
    ]
    assert [one.examples for one in found] == [((),), (), ((),)]
    assert [one.shape.is_query for one in found] == [True, True, False]


def test_a_capture_is_read_with_its_examples() -> None:
    value = CapturedValue("1", "int4")
    statement = CapturedStatement(
        "SELECT %(a)s, %(b)s, %(a)s", Style.PYFORMAT, 3, ({"b": CapturedValue(None), "a": value},)
    )

    (found,) = read("c.json", encode_capture(Capture(1, (statement,))).decode())

    assert found.sql == "SELECT $1, $2, $1"
    assert found.examples == ((Value("1", "int4"), Value(None)),)
    assert found.place == "c.json, statement 1"


def test_captures_are_merged_with_a_few_examples_that_differ() -> None:
    def capture(*values: str) -> Capture:
        examples = tuple({"1": CapturedValue(value)} for value in values)
        return Capture(1, (CapturedStatement("SELECT $1", Style.DOLLAR, 2, examples),))

    merged = merge_captures([capture("a", "b"), capture("b", "c"), capture("d", "e", "f")])

    (statement,) = merged.statements
    assert statement.calls == 6
    assert [one["1"].value for one in statement.examples] == ["a", "b", "c", "d", "e"]


def test_pg_stat_statements_is_read_as_json_and_as_csv() -> None:
    queries = ["SELECT a\nFROM t WHERE b = $1", "SELECT interval $1", "COMMIT"]

    from_json = read("s.json", json.dumps([{"query": one, "calls": 1} for one in queries]))
    from_csv = read(
        "s.csv", 'calls,query\n1,"SELECT a\nFROM t WHERE b = $1"\n2,SELECT interval $1\n3,COMMIT\n'
    )

    assert [one.sql for one in from_json] == [one.sql for one in from_csv] == queries
    assert [one.place for one in from_csv] == ["s.csv:2", "s.csv:4", "s.csv:5"]
    assert [one.shape.is_query for one in from_csv] == [True, True, False]


def test_what_a_server_exports_is_read() -> None:
    major = find_binaries(choose_account()).version.major
    with open_cluster(major) as cluster:
        cluster.start({"shared_preload_libraries": "pg_stat_statements"})
        with open_connection(cluster.url()) as connection:
            connection.execute("CREATE EXTENSION pg_stat_statements")
            connection.execute("CREATE TABLE t (a integer)")
            connection.execute("SELECT a FROM t WHERE a IN (1, 2, 3) AND a < 7")
            command = "COPY (SELECT query, calls FROM pg_stat_statements) TO STDOUT WITH CSV HEADER"
            with connection.cursor().copy(command) as copy:
                exported = b"".join(bytes(piece) for piece in copy)

    found = read("exported.csv", exported.decode())

    (query,) = [one for one in found if "FROM t" in one.sql and one.shape.is_query]
    assert "$1" in query.sql
    assert query.shape.parameters[1].column == "a"
    assert query.examples == ()


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.sql", "SELECT 1;\n\nSELECT 2,\n  FROM;", '"a.sql", line 4: syntax error at or near'),
        ("a.sql", "SELECT 'open", '"a.sql", line 1: unterminated quoted string'),
        ("a.sql", " -- nothing\n", 'there is no statement in "a.sql"'),
        ("a.json", '{\n  "version": 1,\n', '"a.json", line 3: not valid JSON'),
        ("a.json", '{"version": 2, "statements": []}', "invalid enum value 2 - at `$.version`"),
        ("a.json", '{"version": 1, "statements": [{"sql": 1}]}', "at `$.statements[0].sql`"),
        ("a.json", '{"version": 1, "statements": []}', 'there is no statement in "a.json"'),
        ("a.json", '"SELECT 1"', "is not a capture of statements"),
        ("a.json", '[{"query": "SELECT 1"}, {"sql": 1}]', 'entry 2 has no text under "query"'),
        ("a.csv", "sql\nSELECT 1\n", '"a.csv", line 1: there is no column "query"'),
        ("a.csv", "calls,query\n1,SELECT 1\n2\n", '"a.csv", line 3: fewer values than columns'),
        ("a.csv", 'query\n"SELECT 1"x\n', '"a.csv", line 2: not valid CSV'),
        ("a.csv", "query\n", 'there is no statement in "a.csv"'),
    ],
)
def test_a_file_that_says_something_else_is_refused(name: str, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(name, text)

    assert message in caught.value.message
    assert caught.value.hint


def test_an_example_without_a_value_is_refused() -> None:
    statement = CapturedStatement("SELECT %(a)s", Style.PYFORMAT, 1, ({"b": CapturedValue("1")},))

    with pytest.raises(ConfigError, match=r'c.json, statement 1: an example has no value .* "a"'):
        read("c.json", encode_capture(Capture(1, (statement,))).decode())


def test_a_file_that_is_not_there_is_told() -> None:
    with pytest.raises(ConfigError, match=r'"gone.sql" cannot be read: no such file or directory'):
        read_statements(Path("gone.sql"))


def test_a_file_in_another_encoding_is_told() -> None:
    Path("a.sql").write_bytes(b"SELECT '\xe4'")

    with pytest.raises(ConfigError, match=r'"a.sql" is not UTF-8: byte 9'):
        read_statements(Path("a.sql"))


def test_a_file_that_was_changed_is_read_again() -> None:
    assert read("a.sql", "SELECT 1")[0].sql == "SELECT 1"
    path = Path("a.sql")
    before = path.stat().st_mtime_ns
    path.write_text("SELECT 2")
    # a file system may count in steps that are longer than a test
    os.utime(path, ns=(before + 1, before + 1))

    assert read_statements(path)[0].sql == "SELECT 2"
