"""The proofs as tests: a collector for the project, and an item for each property."""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic.script import Script

from safemigrate.errors import SafemigrateError
from safemigrate.model import (
    Check,
    Outcome,
    Property,
    RevisionProof,
    RoundTrip,
    Standing,
)
from safemigrate.source.excerpt import show_path
from safemigrate.testing.outcomes import Failure, Outcomes, SharedOutcomes, WholeProof
from safemigrate.testing.places import describe_error, find_config_path, find_server, find_site
from safemigrate.testing.recorder import not_recording
from safemigrate.verify import verify_history

__all__ = ["ProofPlugin"]

_SHARED = "safemigrate_outcomes"
_HISTORY = "history"
_ROUND_TRIP = "round-trip"
# There is one server; `safemigrate verify` opens several.
_WITH_OTHER_SERVERS = {Property.SAME_ON_MAJORS}


class ProofPlugin:
    """Collects the proofs, and makes them when the first test needs one.

    Under xdist one process proves everything, and the others take what it has proved.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._path = find_config_path(config)
        self._folder: Path | None = None
        self._outcomes = _find_outcomes(config)
        if not any(_covers(config, argument, self._path) for argument in config.args):
            config.args.append(str(self._path))

    def pytest_collect_file(
        self, file_path: Path, parent: pytest.Collector
    ) -> pytest.Collector | None:
        """Take the configuration of Alembic for a file of tests."""
        if file_path.resolve() != self._path:
            return None
        collector: pytest.Collector = ProofFile.from_parent(
            parent, path=file_path, outcomes=self._outcomes
        )
        return collector

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of xdist where outcomes lie."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="safemigrate-"))
        node.workerinput[_SHARED] = str(self._folder)

    def pytest_unconfigure(self) -> None:
        """Remove what the workers have left."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def _find_outcomes(config: pytest.Config) -> Outcomes:
    folder = getattr(config, "workerinput", {}).get(_SHARED)
    return Outcomes() if folder is None else SharedOutcomes(folder=Path(folder))


def _covers(config: pytest.Config, argument: str, path: Path) -> bool:
    """Return whether the argument of pytest is the file, something in it, or a folder around it."""
    place = (config.invocation_params.dir / argument.partition("::")[0]).resolve()
    return path == place or (place.is_dir() and path.is_relative_to(place))


class ProofFile(pytest.File):
    """The project, whose parts are its revisions and its history."""

    def __init__(self, *, outcomes: Outcomes, **rest: Any) -> None:
        super().__init__(**rest)
        self.outcomes = outcomes

    def collect(self) -> Iterator[pytest.Collector]:
        """Yield the revisions, in the order of an upgrade, and the history; no server is asked."""
        try:
            site = find_site(self.config)
        except SafemigrateError as error:
            raise self.CollectError(describe_error(error)) from error
        wanted = [one for one in Property if one in site.choices.wanted - _WITH_OTHER_SERVERS]
        of_revisions = [one.value for one in wanted if not one.is_of_history]
        of_history = [*(one.value for one in wanted if one.is_of_history), _ROUND_TRIP]
        for script in site.project.revisions():
            yield ProofSubject.from_parent(
                self, name=script.revision, script=script, words=of_revisions
            )
        yield ProofSubject.from_parent(self, name=_HISTORY, script=None, words=of_history)


class ProofSubject(pytest.Collector):
    """A revision, or the history where `script` is None; its parts are the properties."""

    def __init__(self, *, script: Script | None, words: list[str], **rest: Any) -> None:
        super().__init__(**rest)
        self.script = script
        self.words = words

    def collect(self) -> Iterator[pytest.Item]:
        """Yield the properties."""
        for word in self.words:
            yield ProofItem.from_parent(self, name=word)


