"""The schema so far: replayed from what was sent, when somebody asks."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace

from safemigrate.catalog import apply_action, forget_transaction, settle
from safemigrate.errors import SqlSyntaxError
from safemigrate.model import (
    Action,
    Catalog,
    ChangeRows,
    DoBlock,
    DropObject,
    Function,
    NoTableAction,
    QualifiedName,
    SetVariable,
    Table,
    UnmodelledAction,
    UnreadSql,
)
from safemigrate.source.inspection_details import Details, follow
from safemigrate.sql import read_actions

__all__ = ["Known", "SchemaSoFar"]

_HARMLESS = (ChangeRows, NoTableAction, SetVariable)
_FOLLOWED = frozenset({"TYPE", "DOMAIN"})


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the schema at one point of the history.

    `details`: what the catalog does not keep. `is_doubtful`: something ran, or may have run, that
    nobody saw, so that any answer may be wrong. `doubtful`: what was changed by statements that may
    not run, by the names it has or had.
    """

    catalog: Catalog = field(default_factory=lambda: Catalog(is_complete=True))
    details: Details = field(default_factory=Details)
    is_doubtful: bool = False
    doubtful: frozenset[QualifiedName] = frozenset()
    _settings: Mapping[str, str] = field(default_factory=dict)
    _transaction: int | None = None

    def is_sure(self, name: QualifiedName, *, is_found: bool) -> bool:
        """Return whether it is sure that there is, or is not, something of that resolved name.

        What a history made is there, also when the history is not complete.
        """
        if self.is_doubtful or name in self.doubtful:
            return False
        return is_found or self.catalog.is_complete

    def is_whole(self) -> bool:
        """Return whether lists of everything are sure to be complete and right."""
        return self.catalog.is_complete and not self.is_doubtful and not self.doubtful

    def is_table_sure(self, table: Table) -> bool:
        """Return whether all that hangs on the table is known: columns, constraints, indexes."""
        return (
            self.is_sure(table.name, is_found=True)
            and not table.is_older
            and table.identity not in self.details.partial
        )

    def perform(self, sql: str, transaction: int | None, *, is_assumed: bool) -> "Known":
        """Return what is known when the statement has run."""
        known = self
        if transaction is None or transaction != self._transaction:
            # what SET LOCAL set ends with its transaction
            ended = forget_transaction(replace(self.catalog, settings=self._settings))
            known = replace(self, catalog=ended, _transaction=transaction)
        try:
            actions = read_actions(sql)
        except SqlSyntaxError:
            return replace(known, is_doubtful=True)
        for action in actions:
            known = known.apply(action, is_assumed=is_assumed)
        return known

    def end_passage(self) -> "Known":
        """Return what a later migration finds."""
        catalog = settle(replace(self.catalog, settings=self._settings))
        return replace(self, catalog=catalog, _transaction=None)

    def apply(self, action: Action, *, is_assumed: bool) -> "Known":
        """Return what is known after the action."""
        match action:
            case UnmodelledAction() | UnreadSql():
                is_doubtful = True
            case DropObject(kind=kind, is_cascade=is_cascade):
                # the catalog takes the columns of a type along, and nothing else
                is_doubtful = is_cascade and kind not in _FOLLOWED
            case NoTableAction(kind="ALTER SET SCHEMA"):
                is_doubtful = True
            case NoTableAction(calls=calls):
                called = [each for call in calls for each in self.catalog.functions_of(call)]
                is_doubtful = not all(map(_is_harmless, called))
            case DoBlock(steps=steps):
                known = self
                for step in steps:
                    is_unsure = is_assumed or step.is_conditional
                    known = known.apply(step.action, is_assumed=is_unsure)
                return known
            case _:
                is_doubtful = False
        before = self.catalog
        after = apply_action(before, action)
        settings = self._settings
        if isinstance(action, SetVariable) and not action.is_local:
            settings = apply_action(replace(before, settings=settings), action).settings
        doubtful = self.doubtful
        if is_assumed and not isinstance(action, _HARMLESS):
            doubtful |= _names_in(action, before) | _names_in(action, after)
        return replace(
            self,
            catalog=after,
            details=follow(self.details, action, before, after),
            is_doubtful=self.is_doubtful or is_doubtful,
            doubtful=doubtful,
            _settings=settings,
        )


