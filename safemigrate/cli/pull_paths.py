"""Paths as a forge knows them: from the top of the repository, wherever the command runs."""

from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from safemigrate.model import (
    Assumption,
    Check,
    Finding,
    HistoryProof,
    Passage,
    RevisionProof,
    Unjudged,
)
from safemigrate.report import Judgement

__all__ = ["move_judgement", "move_proof", "show_from"]

Placed = TypeVar("Placed", Finding, Unjudged, Assumption, Check)


def show_from(top: Path, path: str) -> str:
    """Return a path relative to `top`, which is resolved; one that is not below it as it is."""
    place = Path(path).resolve()
    return place.relative_to(top).as_posix() if path and place.is_relative_to(top) else path


def move_judgement(judgement: Judgement, top: Path) -> Judgement:
    """Return the same judgement, with the paths of its files from `top`."""
    known: dict[str, str] = {}

    def move(path: str) -> str:
        if path not in known:
            known[path] = show_from(top, path)
        return known[path]

    def place(one: Placed) -> Placed:
        return replace(one, path=move(one.path))

    def move_passage(one: Passage) -> Passage:
        return replace(one, migration=replace(one.migration, path=move(one.migration.path)))

    result, paths = judgement.result, judgement.paths
    return Judgement(
        replace(
            result,
            findings=tuple(place(one) for one in result.findings),
            unjudged=tuple(place(one) for one in result.unjudged),
            assumptions=tuple(place(one) for one in result.assumptions),
        ),
        replace(judgement.timeline, passages=tuple(map(move_passage, judgement.timeline.passages))),
        None if paths is None else frozenset(map(move, paths)),
    )


def move_proof(proof: HistoryProof, top: Path) -> HistoryProof:
    """Return the same proof, with the paths of its files from `top`."""

    def place(check: Check) -> Check:
        return replace(check, path=show_from(top, check.path))

    def move(one: RevisionProof) -> RevisionProof:
        return replace(one, path=show_from(top, one.path), checks=tuple(map(place, one.checks)))

    return replace(
        proof,
        revisions=tuple(map(move, proof.revisions)),
        checks=tuple(map(place, proof.checks)),
    )
