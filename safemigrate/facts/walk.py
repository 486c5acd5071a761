"""A history → its timeline: every statement with the catalog it meets and what it does."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from safemigrate.catalog import forget_transaction, settle
from safemigrate.errors import SqlSyntaxError
from safemigrate.facts.reading import Reading
from safemigrate.facts.running import Run
from safemigrate.facts.situation import join_facts
from safemigrate.model import (
    Action,
    AlterTableOption,
    Catalog,
    Certainty,
    Direction,
    Event,
    ExplainedStatement,
    Facts,
    FamilyAction,
    History,
    Migration,
    Passage,
    ServerVersion,
    SetRowSecurity,
    Statement,
    Timeline,
)

__all__ = ["walk"]

# What a migration that sets it for the session decides for those after it.
_LEFT = ("search_path",)


def walk(history: History, *, before: Catalog, version: ServerVersion) -> Timeline:
    """Return the passages of the history, each upgrade followed by its downgrade.

    `before`: what exists when the history begins; an empty `Catalog` for a complete history.
    A downgrade starts from the catalog its upgrade leaves, and later upgrades do not see it; it
    runs in a session of its own. What env.py sets holds in every session.
    """
    with Reading(history) as reading:
        ground = _Ground(version, reading.actions)
        timeline = _walk(history, before, ground)
        passages = [
            replace(passage, database=number)
            for number, other in enumerate(history.further, start=1)
            for passage in _walk(other, before, ground).passages
        ]
    return replace(timeline, passages=(*timeline.passages, *passages)) if passages else timeline


@dataclass(frozen=True, slots=True)
class _Ground:
    """What is the same for all passages; `read` returns the actions of a statement."""

    version: ServerVersion
    read: Callable[[str], tuple[Action, ...]]


def _walk(history: History, before: Catalog, ground: _Ground) -> Timeline:
    catalog = replace(before, is_complete=before.is_complete or history.is_complete)
    if history.setup:
        catalog = _set_up(catalog, history.setup, ground)
    if catalog.session is None:
        catalog = replace(catalog, session=catalog.settings)
    passages = []
    origin = catalog
    for migration in history.migrations:
        catalog = _forget_session(settle(catalog), *_LEFT)
        if not migration.reverses:
            up = _pass(migration, Direction.UPGRADE, migration.upgrade, catalog, ground)
            passages.append(up)
            origin, catalog = up.before, up.after
            if _has_gaps(up):
                catalog = replace(catalog, is_complete=False)
        if migration.downgrade or migration.revision is not None or migration.reverses:
            met = _forget_session(settle(catalog))
            down = _pass(migration, Direction.DOWNGRADE, migration.downgrade, met, ground)
            passages.append(replace(down, origin=origin))
    return Timeline(
        tuple(passages),
        history.notices,
        history.naming_convention,
        following=settle(catalog),
        required_variables=history.required_variables,
    )


def _forget_session(catalog: Catalog, *left: str) -> Catalog:
    """Return the catalog as a new session meets it, but for what an earlier one `left` set.

    A migration runs in the session of those before it, or later, in one of its own: a limit that
    holds only in the one is none. Where names without a schema lie, the one run has decided.
    """
    settings = {name: value for name, value in catalog.settings.items() if name in left}
    others = {k: v for k, v in (catalog.session or {}).items() if k not in left}
    settings |= others
    return catalog if settings == catalog.settings else replace(catalog, settings=settings)


def _set_up(catalog: Catalog, setup: tuple[Statement, ...], ground: _Ground) -> Catalog:
    """Return the catalog that the migrations meet when env.py has sent what it sends first."""
    itself = Migration(path=setup[0].path, text="")
    passage = _pass(itself, Direction.UPGRADE, setup, catalog, ground)
    return replace(passage.after, is_complete=False) if _has_gaps(passage) else passage.after


def _has_gaps(passage: Passage) -> bool:
    """Return whether something ran that may have changed the schema unseen."""
    migration = passage.migration
    if any(entry.hides_statements for entry in migration.unjudged):
        return True
    if any(entry.hides_changes for entry in migration.assumptions):
        return True
    return any(
        item.syntax_error or any(one.gap for one in item.events) for item in passage.statements
    )


def _pass(
    migration: Migration,
    direction: Direction,
    statements: tuple[Statement, ...],
    catalog: Catalog,
    ground: _Ground,
) -> Passage:
    """Run one direction of a migration over the catalog."""
    beginning = catalog
    explained = []
    settings: Mapping[str, str] = catalog.settings
    transaction: int | None = None
    for statement in statements:
        if transaction is None or statement.transaction != transaction:
            # What SET LOCAL set ends with its transaction.
            catalog = _end_transaction(catalog, settings)
            transaction = statement.transaction
        try:
            actions = ground.read(statement.sql)
        except SqlSyntaxError as err:
            unknown = Facts(certainty=Certainty.UNKNOWN)
            explained.append(ExplainedStatement(statement, (), unknown, err.message, err.offset))
            continue
        run = Run(statement, catalog, beginning, ground.version, settings)
        run.perform(actions)
        whole = _take_strongest(join_facts(event.facts for event in run.events), run.events)
        explained.append(ExplainedStatement(statement, tuple(run.events), whole))
        catalog, settings = run.catalog, run.settings
    after = _end_transaction(catalog, settings)
    return Passage(migration, direction, beginning, after, tuple(explained), ground.version)


def _take_strongest(facts: Facts, events: Sequence[Event]) -> Facts:
    """Return the facts of several changes of one ALTER TABLE, made under one lock.

    Whatever one of them needs is taken wherever any of them reaches (manual: "ALTER TABLE",
    Description).
    """
    tables = {
        event.action.table
        if isinstance(event.action, FamilyAction | SetRowSecurity | AlterTableOption)
        else None
        for event in events
    }
    if len(events) == 1 or len(tables) != 1 or None in tables:
        return facts
    catalog = events[0].before
    (table,) = (catalog.resolve(name) for name in tables if name is not None)
    family = {table, *(child.name for child in catalog.partitions_of(table))}
    modes = [lock.mode for lock in facts.locks if lock.relation == table]
    locks = tuple(
        replace(lock, mode=max(lock.mode, *modes)) if modes and lock.relation in family else lock
        for lock in facts.locks
    )
    return replace(facts, locks=locks)


def _end_transaction(catalog: Catalog, settings: Mapping[str, str]) -> Catalog:
    """Return the catalog with the settings that outlive the transaction."""
    if catalog.settings is not settings:
        catalog = replace(catalog, settings=settings)
    return forget_transaction(catalog)
