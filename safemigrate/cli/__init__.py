"""The command line: one file a command, loaded when it is called."""

import sys
from importlib import import_module

import click

from safemigrate.errors import ExitCode, SafemigrateError

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
            click.secho(f"error: {error.message}", err=True, fg="red")
            if error.hint:
                click.echo(f"hint: {error.hint}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("interrupted", err=True)
            ctx.exit(ExitCode.PART_WAY)


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