def _is_harmless(function: Function) -> bool:
    body = function.definition.body
    return body is not None and all(isinstance(step.action, _HARMLESS) for step in body)


def _names_in(action: Action, catalog: Catalog) -> frozenset[QualifiedName]:
    """Return what the action names, and the table of an index that it names."""
    found = set()
    if is_dataclass(action):
        for each in fields(action):
            value = getattr(action, each.name)
            if isinstance(value, QualifiedName):
                name = catalog.resolve(value)
                index = catalog.indexes.get(name)
                found |= {name} if index is None else {name, index.table}
    new_name = getattr(action, "new_name", None)
    if isinstance(new_name, str):
        found |= {QualifiedName(name.schema, new_name) for name in list(found)}
    return frozenset(found)


class _Point:
    """A point of the history: what was sent since another, and what is known once it was asked."""

    __slots__ = ("is_assumed", "known", "previous", "statements")

    def __init__(
        self,
        previous: "_Point | None" = None,
        statements: Sequence[tuple[str, int | None]] = (),
        *,
        is_assumed: bool = False,
        known: Known | None = None,
    ) -> None:
        self.previous = previous
        self.statements = statements
        self.is_assumed = is_assumed
        self.known = known


class SchemaSoFar:
    """What the statements sent so far have made of a schema.

    Nothing is replayed before somebody asks, and nothing twice. A branch costs nothing, and what is
    noted in it is not noted in what it was taken from.
    """

    def __init__(self, before: Catalog | None = None) -> None:
        """`before`: what is there at first, by default nothing at all."""
        known = Known() if before is None else Known(before, _settings=before.settings)
        self._point = _Point(known=known)
        self._imagined: frozenset[QualifiedName] = frozenset()

    def branch(self) -> "SchemaSoFar":
        """Return another that starts from here."""
        return copy.copy(self)

    def note(
        self, statements: Sequence[tuple[str, int | None]], *, is_assumed: bool = False
    ) -> None:
        """Let statements be run, each with the token of its transaction, None for none."""
        self._point = _Point(self._point, statements, is_assumed=is_assumed)

    def end_passage(self) -> None:
        """Let what is bound to a session or a transaction end."""
        self._point = _Point(self._point)

    def doubt(self) -> None:
        """Let something be run that nobody saw: from now on nothing is sure."""
        self._point = _Point(known=replace(self.known(), is_doubtful=True))

    def admit_more(self) -> None:
        """Let there be more than the history shows: it does not begin with nothing."""
        known = self.known()
        catalog = replace(known.catalog, is_complete=False)
        self._point = _Point(known=replace(known, catalog=catalog))

    def known(self) -> Known:
        """Return what is known now."""
        waiting = []
        point = self._point
        while point.known is None and point.previous is not None:
            waiting.append(point)
            point = point.previous
        known = point.known or Known()
        for each in reversed(waiting):
            known = _replay(known, each)
        # what led here is needed no more, unless by a branch, which holds it itself
        self._point.known, self._point.previous = known, None
        return known

    def imagine(self, name: QualifiedName) -> None:
        """Take a table that is not known to be there: it was asked for its parts."""
        self._imagined |= {name}

    def is_imagined(self, name: QualifiedName) -> bool:
        """Return whether a table of that resolved name was taken to be there."""
        return name in self._imagined


def _replay(known: Known, point: _Point) -> Known:
    if not point.statements:
        return known.end_passage()
    for sql, transaction in point.statements:
        known = known.perform(sql, transaction, is_assumed=point.is_assumed)
    return known
