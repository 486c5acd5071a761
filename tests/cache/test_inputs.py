import os
import py_compile
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from safemigrate.cache import (
    InputKind,
    Inputs,
    digest,
    note_inputs,
    note_own,
    watch_inputs,
    watching,
    watching_places,
)


def read_with(work: Callable[[], object]) -> Inputs:
    with watch_inputs() as watch:
        work()
    inputs = watch.take()
    assert inputs.are_current()
    return inputs


def test_file_that_was_read_counts_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("one")
    inputs = read_with(path.read_text)

    os.utime(path, (1, 1))
    assert inputs.are_current()
    path.write_text("two")
    assert not inputs.are_current()
    path.write_text("one")
    assert inputs.are_current()
    path.unlink()
    assert not inputs.are_current()


def test_file_written_while_it_is_read_is_not_current(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("one")
    with watch_inputs() as watch:
        assert path.read_text() == "one"
        path.write_text("two")

    assert not watch.take().are_current()


def test_file_that_was_looked_for_in_vain_counts(tmp_path: Path) -> None:
    path = tmp_path / "settings.env"

    def look() -> None:
        with pytest.raises(FileNotFoundError):
            path.read_text()

    inputs = read_with(look)
    path.write_text("")
    assert not inputs.are_current()


def test_file_that_is_written_is_no_input(tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    inputs = read_with(lambda: path.write_text("x"))

    assert str(path) not in inputs.names(InputKind.FILE)


@pytest.mark.parametrize(
    "lists",
    [
        os.listdir,
        lambda folder: list(folder.iterdir()),
        lambda folder: list(folder.glob("*")),
        lambda folder: list(os.walk(folder)),
    ],
    ids=["listdir", "iterdir", "glob", "walk"],
)
def test_folder_counts_by_the_names_in_it(tmp_path: Path, lists: Callable[[Path], object]) -> None:
    (tmp_path / "a").write_text("")
    inputs = read_with(lambda: lists(tmp_path))

    (tmp_path / "a").write_text("another")
    (tmp_path / "__pycache__").mkdir()
    assert inputs.are_current()
    (tmp_path / "b").write_text("")
    assert not inputs.are_current()


def test_module_counts_by_its_source_also_when_its_byte_code_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    path = tmp_path / "watched_module.py"
    path.write_text("A = 1")
    py_compile.compile(str(path), doraise=True)

    inputs = read_with(lambda: import_module("watched_module"))

    assert inputs.seen[InputKind.FILE, str(path)] == digest(b"A = 1")
    del sys.modules["watched_module"]


@pytest.mark.parametrize(
    "read",
    [
        lambda: os.environ.get("WATCHED"),
        lambda: os.getenv("WATCHED"),
        lambda: "WATCHED" in os.environ,
        lambda: dict(os.environ),
        os.environ.copy,
        lambda: sorted(os.environ),
        lambda: os.environb.get(b"WATCHED"),
    ],
    ids=["get", "getenv", "in", "dict", "copy", "sorted", "bytes"],
)
def test_variable_that_was_read_counts(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[], object]
) -> None:
    monkeypatch.delenv("WATCHED", raising=False)
    inputs = read_with(read)

    monkeypatch.setenv("WATCHED", "1")
    assert not inputs.are_current()
    monkeypatch.delenv("WATCHED")
    assert inputs.are_current()


def test_variable_that_was_not_read_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = read_with(lambda: os.environ.get("WATCHED"))

    monkeypatch.setenv("UNWATCHED", "1")
    assert inputs.are_current()


def test_environment_is_itself_afterwards() -> None:
    kind = type(os.environ)
    with watch_inputs(), watch_inputs():
        assert type(os.environ) is not kind
        assert os.environ["PATH"]

    assert type(os.environ) is kind


def test_what_is_installed_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("safemigrate.cache.inputs.site_folders", lambda: (str(tmp_path),))
    inputs = read_with(lambda: None)

    (tmp_path / "app-1.0.dist-info").mkdir()
    assert not inputs.are_current()


def test_same_version_installed_again_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("safemigrate.cache.inputs.site_folders", lambda: (str(tmp_path),))
    (tmp_path / "app-1.0.dist-info").mkdir()
    record = tmp_path / "app-1.0.dist-info" / "RECORD"
    record.write_text("app.py,sha256=1,2\n")
    inputs = read_with(lambda: None)

    record.write_text("app.py,sha256=3,4\n")
    os.utime(record, ns=(1, 1))
    assert not inputs.are_current()


@pytest.mark.parametrize(
    "look",
    [os.path.exists, os.path.isfile, Path.exists, lambda path: os.access(path, os.R_OK)],
    ids=["exists", "isfile", "Path.exists", "access"],
)
def test_place_that_was_looked_at_counts(tmp_path: Path, look: Callable[[Path], object]) -> None:
    path = tmp_path / "flag"

    def look_at_it() -> None:
        with watching_places():
            look(path)

    inputs = read_with(look_at_it)
    path.write_text("")
    assert not inputs.are_current()
    path.unlink()
    assert inputs.are_current()


def test_functions_that_look_are_themselves_afterwards() -> None:
    before = (os.stat, os.lstat, os.access)
    with watching_places():
        assert os.stat is not before[0]

    assert (os.stat, os.lstat, os.access) == before


def test_where_a_link_leads_counts(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    link = tmp_path / "current"
    link.symlink_to("one")
    inputs = read_with(lambda: note_own(InputKind.LINK, [link]))

    link.unlink()
    link.symlink_to("two")
    assert not inputs.are_current()


def test_what_something_was_made_of_counts_for_who_uses_it(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("one")
    first = read_with(path.read_text)
    second = read_with(lambda: note_inputs(first))

    path.write_text("two")
    assert not second.are_current()


def test_folder_beside_the_cache_is_no_part_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAFEMIGRATE_CACHE_DIR", str(tmp_path / "cache"))
    watching._foreign_places.cache_clear()
    for name in ("cache", "cache_project"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.txt").write_text("")

    def read() -> None:
        for name in ("cache", "cache_project"):
            (tmp_path / name / "a.txt").read_text()

    inputs = read_with(read)
    watching._foreign_places.cache_clear()
    assert inputs.names(InputKind.FILE) == {str(tmp_path / "cache_project" / "a.txt")}


def test_inputs_are_divided_by_file_and_folder(tmp_path: Path) -> None:
    for name in ("versions", "versions/below", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.py").write_text(name)

    def read() -> None:
        for folder in (tmp_path / "versions", tmp_path / "versions/below", tmp_path / "other"):
            os.listdir(folder)  # noqa: PTH208 - the shortest way
            (folder / "a.py").read_text()

    versions = str(tmp_path / "versions")
    rest, part = read_with(read).divided({f"{versions}/a.py"}, [versions])

    assert part.names(InputKind.FILE) == {f"{versions}/a.py"}
    assert part.names(InputKind.FOLDER) == {versions, f"{versions}/below"}
    others = {f"{versions}/below/a.py", str(tmp_path / "other/a.py")}
    assert others <= rest.names(InputKind.FILE)
    assert str(tmp_path / "other") in rest.names(InputKind.FOLDER)
    (tmp_path / "versions/new.py").write_text("")
    assert rest.are_current()
    assert not part.are_current()


def test_parts_of_a_digest_are_kept_apart() -> None:
    assert digest("ab", "c") != digest("a", "bc")
    assert digest("a") == digest(b"a")
