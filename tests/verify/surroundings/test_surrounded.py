"""What surrounds revisions, seen through the proof of a history."""

import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from safemigrate.errors import UsageError
from safemigrate.model import Outcome, Property, Standing
from safemigrate.server import Server, open_server
from safemigrate.trace import open_connection
from tests.postgres.versions import ProofServers, proof_versions
from tests.verify.conftest import Scaffold

SCHEMA = ("schema",)
CREATE = "CREATE TABLE t (id int PRIMARY KEY, a int)"
DROP = "DROP TABLE t"


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def role_names(server: Server) -> set[str]:
    with open_connection(server.url("postgres")) as connection:
        return {str(row[0]) for row in connection.execute("SELECT rolname FROM pg_roles")}


def test_roles_that_revisions_make_and_use_stand_in_nobodys_way(anywhere: Scaffold) -> None:
    anywhere.add(
        "one", f"CREATE ROLE surrounded_maker\n{CREATE}", f"{DROP}\nDROP ROLE surrounded_maker"
    )
    anywhere.add(
        "two",
        "GRANT SELECT ON t TO surrounded_maker, surrounded_reader",
        "REVOKE SELECT ON t FROM surrounded_maker, surrounded_reader",
    )

    proof = anywhere.verify(selected=("schema", "rows", "failure"))

    assert [(one.is_proved, one.error) for one in proof.revisions] == [(True, None)] * 2
    assert proof.round_trip is not None
    assert proof.round_trip.is_ok is True


def test_the_books_that_are_kept_of_roles_are_no_locks_of_the_revision(scaffold: Scaffold) -> None:
    scaffold.add(
        "one",
        f"CREATE ROLE surrounded_locker NOLOGIN\n{CREATE}\nGRANT SELECT ON t TO surrounded_locker",
        f"{DROP}\nDROP ROLE surrounded_locker",
    )

    assert scaffold.broken() == set()


def test_a_role_that_the_downgrade_forgets_is_there_the_second_time(scaffold: Scaffold) -> None:
    scaffold.add("one", f"CREATE ROLE surrounded_left\n{CREATE}", DROP)

    check = scaffold.check(Property.APPLIES_AGAIN)

    assert check.standing is Standing.BROKEN
    assert 'role "surrounded_left" already exists' in check.reason


def test_a_visited_server_keeps_no_role(scaffold: Scaffold) -> None:
    scaffold.add(
        "one", f"CREATE ROLE surrounded_guest\n{CREATE}", f"{DROP}\nDROP ROLE surrounded_guest"
    )
    scaffold.add(
        "two", "GRANT SELECT ON t TO surrounded_other", "REVOKE SELECT ON t FROM surrounded_other"
    )
    before = role_names(scaffold.server)

    with open_server(scaffold.server.url("postgres")) as remote:
        proof = Scaffold(scaffold.folder, remote).verify(selected=SCHEMA)

    assert [one.is_proved for one in proof.revisions] == [True, True]
    assert role_names(scaffold.server) == before


@pytest.mark.parametrize("major", proof_versions())
def test_an_extension_that_the_server_lacks_is_named(
    major: int, proof_servers: ProofServers, scaffold: Scaffold
) -> None:
    scaffold.server = proof_servers[major]
    scaffold.add("one", "CREATE EXTENSION postgis_of_nowhere", "DROP EXTENSION postgis_of_nowhere")

    proof = scaffold.verify(selected=SCHEMA)

    assert proof.revisions[0].upgrade is Outcome.FAILED
    assert any('extension "postgis_of_nowhere"' in notice for notice in proof.notices)
    (check,) = [one for one in proof.revisions[0].checks if one.subject is Property.APPLIES]
    assert "--server container:IMAGE" in check.help


def test_the_network_is_refused_and_can_be_allowed(
    scaffold: Scaffold, listener: socket.socket
) -> None:
    host, port = listener.getsockname()
    scaffold.add(
        "one",
        f"import socket\nsocket.create_connection(({host!r}, {port}))\nop.execute({CREATE!r})",
        DROP,
    )

    refused = scaffold.check(Property.APPLIES)
    allowed = scaffold.check(Property.APPLIES, allowed_hosts=(host,))

    assert refused.standing is Standing.BROKEN
    assert (
        f'connecting to "{host}:{port}" is refused while it is proved; --allow-host {host}'
        in refused.reason
    )
    assert allowed.standing is Standing.HOLDS


@pytest.mark.parametrize(
    "code", ["op.execute('SELECT pg_sleep(600)')", "import time\ntime.sleep(600)"]
)
def test_a_downgrade_that_hangs_is_ended(scaffold: Scaffold, code: str) -> None:
    scaffold.add("one", CREATE, code)
    scaffold.add("two", "CREATE TABLE u ()", "DROP TABLE u")

    proof = scaffold.verify(selected=SCHEMA, time_limit=timedelta(seconds=1))

    one, two = proof.revisions
    assert (one.downgrade, two.is_proved) == (Outcome.FAILED, True)
    assert "did not end within 1 s; --timeout gives it more time" in str(one.error)


def test_a_history_may_start_from_a_seed(anywhere: Scaffold, tmp_path: Path) -> None:
    anywhere.add("one", "ALTER TABLE legacy ADD COLUMN b int", "ALTER TABLE legacy DROP COLUMN b")
    seed = tmp_path / "seed.sql"
    seed.write_text("CREATE TABLE legacy (id int PRIMARY KEY);\nINSERT INTO legacy VALUES (1);\n")

    without = anywhere.check(Property.APPLIES)
    proof = anywhere.verify(selected=SCHEMA, seed=seed)

    assert without.standing is Standing.BROKEN
    assert [one.is_proved for one in proof.revisions] == [True]
    assert proof.round_trip is not None
    assert proof.round_trip.is_ok is True


def test_revisions_that_the_seed_has_are_not_proved(scaffold: Scaffold, tmp_path: Path) -> None:
    scaffold.add("one", "CREATE TABLE t (id int)", DROP)
    scaffold.add("two", "ALTER TABLE t ADD COLUMN b int", "ALTER TABLE t DROP COLUMN b")
    seed = tmp_path / "seed.sql"
    seed.write_text(
        "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);\n"
        "INSERT INTO alembic_version VALUES ('one');\nCREATE TABLE t (id int);\n"
    )

    proof = scaffold.verify(selected=SCHEMA, seed=seed)

    assert [(one.revision, one.is_proved) for one in proof.revisions] == [("two", True)]
    assert proof.round_trip is not None
    assert proof.round_trip.is_ok is True
    assert "the seed is at revision one: 1 revision" in " ".join(proof.notices)


def test_a_seed_of_another_project_is_refused(scaffold: Scaffold, tmp_path: Path) -> None:
    scaffold.add("one", CREATE, DROP)
    seed = tmp_path / "seed.sql"
    seed.write_text(
        "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY);\n"
        "INSERT INTO alembic_version VALUES ('other');\n"
    )

    with pytest.raises(UsageError, match='is at revision "other"'):
        scaffold.verify(selected=SCHEMA, seed=seed)
