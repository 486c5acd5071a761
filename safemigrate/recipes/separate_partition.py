"""Make a partition as a table of its own, and attach it."""

from safemigrate.model import CreateTable, PartitionBound, QualifiedName, Remedy
from safemigrate.recipes.steps import sql_step, write_steps
from safemigrate.sql import quote_name

__all__ = ["create_and_attach"]

_ADVICE = "create it as a table of its own, and attach it: the parent stays open meanwhile"


def create_and_attach(action: CreateTable, parent: QualifiedName) -> Remedy:
    """Return CREATE TABLE … LIKE and ATTACH PARTITION instead of PARTITION OF.

    Only advice where the action does not hold all that the statement says: a hash partition's
    bound, columns and constraints of its own, and how it is partitioned itself.
    """
    bound = "DEFAULT" if action.is_default_partition else _bound_sql(action.bound)
    if not bound or action.columns or action.constraints or action.is_partitioned:
        return Remedy(_ADVICE)
    name, whole = quote_name(action.table), quote_name(parent)
    like = f"LIKE {whole} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED"
    return write_steps(
        _ADVICE,
        [
            sql_step(
                f"CREATE TABLE {name} ({like})",
                f"ALTER TABLE {whole} ATTACH PARTITION {name} {bound}",
            )
        ],
    )


def _bound_sql(bound: PartitionBound | None) -> str:
    """Return FOR VALUES …; empty where it is not known."""
    if bound is None:
        return ""
    if bound.values:
        return f"FOR VALUES IN ({', '.join(bound.values)})"
    if not bound.lower or not bound.upper:
        return ""
    if len(bound.lower) > 1 and None in (*bound.lower, *bound.upper):
        # MINVALUE and MAXVALUE may both stand on either side there.
        return ""
    lower = ", ".join("MINVALUE" if value is None else value for value in bound.lower)
    upper = ", ".join("MAXVALUE" if value is None else value for value in bound.upper)
    return f"FOR VALUES FROM ({lower}) TO ({upper})"
