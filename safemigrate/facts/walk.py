"""A history → its timeline: every statement with the catalog it meets and what it does."""

from collections.abc import Mapping
from dataclasses import replace

from safemigrate.catalog import apply_action, settle
from safemigrate.errors import SqlSyntaxError
from safemigrate.facts.judging import facts_of
from safemigrate.facts.situation import Situation, join_facts
from safemigrate.model import (
    Catalog,
    Certainty,
    Direction,
    Event,
    ExplainedStatement,
    Facts,
    History,
    Migration,
    Passage,
    ServerVersion,
    SetVariable,
    Statement,
    Timeline,
)
from safemigrate.sql import read_actions

__all__ = ["walk"]


def walk(history: History, *, before: Catalog, version: ServerVersion) -> Timeline:
    """Return the passages of the history, each upgrade followed by its downgrade.

    `before`: what exists when the history begins; an empty `Catalog` for a complete history.
    A downgrade starts from the catalog its upgrade leaves, and later upgrades do not see it.
    """
    catalog = replace(before, is_complete=before.is_complete or history.is_complete)
    passages = []
    for migration in history.migrations:
        catalog = settle(catalog)
        up = _pass(migration, Direction.UPGRADE, migration.upgrade, catalog, version)
        passages.append(up)
        catalog = up.after
        if _has_gaps(up):
            catalog = replace(catalog, is_complete=False)
        if migration.downgrade or migration.revision is not None:
            down = _pass(
                migration, Direction.DOWNGRADE, migration.downgrade, settle(catalog), version
            )
            passages.append(down)
    return Timeline(tuple(passages), history.notices)


def _has_gaps(passage: Passage) -> bool:
    """Return whether something ran that may have changed the schema unseen."""
    if any(entry.hides_statements for entry in passage.migration.unjudged):
        return True
    return any(
        item.syntax_error or any(one.gap for one in item.events) for item in passage.statements
    )


def _pass(
    migration: Migration,
    direction: Direction,
    statements: tuple[Statement, ...],
    catalog: Catalog,
    version: ServerVersion,
) -> Passage:
    """Run one direction of a migration over the catalog."""
    beginning = catalog
    explained = []
    settings: Mapping[str, str] = catalog.settings
    transaction: int | None = None
    for statement in statements:
        if statement.transaction != transaction:
            # What SET LOCAL set ends with its transaction.
            catalog = replace(catalog, settings=settings)
            transaction = statement.transaction
        one, catalog = _explain(statement, catalog, beginning, version)
        explained.append(one)
        if any(
            isinstance(event.action, SetVariable) and not event.action.is_local
            for event in one.events
        ):
            settings = catalog.settings
    return Passage(
        migration, direction, beginning, replace(catalog, settings=settings), tuple(explained)
    )


def _explain(
    statement: Statement, catalog: Catalog, beginning: Catalog, version: ServerVersion
) -> tuple[ExplainedStatement, Catalog]:
    try:
        actions = read_actions(statement.sql)
    except SqlSyntaxError as err:
        unknown = Facts(certainty=Certainty.UNKNOWN)
        return ExplainedStatement(statement, (), unknown, err.message, err.offset), catalog
    events = []
    for action in actions:
        situation = Situation(catalog, beginning, version, statement.transaction is not None)
        facts = facts_of(action, situation)
        if statement.is_assumed and facts.certainty is Certainty.KNOWN:
            facts = replace(facts, certainty=Certainty.ASSUMED)
        events.append(Event(statement, action, facts, catalog))
        catalog = apply_action(catalog, action)
    whole = join_facts(event.facts for event in events)
    return ExplainedStatement(statement, tuple(events), whole), catalog
