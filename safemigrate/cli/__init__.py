"""The command line: one file a command, loaded when it is called."""

import gc
import os
import signal
import sys
from contextlib import nullcontext

from safemigrate.errors import ExitCode

__all__ = ["main"]

# That of a container, which a signal ends only where something handles it.
_FIRST_PROCESS = 1


def main(*, prog_name: str | None = None) -> None:
    """Run the command line with the arguments of this process, and exit.

    What only judges is answered from memory when nothing that it reads has changed since; then
    next to nothing is imported.
    """
    try:
        _run(prog_name)
    except KeyboardInterrupt:
        # a command that has begun tells by itself that it was stopped
        sys.stderr.write("error: stopped before it began\nhint: run it again\n")
        sys.exit(ExitCode.GAVE_UP)


def _run(prog_name: str | None) -> None:
    if os.getpid() == _FIRST_PROCESS:
        signal.signal(signal.SIGTERM, lambda number, _: os._exit(128 + number))
    # what is imported here can be interrupted, too
    from safemigrate.cli.memory import find_memory  # noqa: PLC0415 - as above

    memory = find_memory(sys.argv[1:])
    known = None if memory is None else memory.recall()
    if known is not None:
        sys.exit(known)
    # Nearly all that is made lives to the end: to look through it again and again takes long.
    gc.set_threshold(50_000, 20, 50)
    from safemigrate.cli.group import group  # noqa: PLC0415 - not when the answer is known

    try:
        with nullcontext() if memory is None else memory.remembering():
            group(prog_name=prog_name)
    finally:
        # nor does it all have to be looked through on the way out
        gc.freeze()
