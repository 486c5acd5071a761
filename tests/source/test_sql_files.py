"""Files of SQL as a history."""

from pathlib import Path

import pytest

from safemigrate.errors import SourceError, SqlSyntaxError
from safemigrate.model import DowngradeKind, Span
from safemigrate.source import list_sql_files, read_schema, read_sql_files


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_statements_stand_where_they_were_written(tmp_path: Path) -> None:
    path = write(tmp_path / "a.sql", "-- é\nSELECT 'é', 1; SELECT 2\n  , 3;\n\n/* x */ SELECT 4")

    (migration,) = read_sql_files([path]).migrations

    assert [(one.sql, one.span) for one in migration.upgrade] == [
        ("SELECT 'é', 1", Span(2, 1, 2, 14)),
        ("SELECT 2\n  , 3", Span(2, 16, 3, 6)),
        ("SELECT 4", Span(5, 9, 5, 17)),
    ]
    assert [one.ordinal for one in migration.upgrade] == [1, 2, 3]
    assert all(one.is_literal and one.transaction is None for one in migration.upgrade)
    assert migration.downgrade_kind is DowngradeKind.NOT_APPLICABLE
    assert migration.revision is None


def test_transactions_are_those_written(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.sql",
        """
        SELECT 1;
        BEGIN; SELECT 2; ROLLBACK TO SAVEPOINT x; COMMIT;
        SELECT 3;
        START TRANSACTION; SELECT 4; COMMIT AND CHAIN; SELECT 5; END;
        COMMIT;
        """,
    )

    (migration,) = read_sql_files([path]).migrations

    assert [one.transaction for one in migration.upgrade] == [
        *(None, 1, 1, 1, 1),
        *(None, 2, 2, 2, 3, 3),
        None,
    ]


def test_files_are_one_history_in_the_order_given(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("b.sql", "a.sql", "notes.txt"):
        write(folder / name, f"SELECT '{name}'")
    last = write(tmp_path / "0.sql", "SELECT 0")

    history = read_sql_files([folder, last])

    assert [Path(one.path).name for one in history.migrations] == ["a.sql", "b.sql", "0.sql"]
    assert not history.is_complete


def test_sql_that_does_not_parse_is_a_statement_of_its_own(tmp_path: Path) -> None:
    path = write(tmp_path / "a.sql", "SELECT 1; SELEC 2; SELECT 3;")

    (migration,) = read_sql_files([path]).migrations

    assert [one.sql for one in migration.upgrade] == ["SELECT 1", "SELEC 2", "SELECT 3"]


def test_empty_file_is_a_migration_without_statements(tmp_path: Path) -> None:
    (migration,) = read_sql_files([write(tmp_path / "a.sql", "-- nothing\n")]).migrations

    assert migration.upgrade == ()


def test_byte_order_mark_is_no_part_of_the_sql(tmp_path: Path) -> None:
    (migration,) = read_sql_files([write(tmp_path / "a.sql", "\ufeffSELECT 1")]).migrations

    assert [(one.sql, one.span) for one in migration.upgrade] == [("SELECT 1", Span(1, 1, 1, 9))]


def test_what_only_psql_understands_is_skipped_and_counted(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.sql",
        "\\set ON_ERROR_STOP on\nBEGIN;\nCOPY t FROM stdin;\nit's\t;\n\\.\nSELECT 'é'; COMMIT;\n",
    )

    (migration,) = read_sql_files([path]).migrations

    assert [(one.sql, one.span.line, one.transaction) for one in migration.upgrade] == [
        ("BEGIN", 2, 1),
        ("COPY t FROM stdin", 3, 1),
        ("SELECT 'é'", 6, 1),
        ("COMMIT", 6, 1),
    ]
    assert [(one.line, one.revision, one.reason) for one in migration.unjudged] == [
        (1, None, 'psql meta-command "\\set", which is no SQL'),
        (4, None, "rows of COPY, which change no schema"),
    ]


DUMP = """\ufeff--
-- PostgreSQL database dump
--

\\restrict abcdefg
\\connect shop

SET search_path = '';
SELECT pg_catalog.set_config('search_path', '', false);

CREATE TABLE public.recipe (name text, "it's" integer);

COPY public.recipe (name, "it's") FROM stdin;
it's; $$\t1
\\.

ALTER TABLE ONLY public.recipe ADD CONSTRAINT recipe_key UNIQUE (name);

\\unrestrict abcdefg
"""


def test_schema_is_what_a_dump_builds(tmp_path: Path) -> None:
    schema = read_schema(write(tmp_path / "schema.sql", DUMP))

    (table,) = schema.tables.values()
    assert list(table.columns) == ["name", "it's"]
    assert list(table.constraints) == ["recipe_key"]
    assert schema.settings == {}
    assert schema.is_complete


def test_schema_that_runs_what_cannot_be_seen_is_not_complete(tmp_path: Path) -> None:
    path = write(tmp_path / "schema.sql", "CREATE TABLE t (a int);\n\\i more.sql\n")

    assert not read_schema(path).is_complete


def test_syntax_error_in_a_schema_has_its_line(tmp_path: Path) -> None:
    path = write(
        tmp_path / "schema.sql", "\\connect a\nCOPY t FROM stdin;\n'\n\\.\nCREATE TABEL a;"
    )

    with pytest.raises(SqlSyntaxError, match="line 5"):
        read_schema(path)


def test_schema_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "schema.sql"
    path.write_bytes(b"\xef\xbb\xbf-- \xe9")

    with pytest.raises(SourceError, match=r'schema\.sql" is not UTF-8: byte 7 '):
        read_schema(path)
    with pytest.raises(SourceError, match="is a directory"):
        read_schema(tmp_path)


def test_directory_has_its_sql_files_by_name_in_either_case(tmp_path: Path) -> None:
    for name in ("b.SQL", "a.sql", "c.txt"):
        write(tmp_path / name, "SELECT 1")
    (tmp_path / "d.sql").mkdir()

    assert [path.name for path in list_sql_files(tmp_path)] == ["a.sql", "b.SQL"]


def test_file_named_twice_is_read_once(tmp_path: Path) -> None:
    path = write(tmp_path / "a.sql", "SELECT 1")

    history = read_sql_files([tmp_path, path])

    assert [Path(one.path).name for one in history.migrations] == ["a.sql"]


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r'gone\.sql" cannot be read: no such file') as caught:
        read_sql_files([tmp_path / "gone.sql"])
    assert caught.value.hint


def test_file_that_is_not_utf8_is_named_with_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "a.sql"
    path.write_bytes(b"SELECT '\xe9'")

    with pytest.raises(SourceError, match="byte 9"):
        read_sql_files([path])


def test_path_below_the_current_directory_is_shown_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.sql", "SELECT 1")
    monkeypatch.chdir(tmp_path)

    assert read_sql_files([path]).migrations[0].path == "a.sql"


def test_what_depends_on_a_variable_of_psql_is_counted_and_hides_nothing_else(
    tmp_path: Path,
) -> None:
    path = tmp_path / "grants.sql"
    path.write_text(
        "GRANT SELECT ON t TO :role;\nSELECT '1'::int, a[1:2], ':x' FROM t;\n"
        'ALTER TABLE :"table" ADD COLUMN a int;\nDROP TABLE t;\n',
        encoding="utf-8",
    )
    (migration,) = read_sql_files([path]).migrations
    assert [(one.line, one.reason) for one in migration.unjudged] == [
        (1, "the value of :role is not known"),
        (3, 'the value of :"table" is not known'),
    ]
    assert [one.span.line for one in migration.upgrade] == [2, 4]
