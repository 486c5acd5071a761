"""The demo: judge, prove and run this history on a PostgreSQL that is gone afterwards.

Run it from the top of the repository, as `make demo` does. It stops at the first command that
fails, with that command's exit code.
"""

import os
import subprocess
import sys

import click

from safemigrate.errors import SafemigrateError
from safemigrate.server import Server, open_server

STEPS = (
    ("Judge the revisions before anything runs.", ("lint",)),
    ("Prove each on a throwaway server: up, down, up again.", ("verify", "--server", "embedded")),
    ("Apply them to the database.", ("upgrade",)),
    ("Ask where the database stands.", ("status",)),
    ("Ask what was done, when and by whom.", ("history",)),
)


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
    environment = os.environ | {"SAFEMIGRATE_URL": server.url(server.create_database())}
    click.echo(f"An embedded PostgreSQL {server.version} is running; $SAFEMIGRATE_URL names it.")
    for what, arguments in STEPS:
        click.secho(f"\n# {what}", dim=True)
        click.secho(f"$ safemigrate {' '.join(arguments)}", bold=True)
        sys.stdout.flush()
        run = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "safemigrate", *arguments], env=environment, check=False
        )
        if run.returncode != 0:
            click.echo(f"\nstopped: this command ended with exit code {run.returncode}", err=True)
            return run.returncode
    click.echo(
        "\ndone: migrations/ was linted, proved and applied; "
        "next: .venv/bin/safemigrate explain, or lint your own project with -c its/alembic.ini"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
