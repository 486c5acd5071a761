"""One statement run over a catalog: what it does itself, and what the bodies do that it runs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from safemigrate.catalog import apply_action, forget_transaction, remember_function
from safemigrate.facts.enums import facts_of_new_labels
from safemigrate.facts.features import find_newer_features
from safemigrate.facts.judging import facts_of
from safemigrate.facts.situation import Situation, join_facts
from safemigrate.facts.volatility import is_builtin
from safemigrate.model import (
    Action,
    Catalog,
    Certainty,
    CreateFunction,
    DoBlock,
    DropColumn,
    DropConstraint,
    Event,
    Facts,
    Function,
    NoTableAction,
    ServerVersion,
    SetVariable,
    Statement,
    Step,
    TransactionControl,
    TransactionVerb,
    UnreadSql,
)

__all__ = ["Run"]

_DROPS = (DropColumn, DropConstraint)

# Functions that call one another can do without end what each says once.
_MOST_EVENTS = 1000

_ENDED = "invalid transaction termination"
_UNSUPPORTED = "unsupported transaction command in PL/pgSQL"
_IN_TRANSACTION = "cannot run inside a transaction block"
_IN_BODY = "cannot be executed from a function"


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where steps stand: the statement itself, a block in it, or a function that it calls.

    `site`: the statement whose text the steps stand in, None for the one that runs.
    `offset`: where in that text they count from. `is_point`: all of them count as standing there.
    `can_commit`: it may end the transaction, because the statement has one of its own.
    """

    site: Statement | None = None
    offset: int = 0
    is_point: bool = False
    is_body: bool = False
    is_conditional: bool = False
    can_commit: bool = True
    promises_nothing: bool = True

    def place(self, step: Step) -> int:
        """Return the offset of the event of the step."""
        if self.is_point:
            return self.offset - step.action.offset
        return self.offset + step.offset


_TOP = _Frame()


