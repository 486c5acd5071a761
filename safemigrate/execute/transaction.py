"""The transaction that Alembic keeps around a revision, taken back or found again."""

from alembic.runtime.migration import MigrationContext
from sqlalchemy.engine import Connection

from safemigrate.errors import EnvironmentSetupError

__all__ = ["adopt_transaction", "begin_anew", "connection_of", "let_go"]


def connection_of(context: MigrationContext) -> Connection:
    """Return the connection the migrations run on."""
    if context.connection is None:
        raise EnvironmentSetupError(
            "env.py configures the migrations without a connection",
            "in online mode call context.configure(connection=…)",
        )
    return context.connection


def begin_anew(context: MigrationContext) -> None:
    """Roll the revision's transaction back, and begin another in its place."""
    connection = connection_of(context)
    connection.rollback()
    context._transaction = connection.begin()  # noqa: SLF001 - what autocommit_block does; Alembic commits what stands here


def adopt_transaction(context: MigrationContext) -> None:
    """Let Alembic commit the transaction that the connection is in now.

    A revision that calls `op.get_bind().commit()` ends the one Alembic knows; what comes after it,
    the version table's change among it, would be rolled back when the connection is closed.
    """
    connection = connection_of(context)
    known = context._transaction  # noqa: SLF001 - as above
    if known is None or not known.is_active:
        context._transaction = connection.get_transaction() or connection.begin()  # noqa: SLF001 - as above


def let_go(context: MigrationContext | None) -> None:
    """Close what the pool of env.py's engine kept open, once env.py has ended.

    An asynchronous engine is left alone: its connections close only in their own event loop.
    """
    if context is not None and context.connection is not None:
        engine = context.connection.engine
        if not engine.dialect.is_async:
            engine.dispose()
