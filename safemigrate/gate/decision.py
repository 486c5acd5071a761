"""The decision whether pending revisions may run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from safemigrate.errors import GateRefusedError

__all__ = ["Decision", "Objection", "ObjectionKind", "Overrides", "decide", "explain_refusal"]


class ObjectionKind(Enum):
    """What can speak against a run; the value is its name on the command line and in JSON."""

    FINDINGS = "findings"
    EDITED = "edited"
    HEADS = "heads"
    PRODUCTION = "production"
    DISK = "disk"
    REPLICA_LAG = "replica-lag"


@dataclass(frozen=True, slots=True)
class Objection:
    """What speaks against a run.

    `text`: what it is, in a few words. `advice`: what to do about it other than to override it.
    """

    kind: ObjectionKind
    text: str
    advice: str

    @property
    def option(self) -> str:
        """What is written on the command line to override this kind of objection, and no other."""
        return f'--allow {self.kind.value}="the reason"'


@dataclass(frozen=True, slots=True)
class Overrides:
    """The reasons to run in spite of what speaks against it.

    `every`: for all objections, "" for none. `allowed`: for one kind of them each.
    """

    every: str = ""
    allowed: Mapping[ObjectionKind, str] = field(default_factory=dict)

    def find_reason(self, kind: ObjectionKind) -> str:
        """Return the reason to run in spite of such an objection, "" for none."""
        return self.allowed.get(kind, "") or self.every


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether pending revisions may run.

    `refused`: what speaks against it. `overridden`: what would, with the reason. `notices`: what
    is good to know and refuses nothing; what could not be found out above all.
    """

    refused: tuple[Objection, ...] = ()
    overridden: tuple[tuple[Objection, str], ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def is_allowed(self) -> bool:
        """Whether they may."""
        return not self.refused

    @property
    def override(self) -> str:
        """The reasons for the history, "" where nothing was overridden.

        Findings alone need no word of their own; anything else says what was overridden.
        """
        kinds: dict[str, list[str]] = {}
        for objection, reason in self.overridden:
            kinds.setdefault(reason, []).append(objection.kind.value)
        if list(kinds.values()) == [[ObjectionKind.FINDINGS.value]]:
            return next(iter(kinds))
        return "; ".join(f"{', '.join(names)}: {reason}" for reason, names in kinds.items())


def decide(
    objections: Sequence[Objection], overrides: Overrides, notices: Sequence[str] = ()
) -> Decision:
    """Return the decision: an objection refuses, unless there is a reason to override it."""
    reasons = [(one, overrides.find_reason(one.kind)) for one in objections]
    return Decision(
        refused=tuple(one for one, reason in reasons if not reason),
        overridden=tuple((one, reason) for one, reason in reasons if reason),
        notices=tuple(notices),
    )


def explain_refusal(decision: Decision) -> GateRefusedError:
    """Return the error for a decision that is not allowed."""
    texts = "; ".join(one.text for one in decision.refused)
    ways = "; ".join(one.advice for one in decision.refused)
    options = " ".join(one.option for one in decision.refused)
    every = "" if len(decision.refused) == 1 else "all of it "
    return GateRefusedError(
        f"{texts}, nothing was changed",
        f"{ways}; or run it this once as it is, with {options}, or {every}with "
        '--override "the reason"',
    )