class Run:
    """A statement on its way over a catalog.

    `events`: what it did so far. `catalog`: what is there now. `settings`: those that outlive the
    transaction.
    """

    def __init__(
        self,
        statement: Statement,
        catalog: Catalog,
        beginning: Catalog,
        version: ServerVersion,
        settings: Mapping[str, str],
    ) -> None:
        """`beginning`: what was there before the migration."""
        self.events: list[Event] = []
        self.catalog = catalog
        self.settings = settings
        self._statement = statement
        self._beginning = beginning
        self._version = version
        self._section = 0
        self._callers: list[CreateFunction] = []

    def perform(self, actions: Iterable[Action]) -> None:
        """Do what the statement says."""
        written = list(actions)
        if len(written) == 1:
            self._perform(map(Step, written), _TOP)
            return
        # ALTER TABLE drops first, whatever the order (`AlterTablePass` in
        # src/backend/commands/tablecmds.c).
        ordered = sorted(written, key=lambda action: not isinstance(action, _DROPS))
        self._perform(map(Step, ordered), _TOP)
        if ordered != written:
            self.events.sort(key=lambda event: written.index(event.action))

    def _perform(self, steps: Iterable[Step], frame: _Frame) -> None:
        for step in steps:
            if isinstance(step.action, UnreadSql) and not frame.promises_nothing:
                continue
            event = self._judge(step, frame)
            self.events.append(event)
            self._apply(event)
            match step.action:
                case DoBlock(steps=inner):
                    has_own = self._statement.transaction is None
                    self._perform(inner, replace(frame, is_body=True, can_commit=has_own))
                case NoTableAction() as action if not self._is_endless(action):
                    for call in action.calls:
                        if not is_builtin(call):
                            self._call(self.catalog.functions_of(call), action, event, frame)
                case _:
                    # Nothing else runs a body that is followed.
                    continue

    def _judge(self, step: Step, frame: _Frame) -> Event:
        is_outside = self._statement.transaction is None
        situation = Situation(
            self.catalog, self._beginning, self._version, frame.is_body or not is_outside
        )
        facts = facts_of(step.action, situation)
        if self.catalog.new_labels:
            facts = join_facts([facts, facts_of_new_labels(step.action, situation)])
        newer = find_newer_features(step.action, self._version)
        if newer:
            unknown = tuple(f"{one.name} came with PostgreSQL {one.since}" for one in newer)
            facts = join_facts([facts, Facts(errors=unknown)])
        if frame.is_body:
            facts = replace(facts, errors=tuple(self._refusals(step.action, frame, facts)))
        is_assumed = self._statement.is_assumed or frame.is_conditional or step.is_conditional
        if is_assumed and facts.certainty is Certainty.KNOWN:
            facts = replace(facts, certainty=Certainty.ASSUMED)
        if self._is_endless(step.action):
            facts = replace(facts, certainty=Certainty.UNKNOWN)
        return Event(
            self._statement,
            step.action,
            facts,
            self.catalog,
            offset=frame.place(step),
            site=frame.site,
            section=self._section,
            is_in_body=frame.is_body,
        )

    def _is_endless(self, action: Action) -> bool:
        """Return whether it calls what would be followed for too long."""
        if not isinstance(action, NoTableAction) or len(self.events) <= _MOST_EVENTS:
            return False
        return not all(map(is_builtin, action.calls))

    def _apply(self, event: Event) -> None:
        match event.action:
            case DoBlock():
                # Its steps are applied one by one.
                return
            case CreateFunction() as definition:
                statement = event.site or event.statement
                function = Function(definition, statement, event.offset)
                self.catalog = remember_function(self.catalog, function)
            case TransactionControl(verb=TransactionVerb.COMMIT | TransactionVerb.ROLLBACK):
                if event.is_in_body and not event.facts.errors:
                    self._section += 1
                    ended = replace(self.catalog, settings=self.settings)
                    self.catalog = forget_transaction(ended)
            case SetVariable(is_local=False) as action:
                lasting = replace(self.catalog, settings=self.settings)
                self.settings = apply_action(lasting, action).settings
                self.catalog = apply_action(self.catalog, action)
            case action:
                self.catalog = apply_action(self.catalog, action)

    def _call(
        self, functions: tuple[Function, ...], action: NoTableAction, event: Event, frame: _Frame
    ) -> None:
        """Follow the call into the bodies of the functions that it may be of."""
        for function in functions:
            definition = function.definition
            if definition.body is None or definition in self._callers:
                continue
            inner = self._enter(function, event, frame)
            inner = replace(
                inner,
                is_conditional=event.facts.certainty is Certainty.ASSUMED or len(functions) > 1,
                can_commit=frame.can_commit
                and self._statement.transaction is None
                and action.kind == "CALL"
                and not definition.settings,
                promises_nothing=definition.volatility == "v",
            )
            before = self.catalog.settings
            for setting in definition.settings:
                self.catalog = apply_action(self.catalog, setting)
            self._callers.append(definition)
            self._perform(definition.body, inner)
            self._callers.pop()
            self._restore(definition, before)

    def _enter(self, function: Function, event: Event, frame: _Frame) -> _Frame:
        """Return the frame of the body: in its own place, where that is in the same file."""
        made, called = function.statement, self._statement
        if made is not None and (made.path, made.direction) == (called.path, called.direction):
            site = None if made is called else made
            return replace(frame, site=site, offset=function.offset, is_point=False, is_body=True)
        at = event.offset + event.action.offset
        return replace(frame, offset=at, is_point=True, is_body=True)

    def _restore(self, definition: CreateFunction, before: Mapping[str, str]) -> None:
        """Give the settings of a function back their values of before the call."""
        if definition.settings:
            names = {setting.name for setting in definition.settings}
            kept = {k: v for k, v in self.catalog.settings.items() if k not in names}
            old = {k: v for k, v in before.items() if k in names}
            self.catalog = replace(self.catalog, settings={**kept, **old})

    def _refusals(self, action: Action, frame: _Frame, facts: Facts) -> Iterable[str]:
        """Return why the server refuses the action in a body (SQLSTATE 25001, 2D000 and 0A000).

        Manual: "PL/pgSQL", Transaction Management. What cannot run in a transaction block cannot
        run in a body either.
        """
        if isinstance(action, TransactionControl):
            if action.verb not in {TransactionVerb.COMMIT, TransactionVerb.ROLLBACK}:
                return (_UNSUPPORTED,)
            return () if frame.can_commit else (_ENDED,)
        if self._statement.transaction is None:
            return (error.replace(_IN_TRANSACTION, _IN_BODY) for error in facts.errors)
        return facts.errors
