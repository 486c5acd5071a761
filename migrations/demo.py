"""The demo: judge, prove and run this history on a PostgreSQL that is gone afterwards.

Run it from the top of the repository, as `make demo` does. It stops at the first command that
fails, with that command's exit code.

A table that a pending revision alters is held on purpose meanwhile, by a transaction that has read
it and is left open. `upgrade` waits beside it: out of the queue, so that nobody waits for it.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import click
import psycopg
from sqlalchemy.engine import make_url

from safemigrate.errors import SafemigrateError
from safemigrate.server import Server, open_server


@dataclass(frozen=True, slots=True)
class Step:
    """A command, what is said before it, and whether `agreements` is held meanwhile."""

    arguments: tuple[str, ...]
    lines: tuple[str, ...]
    is_held: bool = False


STEPS = (
    Step(("lint",), ("Judge the revisions before anything runs.",)),
    Step(
        ("verify", "--server", "embedded"),
        ("Prove each on a throwaway server: up, down, up again.",),
    ),
    Step(("upgrade", "0018"), ("Bring the database to where it was some releases ago.",)),
    Step(
        ("plan",),
        (
            'A report has read "agreements" and stays idle in its transaction. 0019 alters that',
            "table. Look first: which locks the rest takes, and who is in the way now.",
        ),
        is_held=True,
    ),
    Step(
        ("upgrade",),
        (
            "Run it all the same. Look for whom it waits; it is not in the queue of the lock till",
            "then, and so in nobody's way. The report ends 3 s later, and 0019 right after it.",
        ),
        is_held=True,
    ),
    Step(("status",), ("Ask where the database stands.",)),
    Step(("history",), ("Ask what was done, when and by whom.",)),
)

HOLDER = "month-end-report"
HELD_SECONDS = 3.0
# A runner locks the version table for as long as a revision is in hand.
_IS_AT_WORK = """
SELECT FROM pg_locks
WHERE relation = to_regclass('alembic_version') AND mode = 'ShareRowExclusiveLock' AND granted
"""


def main() -> int:
    """Run the steps on an embedded server; return the exit code."""
    try:
        with open_server("embedded") as server:
            return run_steps(server)
    except SafemigrateError as error:
        click.echo(f"error: {error.message}\nhint: {error.hint}", err=True)
        return error.exit_code


def run_steps(server: Server) -> int:
    """Run each step's command on a new database, shown as one would type it."""
    url = server.url(server.create_database())
    environment = os.environ | {"SAFEMIGRATE_URL": url}
    click.echo(f"An embedded PostgreSQL {server.version} is running; $SAFEMIGRATE_URL names it.")
    for step in STEPS:
        click.secho("".join(f"\n# {line}" for line in step.lines), dim=True)
        click.secho(f"$ safemigrate {' '.join(step.arguments)}", bold=True)
        sys.stdout.flush()
        with hold_agreements(url) if step.is_held else nullcontext():
            run = subprocess.run(  # noqa: S603 - our own command
                [sys.executable, "-m", "safemigrate", *step.arguments],
                env=environment,
                check=False,
            )
        if run.returncode != 0:
            click.echo(f"\nstopped: this command ended with exit code {run.returncode}", err=True)
            return run.returncode
    click.echo(
        "\ndone: migrations/ was linted, proved and applied; "
        "next: .venv/bin/safemigrate explain, or lint your own project with -c its/alembic.ini"
    )
    return 0


@contextmanager
def hold_agreements(url: str) -> Iterator[None]:
    """Hold `agreements` till the block ends, or a while after a runner has come to it."""
    libpq_url = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    is_held, is_over = threading.Event(), threading.Event()

    def hold() -> None:
        with psycopg.connect(libpq_url, application_name=HOLDER) as connection:
            connection.execute("SELECT count(*) FROM agreements")
            is_held.set()
            wait_for_runner(libpq_url, is_over)
            is_over.wait(HELD_SECONDS)

    thread = threading.Thread(target=hold)
    thread.start()
    is_held.wait()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def wait_for_runner(libpq_url: str, is_over: threading.Event) -> None:
    """Return when a runner has come to its first revision, or the step is over."""
    with psycopg.connect(libpq_url, autocommit=True) as connection:
        while connection.execute(_IS_AT_WORK).fetchone() is None:
            if is_over.wait(0.05):
                return


if __name__ == "__main__":
    sys.exit(main())
