"""The group of commands, each loaded when it is called."""

import os
import sys
from importlib import import_module
from typing import Any

import click

from safemigrate.cli.output import (
    check_output,
    explain_unexpected,
    find_output_fault,
    prepare_streams,
    show_error,
)
from safemigrate.errors import ExitCode, SafemigrateError

__all__ = ["group"]

_COMMANDS = (
    "downgrade",
    "explain",
    "history",
    "init",
    "lint",
    "plan",
    "resolve",
    "rule",
    "snapshot",
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

    Works on an existing Alembic project as it is.

    Exit codes: 0 clean or done; 1 findings, or refused; 2 usage or configuration;
    3 gave up waiting, nothing changed, safe to run again; 4 stopped part-way.
    """
