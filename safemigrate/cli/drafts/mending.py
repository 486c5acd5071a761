"""Drafts made safe: what lint finds in them goes another way, or into a revision of its own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from textwrap import dedent

from safemigrate.cli.drafts.desk import Desk, Proof, Proofs
from safemigrate.cli.drafts.draft import Draft, Piece, Region, find_regions
from safemigrate.cli.drafts.remedies import (
    counts,
    is_same_schema,
    list_ways,
    must_end_the_same,
    weigh,
)
from safemigrate.cli.drafts.reversing import is_inside, list_events, read_made, reverse
from safemigrate.cli.drafts.staging import Order
from safemigrate.cli.drafts.strangers import list_strangers
from safemigrate.lint import FileFix, plan_fixes
from safemigrate.model import (
    Catalog,
    ChangeRows,
    Direction,
    DoBlock,
    Finding,
    LockTable,
    NoTableAction,
    SetVariable,
    Severity,
    TransactionControl,
)
from safemigrate.recipes import Made
from safemigrate.source.editing import Edit, TextLines, apply_edits

__all__ = ["Mender", "Wishes"]

# Each round mends one thing; no draft has nearly as many.
_ROUNDS = 200
_MISSING_DOWNGRADE = "missing-downgrade"
_EMPTY_DOWNGRADE = "empty-downgrade"
_OF_ROWS = ChangeRows | DoBlock | LockTable | NoTableAction | SetVariable | TransactionControl
_ROWS_STAY = "only rows are changed, and the schema before holds them as well"


@dataclass(frozen=True, slots=True)
class Wishes:
    """How drafts are mended.

    `reason`: what the ignore comments say; None leaves them out. `is_same_end`: the schema must be
    the one that was asked for. `prefers_fixes`: what `lint --fix` would do goes before a recipe of
    several revisions.
    """

    reason: str | None = None
    is_same_end: bool = False
    prefers_fixes: bool = False


class Mender:
    """Mends the drafts of one order.

    `advice`: what was done in place of what, a line each. `notes`: what they name that
    is not there.
    """

    def __init__(self, desk: Desk, order: Order, wishes: Wishes) -> None:
        self.advice: list[str] = []
        self.notes: tuple[str, ...] = ()
        self._desk = desk
        self._order = order
        self._wishes = wishes
        self._tried: set[tuple[str, str]] = set()

    def mend(self, drafts: Sequence[Draft]) -> Proofs:
        """Return the drafts as they shall be written, judged, with a way back."""
        proofs = self._judge(drafts)
        self.notes = list_strangers(proofs.each)
        proofs = self._mend(proofs)
        made = read_made(self._desk.past, proofs.timeline)
        proofs = self._judge([reverse(one, made) for one in proofs.each])
        anew = self._judge([self._reverse_better(one, made) for one in proofs.each])
        proofs = self._fix_all(anew if _weigh(anew) < _weigh(proofs) else proofs)
        return self._explain_missing(proofs)

    def _reverse_better(self, proof: Proof, made: Made) -> Draft:
        # what Alembic generates for a constraint without a name raises
        is_bad = bool(proof.downgrade.migration.unjudged) or any(
            counts(one) and one.direction is Direction.DOWNGRADE for one in proof.findings
        )
        return reverse(proof, made, is_anew=True) if is_bad else proof.draft

    def _judge(self, drafts: Sequence[Draft]) -> Proofs:
        return self._desk.judge(drafts, self._order)

    def _mend(self, proofs: Proofs) -> Proofs:
        for _ in range(_ROUNDS):
            found = self._isolate(proofs)
            if found is None and self._wishes.prefers_fixes:
                found = self._fix(proofs)
            if found is None:
                found = self._replace(proofs)
            if found is None:
                found = self._fix(proofs)
            if found is None:
                break
            proofs = found
        return proofs

    def _fix_all(self, proofs: Proofs) -> Proofs:
        for _ in range(_ROUNDS):
            found = self._fix(proofs)
            if found is None:
                break
            proofs = found
        return proofs

    def _isolate(self, proofs: Proofs) -> Proofs | None:
        """Give the first piece whose fix ends a transaction a revision of its own."""
        for at, proof in enumerate(proofs.each):
            if len(proof.draft.pieces) == 1:
                continue
            for number, finding in _list_findings(proof):
                fix = finding.fix
                if fix is None or fix.doubt or not fix.parts_transaction:
                    continue
                return self._judge(_split(proofs, at, number, None))
        return None

    def _replace(self, proofs: Proofs) -> Proofs | None:
        """Let the first piece that has a better way go that way."""
        for at, proof in enumerate(proofs.each):
            for number, finding in _list_findings(proof):
                piece = proof.draft.pieces[number]
                key = (piece.upgrade, finding.rule)
                if not counts(finding) or key in self._tried:
                    continue
                self._tried.add(key)
                ways = list_ways(
                    piece,
                    finding,
                    reason=self._wishes.reason,
                    is_same_end=self._wishes.is_same_end,
                )
                if not ways:
                    continue
                better = self._judge(_split(proofs, at, number, ways))
                if self._is_better(proofs, better, proof, number, finding):
                    if finding.remedy is not None:
                        self.advice.append(f"{finding.message}: {finding.remedy.advice}")
                    return better
        return None

    def _is_better(
        self, before: Proofs, after: Proofs, proof: Proof, number: int, finding: Finding
    ) -> bool:
        if _weigh(after, Direction.UPGRADE) >= _weigh(before, Direction.UPGRADE):
            return False
        if not (must_end_the_same(finding) or self._wishes.is_same_end):
            return True
        start, end = _bounds(proof, number)
        return not is_same_schema(start, end) and is_same_schema(_end(before), _end(after))

    def _fix(self, proofs: Proofs) -> Proofs | None:
        """Make the safe fixes, as `lint --fix` does."""
        plan = plan_fixes(proofs.result, proofs.timeline)
        fixes = {one.migration.path: one for one in plan.files}
        drafts = []
        for proof in proofs.each:
            fix = fixes.get(proof.upgrade.migration.path)
            drafts.append(proof.draft if fix is None else _apply(proof, fix))
        if drafts == [one.draft for one in proofs.each]:
            return None
        self.advice += [
            f"{one.message}: {one.remedy.advice}"
            for file in plan.files
            for one in file.findings
            if one.remedy is not None and one.direction is Direction.UPGRADE
        ]
        return self._judge(drafts)

    def _explain_missing(self, proofs: Proofs) -> Proofs:
        """Let an ignore comment give the reason where nothing is taken back."""
        drafts = [_explain(one) for one in proofs.each]
        return proofs if drafts == [one.draft for one in proofs.each] else self._judge(drafts)


def _explain(proof: Proof) -> Draft:
    found = {one.rule for one in proof.findings}
    draft = proof.draft
    if draft.reason and _MISSING_DOWNGRADE in found:
        return replace(draft, ignores=((_MISSING_DOWNGRADE, draft.reason),))
    is_empty = not any(piece.downgrade or piece.reason for piece in draft.pieces)
    if is_empty and _EMPTY_DOWNGRADE in found and _is_of_rows(proof):
        return replace(draft, ignores=((_EMPTY_DOWNGRADE, _ROWS_STAY),))
    return draft


def _is_of_rows(proof: Proof) -> bool:
    """Return whether the upgrade changes rows, and nothing beside."""
    actions = [event.action for item in proof.upgrade.statements for event in item.events]
    return any(isinstance(one, ChangeRows) for one in actions) and all(
        isinstance(one, _OF_ROWS) for one in actions
    )


def _list_findings(proof: Proof) -> Iterator[tuple[int, Finding]]:
    """Yield what is found in the upgrade, the worst first, with the number of its piece."""
    regions = [
        one for one in find_regions(proof.draft, proof.text) if one.direction is Direction.UPGRADE
    ]
    lines = TextLines(proof.text)
    statements = {item.statement.ordinal: item.statement for item in proof.upgrade.statements}
    ranks = list(Severity)
    for finding in sorted(proof.findings, key=lambda one: ranks.index(one.severity)):
        statement = statements.get(finding.ordinal or 0)
        if finding.direction is Direction.DOWNGRADE or statement is None:
            continue
        for region in regions:
            if is_inside(region, statement, lines):
                yield region.number, finding


def _split(proofs: Proofs, at: int, number: int, ways: Sequence[Draft] | None) -> list[Draft]:
    """Return the drafts with a piece in revisions of its own: those of `ways`, or as it is."""
    drafts = [one.draft for one in proofs.each]
    draft = drafts[at]
    before, piece, after = (
        draft.pieces[:number],
        draft.pieces[number],
        draft.pieces[number + 1 :],
    )
    own = ways if ways is not None else [Draft((piece,))]
    parts = [Draft(before)] if before else []
    parts += own
    parts += [Draft(after)] if after else []
    parts[0] = replace(parts[0], note=draft.note or parts[0].note)
    return [*drafts[:at], *parts, *drafts[at + 1 :]]


def _bounds(proof: Proof, number: int) -> tuple[Catalog, Catalog]:
    """Return the catalogs before and after a piece."""
    events = list_events(proof, number)
    following = next(
        (
            found[0].before
            for later in range(number + 1, len(proof.draft.pieces))
            if (found := list_events(proof, later))
        ),
        proof.upgrade.after,
    )
    return (events[0].before if events else following), following


def _end(proofs: Proofs) -> Catalog:
    return proofs.each[-1].upgrade.after


def _weigh(proofs: Proofs, direction: Direction | None = None) -> tuple[int, tuple[int, int]]:
    """Return how much is wrong, to be compared: what was not judged counts most."""
    found = (
        one for one in proofs.result.findings if direction is None or one.direction is direction
    )
    return len(proofs.result.unjudged), weigh(tuple(found))


def _apply(proof: Proof, fix: FileFix) -> Draft:
    """Return the draft with the edits made in its pieces; as it is where one is outside of them."""
    pieces = list(proof.draft.pieces)
    left = list(fix.edits)
    for region in find_regions(proof.draft, proof.text):
        mine = [one for one in left if _belongs(one, region)]
        if not mine:
            continue
        left = [one for one in left if one not in mine]
        text = proof.text[region.start : region.end]
        moved = [Edit(one.start - region.start, one.end - region.start, one.text) for one in mine]
        code = dedent(apply_edits(text, moved)).strip("\n")
        piece = pieces[region.number]
        pieces[region.number] = _with_code(piece, region.direction, code)
    return proof.draft if left else replace(proof.draft, pieces=tuple(pieces))


def _belongs(edit: Edit, region: Region) -> bool:
    """Return whether an edit is of the region: what is put between two is of that before or behind.

    What goes behind a call is whole lines; what goes before it is the beginning of one.
    """
    is_behind = edit.text.endswith("\n")
    if edit.start == edit.end == region.end:
        return is_behind
    if edit.start == edit.end == region.start:
        return not is_behind
    return region.start <= edit.start and edit.end <= region.end


def _with_code(piece: Piece, direction: Direction, code: str) -> Piece:
    if direction is Direction.UPGRADE:
        return replace(piece, upgrade=code)
    return replace(piece, downgrade=code)
