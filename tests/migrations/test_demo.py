"""The demo: a held table is waited for beside its queue, and the run is done after it."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from migrations import demo
from safemigrate.server import Server
from safemigrate.server.connections import connect, parse_url

ROOT = Path(__file__).parents[2]
READERS = """
SELECT application_name FROM pg_stat_activity
WHERE datname = current_database() AND state = 'idle in transaction'
"""


@pytest.fixture
def ledger_before(embedded_server: Server) -> Iterator[str]:
    """The URL of a new database without anything in it."""
    name = embedded_server.create_database()
    yield embedded_server.url(name)
    embedded_server.drop_database(name)


def run(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "safemigrate", *arguments, "--url", url],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_upgrade_waits_for_the_holder_and_says_for_whom(ledger_before: str) -> None:
    first = run(ledger_before, "upgrade", "0018")
    with demo.hold_agreements(ledger_before):
        rest = run(ledger_before, "upgrade")

    assert first.returncode == 0, first.stderr
    assert rest.returncode == 0, rest.stderr
    assert f'application "{demo.HOLDER}"' in rest.stderr
    assert "at 0021" in rest.stdout


def test_agreements_are_held_till_the_step_is_over(ledger_url: str) -> None:
    with connect(parse_url(ledger_url)) as connection:
        with demo.hold_agreements(ledger_url):
            during = connection.execute(READERS).fetchall()
            with pytest.raises(psycopg.errors.LockNotAvailable), connection.transaction():
                connection.execute("LOCK TABLE agreements NOWAIT")
        after = connection.execute(READERS).fetchall()

    assert (demo.HOLDER,) in during
    assert after == []


def test_every_step_is_a_command_that_exists() -> None:
    for step in demo.STEPS:
        assert run_help(step.arguments[0]) == 0, step


def run_help(command: str) -> int:
    return subprocess.run(
        [sys.executable, "-m", "safemigrate", command, "--help"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    ).returncode


def test_the_demo_leaves_no_thread_behind(ledger_url: str) -> None:
    before = threading.active_count()
    with demo.hold_agreements(ledger_url):
        during = threading.active_count()

    assert (during, threading.active_count()) == (before + 1, before)