class ProofItem(pytest.Item):
    """One property of one revision, or of the history."""

    parent: ProofSubject

    def __init__(self, **rest: Any) -> None:
        super().__init__(**rest)
        self.add_marker("safemigrate")
        if self.config.pluginmanager.hasplugin("xdist"):
            self.add_marker(pytest.mark.xdist_group(f"safemigrate-{self.parent.name}"))

    @property
    def key(self) -> str:
        """The revision's id; empty for the history."""
        return "" if self.parent.script is None else self.parent.script.revision

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return where the revision is, and what is proved of it."""
        script = self.parent.script
        path = self.path if script is None else Path(script.path)
        return path, 0, f"{self.parent.name}::{self.name}"

    def runtest(self) -> None:
        """Have everything proved, if nobody has yet, and say how this property stands."""
        file = self.getparent(ProofFile)
        if file is None:
            return
        outcome = file.outcomes.find(self.key, lambda: _prove(self.session, file.outcomes))
        match outcome:
            case RevisionProof():
                self._tell_of_revision(outcome)
            case WholeProof():
                self._tell_of_history(outcome)
            case Failure():
                pytest.fail(outcome.text, pytrace=False)
            case None:
                pytest.fail("it was not proved", pytrace=False)

    def _tell_of_revision(self, proof: RevisionProof) -> None:
        check = _find_check(proof.checks, self.name)
        if proof.upgrade is not Outcome.OK and (check is None or not check.is_broken):
            reason = proof.error or "the upgrade fails"
            # one failure says it for all
            is_told = self.name != Property.APPLIES.value and _is_asked(
                self.session, self.key, Property.APPLIES
            )
            if is_told:
                self._skip(f"not tried: {reason}")
            pytest.fail(reason, pytrace=False)
        self._tell(check)

    def _tell_of_history(self, proof: WholeProof) -> None:
        if self.name == _ROUND_TRIP:
            self._tell_round_trip(proof.round_trip)
        else:
            self._tell(_find_check(proof.checks, self.name))

    def _tell_round_trip(self, trip: RoundTrip | None) -> None:
        if trip is None or trip.is_ok is None:
            self._skip(trip.reason if trip is not None and trip.reason else "it was not tried")
        elif not trip.is_ok:
            lines = ["from head to base and to head again", trip.reason, *trip.differences]
            pytest.fail("\n".join(filter(None, lines)), pytrace=False)

    def _tell(self, check: Check | None) -> None:
        if check is None:
            pytest.fail("it was not proved", pytrace=False)
        match check.standing:
            case Standing.BROKEN:
                pytest.fail(_describe(check), pytrace=False)
            case Standing.UNKNOWN | Standing.UNASKED:
                self._skip("; ".join(filter(None, (check.reason, check.help))))
            case Standing.ACCEPTED | Standing.HOLDS:
                if check.reason:
                    self.add_report_section("call", "safemigrate", _describe(check))

    def _skip(self, reason: str) -> None:
        # counted by the revision's file, and not by a line of ours
        raise pytest.skip.Exception(reason, _use_item_location=True)


def _find_check(checks: tuple[Check, ...], word: str) -> Check | None:
    return next((check for check in checks if check.subject.value == word), None)


def _describe(check: Check) -> str:
    """Return what a reader of a failure needs."""
    lines = [f"{check.subject.value}: {check.reason}"]
    lines += [f"    {detail}" for detail in check.details]
    if check.help:
        lines.append(f"help: {check.help}")
    if check.path:
        lines.append(f"{show_path(check.path)}:{check.line}")
    return "\n".join(lines)


def _list_items(session: pytest.Session) -> list[ProofItem]:
    return [item for item in session.items if isinstance(item, ProofItem)]


def _is_asked(session: pytest.Session, key: str, subject: Property) -> bool:
    return any(one.key == key and one.name == subject.value for one in _list_items(session))


def _prove(session: pytest.Session, outcomes: Outcomes) -> None:
    """Prove what the tests of the session ask for, and nothing else."""
    items = _list_items(session)
    keys = {item.key for item in items}
    # without a property, all would be proved
    words = {item.name for item in items} - {_ROUND_TRIP} or {Property.APPLIES.value}
    try:
        site = find_site(session.config)
        revisions = {script.revision for script in site.project.revisions()}
        is_whole = "" in keys or keys >= revisions
        with not_recording():
            proof = verify_history(
                site.project,
                find_server(session.config),
                names=() if is_whole else sorted(keys),
                choices=replace(site.choices, selected=tuple(sorted(words)), ignored=()),
                on_proof=lambda one, _position, _total: outcomes.put(one.revision, one),
            )
        outcomes.put("", WholeProof.of(proof))
    except SafemigrateError as error:
        _fail(outcomes, keys, describe_error(error))
    except Exception as error:
        _fail(outcomes, keys, f"{type(error).__name__}: {error}")
        raise


def _fail(outcomes: Outcomes, keys: set[str], text: str) -> None:
    for key in keys:
        outcomes.put(key, Failure(text))
