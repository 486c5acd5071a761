"""Databases of an embedded server that are kept for a later run."""

import json
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from safemigrate.server import Keeping, Server, open_server
from safemigrate.server.holding import hold_folder

KEY = "a project"


@pytest.fixture(autouse=True)
def cache(embedded_server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of this test's own that the server's account may enter."""
    assert embedded_server.kind == "embedded"
    with tempfile.TemporaryDirectory(prefix="keep-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        monkeypatch.setenv("SAFEMIGRATE_CACHE_DIR", name)
        yield Path(name)


def execute(server: Server, database: str, *statements: str) -> list[tuple[object, ...]]:
    """Run the statements; return the rows of the last one."""
    url = make_url(server.url(database)).set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(), autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def roles(server: Server) -> set[str]:
    rows = execute(server, "postgres", "SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_'")
    return {str(name) for (name,) in rows} - {"postgres"}


def databases(server: Server) -> set[str]:
    rows = execute(server, "postgres", "SELECT datname FROM pg_database WHERE NOT datistemplate")
    return {str(name) for (name,) in rows} - {"postgres"}


def leave(
    *labels: str, wanted: tuple[str, ...] = (), first: str = "SELECT", key: str = KEY
) -> None:
    """Open a server, and keep a database for each label, with a table that has its name."""
    with open_server("embedded", keeping=Keeping(key, wanted)) as server:
        assert server.states is not None
        execute(server, "postgres", first)
        for label in labels:
            name = server.create_database()
            execute(server, name, f"CREATE TABLE t AS SELECT '{label}' AS label")
            assert server.states.keep(label, name)


def find(*labels: str, key: str = KEY) -> tuple[int, str] | None:
    """Return the position and the label in the database that a server finds for the labels."""
    with open_server("embedded", keeping=Keeping(key, labels)) as server:
        assert server.states is not None
        found = server.states.find(labels)
        if found is None:
            return None
        copy = server.copy_database(found[1])
        ((label,),) = execute(server, copy, "SELECT label FROM t")
        return found[0], str(label)


def entries(cache: Path) -> list[Path]:
    return [one for one in cache.glob("states/*/*") if not one.name.startswith(".")]


def test_what_is_kept_is_found_by_a_later_server() -> None:
    leave("one", "two")
    assert find("one", "two", "three") == (1, "two")
    assert find("one") == (0, "one")


def test_nothing_is_found_that_was_not_kept(cache: Path) -> None:
    assert find("one") is None
    assert entries(cache) == []
    leave("one")
    assert find("three") is None
    assert find("one", key="another project") is None


def test_of_several_clusters_the_one_with_the_best_is_taken() -> None:
    leave("one", "three")
    leave("two")
    assert find("one", "two", "three") == (2, "three")
    assert find("one", "two") == (1, "two")


def test_databases_that_are_no_states_are_not_kept() -> None:
    with open_server("embedded", keeping=Keeping(KEY)) as server:
        assert server.states is not None
        kept, _ = server.create_database(), server.create_database()
        assert server.states.keep("one", kept)
    with open_server("embedded", keeping=Keeping(KEY, ("one",))) as server:
        assert databases(server) == {kept}


def test_a_server_that_adds_nothing_leaves_the_cache_as_it_is(cache: Path) -> None:
    leave("one")
    before = entries(cache)
    assert find("one") == (0, "one")
    assert entries(cache) == before


def test_nothing_is_kept_of_a_server_that_ends_with_an_error(cache: Path) -> None:
    context = open_server("embedded", keeping=Keeping(KEY))
    server = context.__enter__()
    assert server.states is not None
    assert server.states.keep("one", server.create_database())
    error = ZeroDivisionError()
    assert not context.__exit__(ZeroDivisionError, error, None)
    assert entries(cache) == []


def test_roles_are_those_of_the_state() -> None:
    leave("one", first="CREATE ROLE app")
    leave("two", wanted=("one",), first="CREATE ROLE late")

    with open_server("embedded", keeping=Keeping(KEY, ("one",))) as server:
        assert roles(server) == {"app"}
    with open_server("embedded", keeping=Keeping(KEY, ("two",))) as server:
        assert roles(server) == {"app", "late"}


def test_a_state_whose_roles_cannot_be_had_again_is_not_used() -> None:
    with open_server("embedded", keeping=Keeping(KEY)) as server:
        assert server.states is not None
        assert server.states.keep("one", server.create_database())
        last = server.create_database()
        execute(server, last, "CREATE ROLE app", "CREATE TABLE t ()", "GRANT ALL ON t TO app")
        assert server.states.keep("two", last)

    with open_server("embedded", keeping=Keeping(KEY, ("one",))) as server:
        assert server.states is not None
        assert server.states.find(("one",)) is None
        assert roles(server) == set()
        assert databases(server) == set()


def test_settings_of_a_role_that_came_later_spoil_the_state() -> None:
    leave("one", first="CREATE ROLE app")
    leave("two", wanted=("one",), first="ALTER ROLE app SET search_path = 'elsewhere'")
    assert find("two") == (0, "two")
    shutil.rmtree(min(entries(Path(os.environ["SAFEMIGRATE_CACHE_DIR"])), key=os.path.getctime))
    assert find("one") is None


def test_only_the_newest_are_kept(cache: Path) -> None:
    for label in ("one", "two", "three"):
        leave(label)
    assert len(entries(cache)) == 2
    assert find("one") is None
    assert find("two", "three") == (1, "three")


def test_no_more_states_are_kept_than_are_worth_their_copying() -> None:
    leave(*"abcdef")
    assert find("a", "b") is None
    assert find("c") == (0, "c")


def test_one_that_somebody_copies_is_not_removed(cache: Path) -> None:
    leave("one")
    (first,) = entries(cache)
    with hold_folder(first) as is_held:
        assert is_held
        leave("two")
        leave("three")
        assert first in entries(cache)
    leave("four")
    assert first not in entries(cache)


def test_a_cluster_that_is_not_whole_is_not_used(cache: Path) -> None:
    leave("one")
    (entry,) = entries(cache)
    largest = max((entry / "data" / "base").rglob("*"), key=lambda one: one.stat().st_size)
    largest.write_bytes(b"")
    assert find("one") is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"states": {"one": {}}}', "\x00"])
def test_a_cluster_without_its_list_is_not_used(cache: Path, text: str) -> None:
    leave("one")
    (entry,) = entries(cache)
    (entry / "contents.json").write_text(text)
    assert find("one") is None


def test_a_cluster_that_does_not_start_gives_way_to_a_new_one(cache: Path) -> None:
    leave("one")
    (entry,) = entries(cache)
    control = entry / "data" / "global" / "pg_control"
    control.write_bytes(bytes(control.stat().st_size))
    with open_server("embedded", keeping=Keeping(KEY, ("one",))) as server:
        assert server.states is not None
        assert server.states.find(("one",)) is None
    assert entries(cache) == []


def test_a_cluster_that_others_may_write_to_is_not_used(cache: Path) -> None:
    leave("one")
    (entry,) = entries(cache)
    entry.chmod(0o777)
    assert find("one") is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_a_cluster_of_somebody_else_is_not_used(cache: Path) -> None:
    leave("one")
    (entry,) = entries(cache)
    os.chown(entry, 4711, -1)
    assert find("one") is None


def test_a_folder_that_others_may_write_to_keeps_nothing(cache: Path) -> None:
    (cache / "states").mkdir(mode=0o700)
    (cache / "states").chmod(0o777)
    with open_server("embedded", keeping=Keeping(KEY)) as server:
        assert server.states is None


def test_what_is_kept_is_closed_to_others(cache: Path) -> None:
    leave("one")
    for one in (cache / "states").rglob("*"):
        assert not one.stat().st_mode & 0o027, one


def test_two_that_keep_at_once_both_come_through(cache: Path) -> None:
    threads = [threading.Thread(target=leave, args=(label,)) for label in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(entries(cache)) == 2
    assert find("one") == (0, "one")
    assert find("two") == (0, "two")


def test_the_list_says_what_the_databases_are_called(cache: Path) -> None:
    leave("one")
    (entry,) = entries(cache)
    states = json.loads((entry / "contents.json").read_text())["states"]
    assert states.keys() == {"one"}
    assert states["one"]["database"].startswith("safemigrate_")


def test_other_kinds_of_server_keep_nothing(embedded_server: Server) -> None:
    with open_server(embedded_server.url("postgres"), keeping=Keeping(KEY)) as server:
        assert server.states is None


def test_nothing_is_left_but_what_is_kept() -> None:
    with open_server("embedded", keeping=Keeping(KEY)) as server:
        folder = Path(str(make_url(server.url("postgres")).query["host"]))
        assert server.states is not None
        assert server.states.keep("one", server.create_database())
    assert not folder.exists()
