"""Several changes of one table in one statement."""

from safemigrate.model import Event, Remedy
from safemigrate.recipes.rendering import alembic_execute

__all__ = ["join_alterations"]

_ADVICE = (
    "write both as subcommands of one ALTER TABLE, which goes through the rows once; Alembic sends "
    "one statement for each call, so it must be given as SQL"
)


def join_alterations(first: Event, second: Event) -> Remedy:
    """Return the ALTER TABLE with the subcommands of both statements.

    The events are the first of their statements.
    """
    head, subcommands = _split(second)
    _, before = _split(first)
    if "--" in before or "$1" in before + subcommands:
        # A comment would swallow what comes behind it; with bound values it cannot be pasted.
        return Remedy(_ADVICE)
    sql = f"{head}\n    {before},\n    {subcommands}"
    return Remedy(_ADVICE, sql=f"{sql};", alembic=alembic_execute(sql))


def _split(event: Event) -> tuple[str, str]:
    """Return `ALTER TABLE name` and its subcommands."""
    sql, at = event.statement.sql, event.offset + event.action.offset
    return sql[:at].rstrip(), sql[at:].rstrip()
