"""Files of SQL as a history."""

from pathlib import Path

import pytest

from safemigrate.errors import SourceError
from safemigrate.model import DowngradeKind, Span
from safemigrate.source import read_sql_files


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


def test_missing_path_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r'no file ".*gone\.sql"'):
        read_sql_files([tmp_path / "gone.sql"])


def test_directory_without_sql_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="holds no SQL files") as caught:
        read_sql_files([tmp_path])
    assert caught.value.hint


def test_file_that_is_not_utf8_is_named_with_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "a.sql"
    path.write_bytes(b"SELECT '\xe9'")

    with pytest.raises(SourceError, match="byte 8"):
        read_sql_files([path])


def test_path_below_the_current_directory_is_shown_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.sql", "SELECT 1")
    monkeypatch.chdir(tmp_path)

    assert read_sql_files([path]).migrations[0].path == "a.sql"
