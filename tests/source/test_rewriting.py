"""Files changed on disk."""

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from safemigrate.errors import SourceError
from safemigrate.model import Migration
from safemigrate.source import Edit, Rewrite, rewrite_files

MARK = b"\xef\xbb\xbf"


def sql_file(path: Path, data: bytes) -> Migration:
    """Write a file of SQL, and return it as it is read."""
    path.write_bytes(data)
    return Migration(str(path), data.removeprefix(MARK).decode())


def revision_file(path: Path, data: bytes, encoding: str = "utf-8") -> Migration:
    """Write a revision, and return it as it is read."""
    path.write_bytes(data)
    text = data.removeprefix(MARK).decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
    return Migration(str(path), text, revision="0001")


def add_line(migration: Migration, before: str) -> Rewrite:
    """Return the addition of a line before the one that begins so."""
    at = migration.text.index(before)
    return Rewrite(migration, (Edit(at, at, "new\n"),))


@pytest.mark.parametrize("mark", [b"", MARK])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_file_of_sql_keeps_its_mark_and_line_endings(
    mark: bytes, ending: str, tmp_path: Path
) -> None:
    lines = ["-- ä", "two", "three"]
    migration = sql_file(tmp_path / "a.sql", mark + ending.join(lines).encode())
    rewrite_files([add_line(migration, "two")])
    expected = mark + ending.join(["-- ä", "new", *lines[1:]]).encode()
    assert (tmp_path / "a.sql").read_bytes() == expected


@pytest.mark.parametrize("mark", [b"", MARK])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_a_revision_keeps_its_mark_and_line_endings(
    mark: bytes, ending: str, tmp_path: Path
) -> None:
    lines = ["# ä", "two", "three", ""]
    migration = revision_file(tmp_path / "a.py", mark + ending.join(lines).encode())
    rewrite_files([add_line(migration, "three")])
    expected = mark + ending.join(["# ä", "two", "new", *lines[2:]]).encode()
    assert (tmp_path / "a.py").read_bytes() == expected


def test_lines_that_end_in_several_ways_go_on_to_do_so(tmp_path: Path) -> None:
    migration = revision_file(tmp_path / "a.py", b"one\r\ntwo\nthree\rfour")
    text = migration.text
    edits = [Edit(text.index("two"), text.index("three"), "a\nb\n"), Edit(0, 3, "1\n1")]
    edits.append(Edit(len(text), len(text), "\nfive"))
    rewrite_files([Rewrite(migration, tuple(edits))])
    assert (tmp_path / "a.py").read_bytes() == b"1\r\n1\r\na\nb\nthree\rfour\rfive"


def test_a_revision_keeps_the_encoding_it_declares(tmp_path: Path) -> None:
    data = "# -*- coding: latin-1 -*-\n# ü\ntwo\n".encode("latin-1")
    migration = revision_file(tmp_path / "a.py", data, "latin-1")
    rewrite_files([add_line(migration, "two")])
    assert (tmp_path / "a.py").read_bytes() == data.replace(b"two", b"new\ntwo")


def test_what_the_declared_encoding_has_no_letter_for_is_an_error(tmp_path: Path) -> None:
    data = b"# -*- coding: latin-1 -*-\ntwo\n"
    migration = revision_file(tmp_path / "a.py", data, "latin-1")
    with pytest.raises(SourceError, match='cannot be written in "iso-8859-1"'):
        rewrite_files([Rewrite(migration, (Edit(0, 0, "# →\n"),))])
    assert (tmp_path / "a.py").read_bytes() == data


def test_a_file_keeps_its_mode_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    migration = sql_file(tmp_path / "a.sql", b"one\n")
    (tmp_path / "a.sql").chmod(0o751)
    rewrite_files([add_line(migration, "one")])
    assert stat.S_IMODE((tmp_path / "a.sql").stat().st_mode) == 0o751
    assert [path.name for path in tmp_path.iterdir()] == ["a.sql"]


def test_a_link_stays_one_and_its_file_is_changed(tmp_path: Path) -> None:
    migration = sql_file(tmp_path / "a.sql", b"one\n")
    (tmp_path / "link.sql").symlink_to("a.sql")
    rewrite_files([add_line(replace(migration, path=str(tmp_path / "link.sql")), "one")])
    assert (tmp_path / "link.sql").is_symlink()
    assert (tmp_path / "a.sql").read_bytes() == b"new\none\n"


@pytest.mark.parametrize("now", [b"one\ntwo\n", b"one\r\n", b"\xff\n", MARK + b"\xffone\n", b""])
def test_no_file_is_changed_when_one_is_not_as_it_was_read(now: bytes, tmp_path: Path) -> None:
    first = sql_file(tmp_path / "a.sql", b"one\n")
    second = sql_file(tmp_path / "b.sql", b"one\n")
    (tmp_path / "b.sql").write_bytes(now)
    with pytest.raises(SourceError, match=r'"\S+b\.sql" has changed since it was read'):
        rewrite_files([add_line(first, "one"), add_line(second, "one")])
    assert (tmp_path / "a.sql").read_bytes() == b"one\n"
    assert (tmp_path / "b.sql").read_bytes() == now
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.sql", "b.sql"]


def test_a_file_that_is_gone_is_an_error(tmp_path: Path) -> None:
    migration = sql_file(tmp_path / "a.sql", b"one\n")
    (tmp_path / "a.sql").unlink()
    with pytest.raises(SourceError, match="cannot be written: no such file"):
        rewrite_files([add_line(migration, "one")])
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_may_not_be_written_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    migration = sql_file(tmp_path / "a.sql", b"one\n")
    # the superuser may write to any file
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(SourceError, match="cannot be written: permission denied") as caught:
        rewrite_files([add_line(migration, "one")])
    assert "who may write" in caught.value.hint
    assert (tmp_path / "a.sql").read_bytes() == b"one\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a.sql"]
