"""Standard output and standard error as the shell gave them."""

import os
import sys

import click

from safemigrate.cli.colour import choose_paint
from safemigrate.errors import UsageError
from safemigrate.model.secrets import hide_passwords
from safemigrate.report import Tone

__all__ = [
    "check_output",
    "explain_lost_output",
    "explain_unexpected",
    "find_output_fault",
    "prepare_streams",
    "show_error",
]


def prepare_streams() -> None:
    """Make both streams take what they cannot encode; a standard error that is closed is dropped.

    Under a C locale the report's quotes and arrows must not raise.
    """
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - a stream for as long as the process lives
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def check_output() -> None:
    """Raise UsageError when standard output is closed."""
    if sys.stdout is None:
        raise _lost("it is closed")


def find_output_fault() -> UsageError | None:
    """Return what is wrong with standard output after an error that may come from it.

    It is written to nowhere from then on, or Python would try to write the rest when it ends.
    """
    try:
        # nothing may be left in the buffer, so there has to be something
        sys.stdout.write("\n")
        sys.stdout.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return explain_lost_output(error)
    return None


def explain_lost_output(error: OSError) -> UsageError:
    """Return the error for a standard output that cannot be written."""
    return _lost((error.strerror or type(error).__name__).lower())


def _lost(reason: str) -> UsageError:
    return UsageError(
        f"standard output cannot be written: {reason}",
        "the report is lost, what the command did is not; send it to where there is room",
    )


def explain_unexpected(error: Exception) -> UsageError:
    """Return the error for one that nobody has foreseen."""
    return UsageError(
        f"unexpected {type(error).__name__}: {error}",
        "this is a bug of safemigrate; SAFEMIGRATE_TRACEBACK=1 shows where it is",
    )


def show_error(message: str, hint: str) -> None:
    """Print an error and what to do about it, without passwords."""
    paint = choose_paint(sys.stderr)
    click.echo(f"{paint('error', Tone.ERROR)}: {hide_passwords(message)}", err=True)
    if hint:
        click.echo(f"{paint('hint', Tone.HELP)}: {hide_passwords(hint)}", err=True)
