"""Whether an expression is volatile, so that ADD COLUMN must compute it row by row.

Manual: "ALTER TABLE", Notes (a volatile DEFAULT rewrites the table), and "Function Volatility
Categories". The names come from pg_proc, see builtin_functions.txt.
"""

from enum import Enum
from functools import cache
from importlib.resources import files

from safemigrate.model import Catalog, Expression, FunctionCall, QualifiedName

__all__ = ["Volatility", "is_read", "judge_volatility"]


class Volatility(Enum):
    """How far the value of an expression can change within one statement."""

    STABLE = "stable"
    VOLATILE = "volatile"
    UNKNOWN = "unknown"


@cache
def _builtin_functions() -> dict[str, str]:
    """Return the volatility of every function of pg_catalog, the most volatile of a name."""
    text = (files("safemigrate.facts") / "builtin_functions.txt").read_text(encoding="utf-8")
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            letter, names = line.split(" ", 1)
            found.update(dict.fromkeys(names.split(), letter))
    return found


def judge_volatility(expression: Expression, catalog: Catalog) -> Volatility:
    """Return the volatility of the most volatile call in the expression."""
    result = Volatility.STABLE
    for call in expression.functions:
        match _letter(call, catalog):
            case "v":
                return Volatility.VOLATILE
            case None:
                result = Volatility.UNKNOWN
    return result


def is_read(call: FunctionCall, catalog: Catalog) -> bool:
    """Return whether it is known what the call does to the schema: nothing.

    So it is for PostgreSQL's own functions, and for those of the history that promise to change
    nothing (manual: "Function Volatility Categories").
    """
    return _letter(call, catalog) in {"i", "s"} or _is_builtin(call)


def _is_builtin(call: FunctionCall) -> bool:
    return call.schema in {None, "pg_catalog"} and call.name in _builtin_functions()


def _letter(call: FunctionCall, catalog: Catalog) -> str | None:
    own = catalog.functions.get(catalog.resolve(QualifiedName(call.schema, call.name)))
    return _builtin_functions()[call.name] if _is_builtin(call) else own
