"""Take the foreign keys off a table one by one before it is dropped."""

from collections.abc import Sequence

from safemigrate.model import DropTable, QualifiedName, Remedy
from safemigrate.recipes.contract import LOCK_TIMEOUT
from safemigrate.recipes.rendering import alembic_execute, autocommit
from safemigrate.sql import quote_identifier, quote_literal, quote_name

__all__ = ["drop_keys_first"]


def drop_keys_first(action: DropTable, keys: Sequence[tuple[QualifiedName, str]]) -> Remedy:
    """Return how to drop the table so that no two other tables are locked at a time.

    `keys`: the foreign keys, each by its table and its name.
    """
    exists = "IF EXISTS " if action.takes_missing else ""
    cascade = " CASCADE" if action.is_cascade else ""
    statements = [
        f"SET lock_timeout = {quote_literal(LOCK_TIMEOUT)}",
        *(
            f"ALTER TABLE {quote_name(table)} DROP CONSTRAINT {quote_identifier(name)}"
            for table, name in keys
        ),
        f"DROP TABLE {exists}{quote_name(action.table)}{cascade}",
        "RESET lock_timeout",
    ]
    return Remedy(
        advice="drop its foreign keys first, one by one, each in a transaction of its own",
        sql="-- outside a transaction block:\n"
        + "".join(f"{statement};\n" for statement in statements).rstrip(),
        alembic=autocommit(*map(alembic_execute, statements)),
    )
