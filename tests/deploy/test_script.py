"""docs/deploy/deploy.sh tries again where that helps, and only there."""

import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from psycopg import sql

from tests.cli.streams import Process, check_line, connect, has, wait_for
from tests.deploy.conftest import Launch
from tests.deploy.manifests import DEPLOY
from tests.deploy.project import BUSY, write_revision

SCRIPT = str(DEPLOY / "deploy.sh")
AT_ONCE = {"MIGRATE_PAUSE_SECONDS": "0"}
SHORTLY = ("--deadline", "0.2")
MAKE = f"CREATE TABLE {BUSY} (id int)".encode()
READ = f"SELECT FROM {BUSY}".encode()


@pytest.fixture(autouse=True)
def pantry(database: str) -> None:
    with connect(database) as session:
        session.execute(MAKE)


def end(process: Process) -> tuple[int, str]:
    _, err = process.communicate(timeout=60)
    return process.returncode, err


def leave_the_busy_one(project: Path) -> None:
    """Leave only the revision that needs the table BUSY."""
    (project / "migrations" / "versions" / "0001_.py").unlink()
    write_revision(project, "0002", None, f"ALTER TABLE {BUSY} ADD COLUMN note text")


def wait_for_line(process: Process, part: str) -> None:
    """Read standard error to the first line with this part."""
    assert process.stderr is not None
    seen = []
    for line in process.stderr:
        if part in line:
            return
        seen.append(line)
    raise AssertionError("".join(seen))


def test_shellcheck_has_nothing_to_say() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed: apt-get install shellcheck")
    done = subprocess.run(("shellcheck", SCRIPT), capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "")


def test_it_migrates_and_a_second_time_there_is_nothing_to_do(
    launch: Launch, database: str
) -> None:
    for _ in range(2):
        code, err = end(launch(SCRIPT))
        assert code == 0, err
        assert "deploy: " not in err
        assert has(database, "recipe")


def test_it_does_not_try_a_wrong_set_up_again(launch: Launch) -> None:
    code, err = end(launch(SCRIPT, "nope", **AT_ONCE))

    assert code == 2
    assert "deploy: " not in err


def test_a_revision_that_fails_behind_another_ends_it_with_the_second_try(
    launch: Launch, database: str
) -> None:
    with connect(database) as session:
        session.execute(f"DROP TABLE {BUSY}".encode())

    code, err = end(launch(SCRIPT, **AT_ONCE))

    assert code == 1
    assert [line for line in err.splitlines() if line.startswith("deploy: ")] == [
        "deploy: try 1 of 5 stopped part-way; the next one goes on from there"
    ]
    assert has(database, "recipe")


def test_a_revision_that_fails_behind_what_it_committed_ends_with_4_to_the_last_try(
    launch: Launch, project: Path, database: str
) -> None:
    with connect(database) as session:
        fill = sql.SQL("INSERT INTO {} VALUES (1), (1)")
        session.execute(fill.format(sql.Identifier(BUSY)))
    (project / "migrations" / "versions" / "0002_.py").write_text(
        "from alembic import op\n\nrevision = '0002'\ndown_revision = '0001'\n\n\n"
        "def upgrade():\n    with op.get_context().autocommit_block():\n"
        "        op.execute('CREATE TABLE note (id bigint PRIMARY KEY)')\n"
        f"        op.execute('CREATE UNIQUE INDEX CONCURRENTLY i ON {BUSY} (id)')\n",
        encoding="utf-8",
    )
    settings = project / "alembic.ini"
    settings.rename(project / "other.ini")

    code, err = end(
        launch(
            SCRIPT,
            "--override=a test",
            "-c",
            "other.ini",
            *("--url", database, "--deadline=5"),
            MIGRATE_ATTEMPTS="2",
            SAFEMIGRATE_URL="",
            **AT_ONCE,
        )
    )

    assert code == 4, err
    assert [line for line in err.splitlines() if line.startswith("deploy: ")] == [
        "deploy: try 1 of 2 stopped part-way; the next one goes on from there",
        "deploy: try 2 of 2 stopped part-way; what is done is kept",
    ]
    assert err.count("half done    0002") == 2
    assert "put its cause right, then run it again: it goes on after statement 1" in err


def test_it_gives_up_waiting_after_the_last_try(
    launch: Launch, project: Path, database: str
) -> None:
    leave_the_busy_one(project)
    with connect(database, autocommit=False) as holder:
        holder.execute(READ)
        code, err = end(launch(SCRIPT, *SHORTLY, MIGRATE_ATTEMPTS="2", **AT_ONCE))

    assert code == 3
    assert [line for line in err.splitlines() if line.startswith("deploy: ")] == [
        f"deploy: try {number} of 2 gave up waiting, nothing was changed" for number in (1, 2)
    ]


def test_it_goes_on_from_where_a_try_was_stopped(launch: Launch, database: str) -> None:
    with connect(database, autocommit=False) as holder:
        holder.execute(READ)
        process = launch(SCRIPT, *SHORTLY, MIGRATE_ATTEMPTS="100", **AT_ONCE)
        wait_for_line(process, "deploy: try 1 of 100 stopped part-way")
        wait_for_line(process, "at           0001")
    code, err = end(process)

    assert code == 0, err


def test_it_passes_sigterm_on_and_tries_no_more(launch: Launch, database: str) -> None:
    with connect(database, autocommit=False) as holder:
        holder.execute(READ)
        process = launch(SCRIPT, "--format", "json")
        wait_for(process, "table_busy")
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 4, err
    last = check_line(out.splitlines()[-1])
    assert [one["revision"] for one in last["applied"]] == ["0001"]
    assert "stopped by SIGTERM" in err

    process = launch(SCRIPT, "--format", "json")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert [one["revision"] for one in check_line(out.splitlines()[-1])["applied"]] == ["0002"]


def test_sigterm_ends_a_pause(launch: Launch, project: Path, database: str) -> None:
    leave_the_busy_one(project)
    with connect(database, autocommit=False) as holder:
        holder.execute(READ)
        process = launch(SCRIPT, *SHORTLY, MIGRATE_PAUSE_SECONDS="600")
        wait_for_line(process, "deploy: try 1 of 5 gave up waiting")
        process.send_signal(signal.SIGTERM)
        code, err = end(process)

    assert code == 3, err
