"""What was proved, found by whichever process of a session proved it."""

import pickle
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fcntl import LOCK_EX, LOCK_NB, flock
from hashlib import sha256
from pathlib import Path

from safemigrate.model import Check, HistoryProof, RevisionProof, RoundTrip

__all__ = ["Failure", "Outcomes", "SharedOutcomes", "WholeProof"]

_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class WholeProof:
    """What was proved of the history as a whole."""

    checks: tuple[Check, ...]
    round_trip: RoundTrip | None

    @classmethod
    def of(cls, proof: HistoryProof) -> "WholeProof":
        """Return what a proof says of the whole."""
        return cls(proof.checks, proof.round_trip)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why nothing could be proved."""

    text: str


Outcome = RevisionProof | WholeProof | Failure


@dataclass(slots=True)
class Outcomes:
    """The outcomes of one process, by revision; that of the whole history is under ""."""

    known: dict[str, Outcome] = field(default_factory=dict)

    def put(self, key: str, outcome: Outcome) -> None:
        """Keep an outcome."""
        if isinstance(outcome, RevisionProof):
            outcome = replace(outcome, statements=())
        self.known[key] = outcome

    def find(self, key: str, prove: Callable[[], None]) -> Outcome | None:
        """Return an outcome; `prove` is called where there is none, and puts what it proves."""
        if not self.known:
            prove()
        return self.known.get(key)


@dataclass(slots=True)
class SharedOutcomes(Outcomes):
    """The outcomes of several processes, of which the first that needs one proves them all.

    `folder`: where they lie. It is ours alone, for entries are pickles.
    """

    folder: Path = field(kw_only=True)

    def put(self, key: str, outcome: Outcome) -> None:
        """Keep an outcome, for the others too."""
        Outcomes.put(self, key, outcome)
        path = self._path(key)
        scratch = path.with_suffix(".new")
        scratch.write_bytes(pickle.dumps(self.known[key]))
        scratch.rename(path)

    def find(self, key: str, prove: Callable[[], None]) -> Outcome | None:
        """Return an outcome as soon as there is one, whoever proves it."""
        while not self._read(key) and not (self.folder / "done").exists():
            with self._lock() as is_ours:
                if not is_ours:
                    time.sleep(_POLL_SECONDS)
                elif not (self.folder / "done").exists():
                    prove()
                    (self.folder / "done").touch()
        self._read(key)
        return self.known.get(key)

    def _read(self, key: str) -> bool:
        if key not in self.known:
            path = self._path(key)
            if not path.exists():
                return False
            self.known[key] = pickle.loads(path.read_bytes())  # noqa: S301 - written above
        return True

    @contextmanager
    def _lock(self) -> Iterator[bool]:
        """Hold the lock of who proves, if it is free; a process that dies lets it go."""
        with (self.folder / "lock").open("wb") as file:
            try:
                flock(file, LOCK_EX | LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    def _path(self, key: str) -> Path:
        return self.folder / sha256(key.encode()).hexdigest()
