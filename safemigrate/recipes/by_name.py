"""Drop by name what CASCADE would take along."""

from collections.abc import Sequence

from safemigrate.model import DropColumn, DropConstraint, DropTable, DropView, Remedy
from safemigrate.recipes.rendering import alembic_execute
from safemigrate.sql import quote_identifier, quote_name

__all__ = ["drop_each_by_name"]


def drop_each_by_name(
    first: Sequence[str], action: DropTable | DropView | DropColumn | DropConstraint
) -> Remedy:
    """Return the statements of `first`, and then the drop without CASCADE."""
    statements = [*first, _drop(action)]
    return Remedy(
        advice="leave CASCADE out, and drop by name what depends on it, so that everybody sees it",
        sql="".join(f"{statement};\n" for statement in statements).rstrip(),
        alembic="\n".join(map(alembic_execute, statements)),
    )


def _drop(action: DropTable | DropView | DropColumn | DropConstraint) -> str:
    exists = "IF EXISTS " if action.takes_missing else ""
    match action:
        case DropTable():
            return f"DROP TABLE {exists}{quote_name(action.table)}"
        case DropView():
            kind = "MATERIALIZED VIEW" if action.is_materialized else "VIEW"
            return f"DROP {kind} {exists}{quote_name(action.view)}"
        case DropColumn(column=name):
            part = "COLUMN"
        case DropConstraint(name=name):
            part = "CONSTRAINT"
    return f"ALTER TABLE {quote_name(action.table)} DROP {part} {exists}{quote_identifier(name)}"
