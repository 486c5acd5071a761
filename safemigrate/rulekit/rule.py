"""What a rule is, and the decorator that makes one of a function."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum

from safemigrate.model import Direction, Finding, Severity
from safemigrate.rulekit.context import Context

__all__ = [
    "BOTH_DIRECTIONS",
    "DOWNGRADE_ONLY",
    "UPGRADE_ONLY",
    "Check",
    "Family",
    "Rule",
    "leave_to_engine",
    "rule",
]

Check = Callable[[Context], Iterator[Finding]]

BOTH_DIRECTIONS = frozenset(Direction)
DOWNGRADE_ONLY = frozenset({Direction.DOWNGRADE})
UPGRADE_ONLY = frozenset({Direction.UPGRADE})


class Family(Enum):
    """What kind of harm a rule is about."""

    LOCKS = "locks"
    REWRITES = "rewrites"
    BREAKAGE = "breakage of running code"
    DATA_LOSS = "data loss"
    TRANSACTIONS = "transactions"
    TYPES = "types"
    DESIGN = "design"
    NAMING = "naming"
    INDEXES = "indexes"
    ENUMS = "enums"
    PARTITIONS = "partitions"
    SECURITY = "security"
    DATA_CHANGES = "data changes"
    HYGIENE = "Alembic hygiene"
    SUPPRESSIONS = "suppressions"
    SYNTAX = "syntax"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: `check` yields a finding for each place it objects to.

    `name`: kebab-case, for ever. `page`: the docstring, Markdown; its first line is the summary.
    `since`: the version of safemigrate that first had it.
    `is_default`: False for an opinion, which speaks only where a project selects it.
    """

    name: str
    family: Family
    severity: Severity
    since: str
    directions: frozenset[Direction]
    page: str
    check: Check
    is_default: bool = True

    @property
    def summary(self) -> str:
        """The first line of the page."""
        return self.page.partition("\n")[0]


def rule(
    *,
    family: Family,
    severity: Severity,
    since: str,
    directions: frozenset[Direction] = BOTH_DIRECTIONS,
    is_default: bool = True,
) -> Callable[[Check], Rule]:
    """Return the decorator that makes a `Rule` of a function and its docstring.

    The function's name, with dashes, is the rule's name and that of its module.
    """

    def make(check: Check) -> Rule:
        name = check.__name__.replace("_", "-")
        page = inspect.cleandoc(check.__doc__ or "")
        return Rule(name, family, severity, since, directions, page, check, is_default)

    return make


def leave_to_engine(_: Context) -> Iterator[Finding]:
    """Return nothing: the engine, which alone knows the ignore comments, makes these findings."""
    return iter(())
