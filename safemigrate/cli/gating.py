"""What the command line says about the gate."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

import click

from safemigrate.cli.options import Number
from safemigrate.errors import UsageError
from safemigrate.gate import ObjectionKind, Overrides

__all__ = ["GateOptions", "gate_options", "read_overrides"]

Function = TypeVar("Function", bound=Callable[..., object])

_KINDS = ", ".join(kind.value for kind in ObjectionKind)


@dataclass(frozen=True, slots=True)
class GateOptions:
    """What the command line says about the gate.

    `pg_version`: the major to judge for, None for the server's. `override`: the reason to run in
    spite of whatever speaks against it, "" for none. `allowed`: the same for one kind of objection
    each. `is_target_given`: the revisions to run were named. `disk_free_bytes`: how much room there
    is for rewrites, None where nobody said.
    """

    pg_version: int | None = None
    override: str = ""
    allowed: Mapping[ObjectionKind, str] = field(default_factory=dict)
    is_target_given: bool = True
    disk_free_bytes: int | None = None

    @property
    def overrides(self) -> Overrides:
        """The reasons to run in spite of what speaks against it."""
        return Overrides(self.override, self.allowed)


def gate_options(function: Function) -> Function:
    """Add `--override`, `--allow` and `--disk-free-bytes`.

    The parameters are `override: str | None`, `allow: tuple[str, ...]` and
    `disk_free_bytes: int | None`; `read_overrides` reads the first two.
    """
    for option in (
        click.option(
            "--disk-free-bytes",
            type=Number(min=0),
            envvar="SAFEMIGRATE_DISK_FREE_BYTES",
            show_envvar=True,
            metavar="BYTES",
            help="How many bytes the server's disk has free for rewrites; default: seen where the "
            "server is on this machine, else not known.",
        ),
        click.option(
            "--allow",
            multiple=True,
            metavar="KIND=REASON",
            help=f"Run in spite of one kind of objection ({_KINDS}); the reason is kept in the "
            "history; may be repeated.",
        ),
        click.option(
            "--override",
            metavar="REASON",
            help="Run in spite of everything that speaks against it; the reason is kept in the "
            "history.",
        ),
    ):
        function = option(function)
    return function


def read_overrides(
    override: str | None, allow: tuple[str, ...] = ()
) -> tuple[str, Mapping[ObjectionKind, str]]:
    """Return the reasons as `GateOptions` has them, each on one line.

    Raises UsageError for one that is empty, and for a kind that there is not.
    """
    allowed = {}
    for given in allow:
        name, _, reason = given.partition("=")
        kind = next((one for one in ObjectionKind if one.value == name.strip()), None)
        if kind is None:
            raise UsageError(
                f'--allow knows no kind of objection "{name.strip()}"',
                f'the kinds are {_KINDS}; write it as in --allow findings="the reason"',
            )
        allowed[kind] = _read_reason(reason, "--allow")
    return ("" if override is None else _read_reason(override, "--override")), allowed


def _read_reason(given: str, option: str) -> str:
    reason = " ".join(given.split())
    if not reason:
        raise UsageError(
            f"the reason of {option} is empty",
            "say why the findings do not matter this time; it is kept in the history",
        )
    return reason
