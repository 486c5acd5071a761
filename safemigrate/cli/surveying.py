"""`--dry-run` on many databases: the plan of each, one after the other."""

import json
import os
import sys
from collections.abc import Sequence

import click

from safemigrate.cli.colour import choose_paint
from safemigrate.errors import ExitCode
from safemigrate.execute.fleet import Target, look_at_target
from safemigrate.report import Tone

__all__ = ["survey"]

_VERSION = 1


def survey(targets: Sequence[Target], arguments: Sequence[str], *, is_json: bool) -> ExitCode:
    """Write the plan of every target; return the worst exit code of them.

    `arguments`: what stands behind `safemigrate`, for each. In JSON there is a line for each.
    """
    worst = ExitCode.DONE
    for target in targets:
        done = look_at_target(target, arguments, os.environ)
        known = {int(code) for code in ExitCode}
        code = ExitCode(done.returncode if done.returncode in known else ExitCode.USAGE)
        worst = max(worst, code)
        if is_json:
            line = {
                "version": _VERSION,
                "target": target.name,
                "exit_code": int(code),
                "plan": json.loads(done.stdout) if done.stdout else None,
            }
            click.echo(json.dumps(line, ensure_ascii=False))
        else:
            click.echo(f"[{choose_paint(sys.stdout)(target.name, Tone.STRONG)}]")
            click.echo(done.stdout)
        for text in done.stderr.splitlines():
            click.echo(f"[{target.name}] {text}", err=True)
    return worst
