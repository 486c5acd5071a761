"""Whether an expression is volatile, so that ADD COLUMN must compute it row by row.

Manual: "ALTER TABLE", Notes (a volatile DEFAULT rewrites the table), and "Function Volatility
Categories". The names come from pg_proc, see builtin_functions.txt.
"""

from enum import Enum
from functools import cache
from importlib.resources import files

from safemigrate.model import Catalog, Expression, FunctionCall, ServerVersion

__all__ = ["Volatility", "is_builtin", "is_read", "judge_volatility"]


# i, s or v, with the first and the last major it holds for.
_Letter = tuple[str, int, int]


class Volatility(Enum):
    """How far the value of an expression can change within one statement."""

    STABLE = "stable"
    VOLATILE = "volatile"
    UNKNOWN = "unknown"


@cache
def _builtin_functions() -> dict[str, tuple[_Letter, ...]]:
    """Return the volatility of every function of pg_catalog, the most volatile of a name."""
    text = (files("safemigrate.facts") / "builtin_functions.txt").read_text(encoding="utf-8")
    found: dict[str, tuple[_Letter, ...]] = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        letter, majors, *names = line.split()
        first, last = map(int, majors.split("-"))
        for name in names:
            found[name] = (*found.get(name, ()), (letter, first, last))
    return found


def judge_volatility(
    expression: Expression, catalog: Catalog, version: ServerVersion
) -> Volatility:
    """Return the volatility of the most volatile call in the expression."""
    result = Volatility.STABLE
    for call in expression.functions:
        match _letter(call, catalog, version):
            case "v":
                return Volatility.VOLATILE
            case None:
                result = Volatility.UNKNOWN
    return result


def is_read(call: FunctionCall, catalog: Catalog) -> bool:
    """Return whether it is known what the call does to the schema.

    PostgreSQL's own functions do nothing, nor do those of the history that promise it (manual:
    "Function Volatility Categories"). What others do, their bodies say.
    """
    if is_builtin(call):
        return True
    own = [one.definition for one in catalog.functions_of(call)]
    return bool(own) and all(one.body is not None or one.volatility in _PROMISING for one in own)


_PROMISING = frozenset({"i", "s"})


def is_builtin(call: FunctionCall) -> bool:
    """Return whether it is a function of PostgreSQL's own, in one of the supported versions."""
    return call.schema in {None, "pg_catalog"} and call.name in _builtin_functions()


def _letter(call: FunctionCall, catalog: Catalog, version: ServerVersion) -> str | None:
    spans = _builtin_functions()[call.name] if is_builtin(call) else ()
    for letter, first, last in spans:
        if first <= version.major <= last:
            return letter
    # In the order of the letters, v comes last: the most volatile of those it may be.
    letters = [one.definition.volatility for one in catalog.functions_of(call)]
    # What only other versions have is taken to be what it is there.
    return max(letters or [letter for letter, _, _ in spans], default=None)
