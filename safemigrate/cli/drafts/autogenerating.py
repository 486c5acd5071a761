"""What Alembic's autogenerate would write, a piece for each operation."""

import warnings
from argparse import Namespace
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from alembic.autogenerate import RevisionContext
from alembic.autogenerate.render import render_op
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext, RevisionStep
from alembic.util import CommandError

from safemigrate.cli.drafts.draft import Draft, Piece
from safemigrate.cli.drafts.staging import Order
from safemigrate.errors import ConfigError, DatabaseError, SafemigrateError, UsageError
from safemigrate.model import Direction
from safemigrate.server import Server
from safemigrate.source import Project, run_environment
from safemigrate.source.excerpt import describe
from safemigrate.verify.bench import Move, open_bench

__all__ = ["Generated", "generate", "upgraded_database"]


@dataclass(frozen=True, slots=True)
class Generated:
    """A revision that autogenerate, and the project's own hooks, have come to."""

    draft: Draft
    order: Order


@contextmanager
def upgraded_database(project: Project, server: Server) -> Iterator[str]:
    """Yield the URL of a new database that has all revisions; raises DatabaseError otherwise."""
    name = server.create_database()
    try:
        with open_bench(project, server, name) as bench:
            moves = [Move(script, Direction.UPGRADE) for script in project.revisions()]
            fault = bench.run(moves)
        if fault is not None:
            raise DatabaseError(
                "the throwaway database cannot be upgraded to the head: "
                f'revision "{fault.move.script.revision}" fails: {fault.reason}',
                'prove the history with "safemigrate verify", or name a database that is at the '
                "head with --url",
            )
        yield server.url(name)
    finally:
        server.drop_database(name)


def generate(
    project: Project, order: Order, *, url: str | None, is_compared: bool = True
) -> tuple[Generated, ...]:
    """Return what the models have and the database does not, none where they agree.

    `url`: the database, None for the one that env.py connects to. `is_compared`: it is looked
    for differences; otherwise only the project's own hooks are asked.
    Raises ConfigError where env.py gives no metadata, and DatabaseError where the database is not
    at the head.
    """
    arguments = {
        "message": order.message,
        "autogenerate": is_compared,
        "sql": False,
        "head": order.head,
        "splice": order.splice,
        "branch_label": list(order.branch_label) or None,
        "version_path": order.version_path,
        "rev_id": order.ids[0] if order.ids else None,
        "depends_on": list(order.depends_on) or None,
    }
    context = RevisionContext(project.config, project.script, arguments)
    first_id = context.generated_revisions[0].rev_id
    contexts: list[MigrationContext] = []

    def work(heads: tuple[str, ...], migration: MigrationContext) -> Iterable[RevisionStep]:
        contexts.append(migration)
        with _translated():
            run = context.run_autogenerate if is_compared else context.run_no_autogenerate
            run(heads, migration)
        return ()

    before = project.config.cmd_opts
    # what many an env.py asks before it drops a revision without operations
    project.config.cmd_opts = Namespace(autogenerate=is_compared, x=None, name="alembic")
    try:
        run_environment(project, work, url=url, dont_mutate=True)
    finally:
        project.config.cmd_opts = before
    if len(contexts) > 1:
        raise UsageError(
            "env.py runs the migrations on several databases, which have revisions together",
            'let "alembic revision --autogenerate" write the revision, and lint it afterwards',
        )
    with warnings.catch_warnings():
        # of constraints without a name, whose downgrade is found out in another way
        warnings.simplefilter("ignore", UserWarning)
        generated = tuple(_list_generated(context, order))
    if order.ids:
        return generated
    # an id that is nobody's choice is chosen with those of the other revisions
    return tuple(
        replace(one, order=replace(one.order, ids=())) if one.order.ids == (first_id,) else one
        for one in generated
    )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except CommandError as error:
        message = describe(error).removeprefix("CommandError: ").rstrip(".")
        if "not up to date" in message:
            raise DatabaseError(
                "the database is not at the head of the history, so its difference to the models "
                "is not what a new revision should do",
                'run "safemigrate upgrade" there first, or leave --url out: a throwaway server '
                "is upgraded for this",
            ) from error
        if "MetaData" in message:
            raise ConfigError(
                "env.py gives no target_metadata, so there is nothing to compare a database with",
                "in env.py set target_metadata = Base.metadata, of the project's own models, and "
                "give it to context.configure()",
            ) from error
        raise ConfigError(f"autogenerate refuses: {message}") from error
    except SafemigrateError:
        raise


def _list_generated(context: RevisionContext, order: Order) -> Iterator[Generated]:
    for script in context.generated_revisions:
        pieces = tuple(_list_pieces(context._last_autogen_context, script))  # noqa: SLF001 - where Alembic itself renders with
        yield Generated(Draft(pieces), _order_of(script, order))


def _order_of(script: ops.MigrationScript, order: Order) -> Order:
    """Return the order as the project's own process_revision_directives has left it."""
    labels: Any = script.branch_label
    return replace(
        order,
        message=script.message,
        head=str(script.head),
        splice=bool(script.splice),
        branch_label=_as_tuple(labels),
        ids=(str(script.rev_id),),
    )


def _as_tuple(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(map(str, value))  # type: ignore[call-overload]  # Alembic takes either


def _list_pieces(context: Any, script: ops.MigrationScript) -> Iterator[Piece]:
    """Yield a piece for each operation, with that of the downgrade that takes it back.

    One for all of them where a hook of the project has changed one function and not the other.
    """
    upgrades = list(_flatten(script.upgrade_ops, context))
    downgrades = list(_flatten(script.downgrade_ops, context))
    if len(upgrades) != len(downgrades):
        code, imports = _render(context, upgrades, script)
        back, more = _render(context, downgrades, script)
        yield Piece(code, back, imports=imports | more)
        return
    for upgrade, downgrade in zip(upgrades, reversed(downgrades), strict=True):
        code, imports = _render(context, [upgrade], script)
        back, more = _render(context, [downgrade], script)
        if code:
            yield Piece(code, back, imports=imports | more)


def _flatten(container: Any, context: Any) -> Iterator[ops.MigrateOperation]:
    """Yield the operations one by one; those of a table stay together where they are a batch."""
    for one in container.ops if container is not None else ():
        if isinstance(one, ops.OpContainer) and not context.opts.get("render_as_batch"):
            yield from _flatten(one, context)
        else:
            yield one


def _render(
    context: Any, operations: Iterable[ops.MigrateOperation], script: ops.MigrationScript
) -> tuple[str, frozenset[str]]:
    context.imports = set(script.imports or ())
    lines = [line for one in operations for line in render_op(context, one)]
    return "\n".join(lines), frozenset(context.imports)
