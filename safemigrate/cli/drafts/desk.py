"""Drafts judged as a part of their project's history, before they are a part of the project."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from safemigrate.cli.drafts.draft import Draft
from safemigrate.cli.drafts.staging import Order, Staged, Written, number_ids, stage
from safemigrate.cli.schema import Schema, walk_from
from safemigrate.config import Config
from safemigrate.facts import walk
from safemigrate.lint import judge
from safemigrate.model import (
    Direction,
    Finding,
    History,
    LintResult,
    Migration,
    Passage,
    ServerVersion,
    Statement,
    Timeline,
)
from safemigrate.source import Project
from safemigrate.source.excerpt import show_path
from safemigrate.source.recording import Recorded, record_revisions

__all__ = ["Desk", "Proof", "Proofs"]


@dataclass(frozen=True, slots=True)
class Proof:
    """A draft as it was read: its text, what it runs, and what is found in it."""

    written: Written
    upgrade: Passage
    downgrade: Passage
    findings: tuple[Finding, ...]

    @property
    def draft(self) -> Draft:
        """The draft that was judged."""
        return self.written.draft

    @property
    def text(self) -> str:
        """The whole text of the revision."""
        return self.upgrade.migration.text

    def passage(self, direction: Direction) -> Passage:
        """Return what it runs in a direction."""
        return self.upgrade if direction is Direction.UPGRADE else self.downgrade


@dataclass(frozen=True, slots=True)
class Proofs:
    """The drafts of one round."""

    each: tuple[Proof, ...]
    result: LintResult
    timeline: Timeline
    contents: tuple[bytes, ...]


class Desk:
    """What drafts are laid on to be judged: the history of a project, recorded once."""

    def __init__(
        self, project: Project, config: Config, before: Schema, version: ServerVersion
    ) -> None:
        self._project = project
        self._settings = replace(config.rules, start_after=None)
        self._before = before
        self._version = version
        self._ids: list[str] = []

    @cached_property
    def _recorded(self) -> tuple[History, tuple[Recorded, ...]]:
        recording = record_revisions(self._project, version=self._version)
        return recording.history, recording.revisions

    @cached_property
    def past(self) -> Timeline:
        """The history as it is without the drafts."""
        return walk_from(self._recorded[0], self._before, self._version)

    @property
    def project(self) -> Project:
        """The project that the drafts are for."""
        return self._project

    def order_for(self, order: Order, count: int) -> Order:
        """Return the order with an id for each draft; a draft at one place keeps its id."""
        if len(self._ids) < count:
            taken = [one.revision for one in self._project.revisions()]
            first = order.ids[0] if order.ids else None
            ids = number_ids(first, count, taken)
            self._ids += ids[len(self._ids) :]
        return replace(order, ids=tuple(self._ids[:count]))

    def judge(self, drafts: Sequence[Draft], order: Order) -> Proofs:
        """Return what the rules say about the drafts as the next revisions of the history."""
        with tempfile.TemporaryDirectory(prefix="safemigrate-new-") as name:
            staged = stage(
                self._project, drafts, self.order_for(order, len(drafts)), Path(name).resolve()
            )
            history = self._record(staged)
            contents = tuple(one.staged.read_bytes() for one in staged.written)
        timeline = self._walk(history, staged)
        paths = frozenset(show_path(one.path) for one in staged.written)
        result = judge(timeline, settings=self._settings, paths=paths)
        each = tuple(_read(one, timeline, result) for one in staged.written)
        return Proofs(each, result, timeline, contents)

    def _record(self, staged: Staged) -> History:
        _, known = self._recorded
        ids = [one.revision for one in staged.project.revisions()]
        if [one.migration.revision for one in known] != ids[: len(known)]:
            known = ()
        history = record_revisions(staged.project, version=self._version, known=known).history
        return _move(history, staged.written)

    def _walk(self, history: History, staged: Staged) -> Timeline:
        """Return the timeline of the drafts alone where they come last, else of the whole."""
        new = len(staged.written)
        ids = {one.revision for one in staged.written}
        is_last = {one.revision for one in history.migrations[-new:]} == ids
        if not is_last or history.further:
            return walk_from(history, self._before, self._version)
        rest = replace(history, migrations=history.migrations[-new:], is_complete=False, setup=())
        return walk(rest, before=self.past.following, version=self._version)


def _read(written: Written, timeline: Timeline, result: LintResult) -> Proof:
    upgrade, downgrade = (
        next(
            one
            for one in timeline.passages
            if one.migration.revision == written.revision and one.direction is direction
        )
        for direction in Direction
    )
    path = upgrade.migration.path
    findings = tuple(one for one in result.findings if one.path == path)
    return Proof(written, upgrade, downgrade, findings)


def _move(history: History, written: Sequence[Written]) -> History:
    """Return the history with the new revisions where they shall stand."""
    places = {show_path(one.staged): show_path(one.path) for one in written}

    def move(migration: Migration) -> Migration:
        path = places.get(migration.path)
        if path is None:
            return migration
        return replace(
            migration,
            path=path,
            upgrade=tuple(_move_all(migration.upgrade, path)),
            downgrade=tuple(_move_all(migration.downgrade, path)),
            unjudged=tuple(replace(one, path=path) for one in migration.unjudged),
            assumptions=tuple(replace(one, path=path) for one in migration.assumptions),
        )

    return replace(
        history,
        migrations=tuple(map(move, history.migrations)),
        further=tuple(_move(one, written) for one in history.further),
    )


def _move_all(statements: Sequence[Statement], path: str) -> Iterator[Statement]:
    for statement in statements:
        yield replace(statement, path=path)
