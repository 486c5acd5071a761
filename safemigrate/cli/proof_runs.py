"""A run of the proofs, as `verify` and `pull-request` have it."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

import click

from safemigrate.cli.judging import load_project_config
from safemigrate.cli.proving import ProofOptions, check_files, choose_proofs
from safemigrate.errors import RunStoppedError, UsageError
from safemigrate.model import (
    Check,
    HistoryProof,
    Property,
    RevisionProof,
    ServerVersion,
    Standing,
)
from safemigrate.server import Server, open_server
from safemigrate.source import Project, open_project
from safemigrate.verify import verify_history
from safemigrate.verify.changes import find_changes
from safemigrate.verify.majors import compare_majors, prove_on_majors
from safemigrate.verify.remembering import remembering
from safemigrate.verify.selection import choose_revisions, list_way

__all__ = ["ProofRequest", "has_failed", "prove", "stopping"]


@dataclass(frozen=True, slots=True)
class ProofRequest:
    """What is to be proved.

    `options`: what the command line says of how. `server`: as `--server` takes it. `versions`: none
    for whichever the server has. `revisions`: none for all. `changed_since`: the reference that the
    branch left, which chooses instead; None where nothing does.
    """

    config: Path
    options: ProofOptions
    server: str
    versions: tuple[ServerVersion, ...] = ()
    revisions: tuple[str, ...] = ()
    changed_since: str | None = None
    is_remembered: bool = True


def prove(
    request: ProofRequest, *, on_proof: Callable[[RevisionProof, int, int], None]
) -> HistoryProof | None:
    """Return what was proved on a throwaway server, None where nothing has changed.

    Raises RunStoppedError when the process is told to end meanwhile; everything is cleared up then.
    """
    configured = load_project_config(request.config)
    choices = choose_proofs(configured.verify, request.options)
    check_files(choices)
    imports, is_remembered = configured.imports, request.is_remembered
    with (
        stopping("proved"),
        remembering(
            request.config, choices, imports=imports, is_remembered=is_remembered
        ) as memory,
    ):
        project = open_project(request.config, imports=imports)
        chosen = _choose(project, request.revisions, request.changed_since)
        if chosen is None:
            return None
        keeping = memory.plan(project, list_way(project, choose_revisions(project, chosen)))

        def prove_on(opened: Server) -> HistoryProof:
            return verify_history(
                project,
                opened,
                names=chosen,
                choices=choices,
                memory=memory,
                on_proof=on_proof,
            )

        if len(request.versions) > 1:
            versions = list(request.versions)
            return prove_on_majors(request.server, versions, prove_on, keeping=keeping)
        version = next(iter(request.versions), None)
        with open_server(request.server, version=version, keeping=keeping) as opened:
            proof = prove_on(opened)
        if not chosen and Property.SAME_ON_MAJORS in choices.wanted:
            proof = replace(proof, checks=(*proof.checks, compare_majors([proof])))
        return proof


@contextmanager
def stopping(what: str) -> Iterator[None]:
    """Let SIGTERM and Ctrl-C end the block with everything cleared up, and exit code 3.

    `what`: what is done with everything in it: judged, proved.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        # what clears up is not to be stopped, too
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        raise RunStoppedError(
            f"stopped before everything was {what}",
            "nothing but throwaway databases was touched, and they are gone; run it again",
        ) from None
    finally:
        signal.signal(signal.SIGTERM, before)


def _choose(
    project: Project, revisions: tuple[str, ...], changed_since: str | None
) -> tuple[str, ...] | None:
    """Return the revisions to prove, none for all; None where nothing has changed."""
    if changed_since is None:
        return revisions
    if revisions:
        raise UsageError(
            "REV and --changed-since are two ways to choose what is proved",
            "name revisions, or a reference of git",
        )
    changes = find_changes(project, changed_since)
    for notice in changes.notices:
        click.echo(f"note: {notice}", err=True)
    return changes.revisions or None


def has_failed(proof: HistoryProof, *, is_strict: bool) -> bool:
    """Return whether something is broken, or `is_strict`, could not be proved."""
    trip = proof.round_trip
    return (
        any(revision.has_failed for revision in proof.revisions)
        or any(check.is_broken for check in proof.checks)
        or (trip is not None and trip.is_ok is False)
        or (is_strict and any(check.standing is Standing.UNKNOWN for check in _list_checks(proof)))
    )


def _list_checks(proof: HistoryProof) -> list[Check]:
    return [*proof.checks, *(check for one in proof.revisions for check in one.checks)]
