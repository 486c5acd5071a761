"""`safemigrate completion`."""

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from safemigrate.cli.manual import Manual
from safemigrate.errors import ExitCode

__all__ = ["command"]

_PROGRAM = "safemigrate"
# click finds it by the name of the program
_VARIABLE = "_SAFEMIGRATE_COMPLETE"
_SHELLS: dict[str, type[ShellComplete]] = {
    "bash": BashComplete,
    "zsh": ZshComplete,
    "fish": FishComplete,
}


@click.command(
    "completion",
    cls=Manual,
    exits={ExitCode.DONE: "the script is written", ExitCode.USAGE: "there is no such shell"},
    examples=[
        (
            "bash, for every shell from now on",
            "safemigrate completion bash >> ~/.bashrc",
        ),
        (
            "zsh, behind compinit",
            "safemigrate completion zsh >> ~/.zshrc",
        ),
        (
            "fish",
            "safemigrate completion fish > ~/.config/fish/completions/safemigrate.fish",
        ),
    ],
)
@click.argument("shell", type=click.Choice(tuple(_SHELLS)), metavar="bash|zsh|fish")
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Write the script that completes the command line in a shell.

    It completes commands, options and their values, files, names of rules, properties and checks,
    and the revisions of the project in this directory, whose files are read for it and not run.

    The script asks safemigrate itself, so that it need not be written again for a new version. The
    safemigrate that is found on the PATH is asked.
    """
    script = _SHELLS[shell](context.find_root().command, {}, _PROGRAM, _VARIABLE)
    # not source(), which looks for the shell on the machine where the script is made
    click.echo(script.source_template % script.source_vars())
