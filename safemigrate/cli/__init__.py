"""The command line: one file a command, loaded when it is called."""

import os
import sys
from importlib import import_module

import click

from safemigrate.cli.colour import choose_paint
from safemigrate.errors import ExitCode, SafemigrateError
from safemigrate.report import Tone

__all__ = ["main"]

_COMMANDS = (
    "downgrade",
    "explain",
    "history",
    "lint",
    "rule",
    "status",
    "upgrade",
    "verify",
)


class _LazyGroup(click.Group):
    """A group that imports `safemigrate.cli.<name>` and takes its `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *_COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return super().get_command(ctx, cmd_name)
        command: click.Command = import_module(f"safemigrate.cli.{cmd_name}").command
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except SafemigrateError as error:
            _show(error.message, error.hint)
            ctx.exit(error.exit_code)
        except (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError):
            # Click's own business, among it the reader of `safemigrate rule | head`.
            raise
        except Exception as error:
            if os.environ.get("SAFEMIGRATE_TRACEBACK"):
                raise
            _show(
                f"unexpected {type(error).__name__}: {error}",
                "this is a bug of safemigrate; SAFEMIGRATE_TRACEBACK=1 shows where it is",
            )
            ctx.exit(ExitCode.USAGE)


def _show(message: str, hint: str) -> None:
    """Print an error and what to do about it."""
    paint = choose_paint(sys.stderr)
    click.echo(f"{paint('error', Tone.ERROR)}: {message}", err=True)
    if hint:
        click.echo(f"{paint('hint', Tone.HELP)}: {hint}", err=True)


@click.command(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="safemigrate")
def main() -> None:
    """Judge, prove and run PostgreSQL migrations, safely.

    Works on an existing Alembic project as it is.

    Exit codes: 0 clean or done; 1 findings, or refused; 2 usage or configuration;
    3 gave up waiting, nothing changed, safe to run again; 4 stopped part-way.
    """
    # Under a C locale the report's quotes and arrows must not raise.
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
