"""What earlier runs have proved, remembered by everything that it depends on.

A proof depends on its revision and all before it, on what env.py and they import and read, on how
it is to be proved, on the server, and on our own code. What was read is heard from the interpreter.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from itertools import accumulate
from pathlib import Path
from secrets import token_hex

from alembic.script import Script

from safemigrate.cache import (
    Inputs,
    InputsWatch,
    Store,
    digest,
    digest_of_process,
    open_store,
    unheard,
    watch_inputs,
    watching_places,
)
from safemigrate.config import VerifyChoices
from safemigrate.model import Check, RevisionProof, RoundTrip, Standing
from safemigrate.server import Keeping, Server
from safemigrate.source import Project
from safemigrate.source.fence_surroundings import keeping_imports
from safemigrate.verify.lineages import follow_lineage, list_contents
from safemigrate.verify.templates import Templates

__all__ = ["Memory", "Recollection", "remembering"]

_STORE = "proofs"
# Of histories that are there no more, say on another branch, so many are kept beside.
_MOST_OTHERS = 1000

Whole = tuple[RoundTrip | None, tuple[Check, ...]]


@dataclass(frozen=True, slots=True)
class _Ground:
    """What lineages begin with: a name for all that was read beside revisions, as it was read."""

    name: str
    inputs: Inputs


@dataclass(frozen=True, slots=True)
class _Results:
    """What was proved: of revisions by lineage, and of histories as a whole by their last one.

    `inputs`: what was read for it, also of what only says how to prove.
    """

    inputs: Inputs = field(default_factory=Inputs)
    proofs: Mapping[str, RevisionProof] = field(default_factory=dict)
    wholes: Mapping[str, Whole] = field(default_factory=dict)


class Recollection:
    """What is remembered of one history on one kind of server.

    `templates`: databases at states of the history. `count`: how many proofs were recalled.
    """

    def __init__(self, memory: "Memory", templates: Templates, known: _Results, key: str) -> None:
        self.templates = templates
        self.count = 0
        self._memory = memory
        self._known = known
        self._key = key
        self._proofs: dict[str, RevisionProof] = {}
        self._wholes: dict[str, Whole] = {}

    @property
    def read(self) -> Inputs:
        """What this process has read so far, for who works in one of its own."""
        return self._memory.read

    @property
    def ground(self) -> str:
        """The lineage of a database before the first revision."""
        return self._memory.ground

    def follow(self, lineage: str, revision: str) -> str:
        """Return the lineage after a revision that is applied where `lineage` has led.

        It is empty behind one whose file nobody has heard being read.
        """
        return self._memory.follow(lineage, revision)

    def trace(self, revisions: Iterable[str]) -> list[str]:
        """Return the lineage after each of the revisions, applied in this order from the first."""
        return self._memory.trace(revisions)

    def recall(self, lineage: str) -> RevisionProof | None:
        """Return the proof of the revision that ends the lineage, None where there is none."""
        found = self._known.proofs.get(lineage) if lineage else None
        self.count += found is not None
        return found

    def recall_whole(self, lineage: str) -> Whole | None:
        """Return what was proved of the whole history that ends so, None where nothing was."""
        return self._known.wholes.get(lineage) if lineage else None

    def note(self, lineage: str, proof: RevisionProof) -> None:
        """Remember a proof in which nothing is broken or unknown; `lineage`: up to it.

        One that hangs on a later revision is none of this lineage alone.
        """
        is_own = not any(check.is_mended_later for check in proof.checks)
        if lineage and proof.is_proved and is_own and lineage not in self._known.proofs:
            self._proofs[lineage] = proof

    def note_whole(
        self, lineage: str, round_trip: RoundTrip | None, checks: tuple[Check, ...]
    ) -> None:
        """Remember what was proved of the whole history, where all of it holds."""
        is_open = any(one.standing in {Standing.BROKEN, Standing.UNKNOWN} for one in checks)
        is_sound = not is_open and (round_trip is None or round_trip.is_ok is True)
        if lineage and is_sound and lineage not in self._known.wholes:
            self._wholes[lineage] = (round_trip, checks)

    def describe(self, total: int) -> tuple[str, ...]:
        """Return what a reader should know of where the proofs come from."""
        if not self.count:
            return ()
        said = (
            f"{self.count} of {total} proofs are those of an earlier run, for nothing that they "
            "depend on has changed; --no-cache proves all again"
        )
        return (said,)

    def save(self, store: Store, read: Inputs) -> bool:
        """Keep what is new; return whether anything is. `read`: what this run has read."""
        is_new = bool(self._proofs or self._wholes)
        if is_new:
            others = list(self._known.proofs.items())[-_MOST_OTHERS:]
            proofs = {**dict(others), **self._proofs}
            wholes = {**self._known.wholes, **self._wholes}
            store.save(self._key, _Results(self._known.inputs.joined(read), proofs, wholes))
        return is_new or self.templates.has_kept


@dataclass(slots=True)
class Memory:
    """What is remembered of one project, as far as it still holds; made by `remembering`.

    `key`: of the project, and how it is set up. `imports`: the modules that are imported first.
    """

    choices: VerifyChoices
    key: str = ""
    imports: tuple[str, ...] = ()
    _store: Store | None = None
    _watch: InputsWatch | None = None
    _ground: _Ground = field(default_factory=lambda: _Ground(token_hex(16), Inputs()))
    _contents: Mapping[str, str] = field(default_factory=dict)
    _planned: Sequence[str] = ()
    _paths: frozenset[str] = frozenset()
    _folders: tuple[str, ...] = ()
    _opened: list[Recollection] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is remembered, and nothing will be."""
        return self._store is None

    def plan(self, project: Project, scripts: Sequence[Script]) -> Keeping | None:
        """Take down which revisions will be applied, in order; return what a server needs of it.

        The project was opened while this listened. None where nothing can be kept.
        """
        if self._watch is None:
            return None
        self._contents = list_contents(project.revisions(), self._watch.take())
        self._paths = frozenset(script.path for script in project.revisions())
        self._folders = tuple(map(str, project.folders))
        self._planned = [one for one in self.trace(script.revision for script in scripts) if one]
        return Keeping(self.key, self._planned)

    @property
    def read(self) -> Inputs:
        """What was read so far."""
        return Inputs() if self._watch is None else self._watch.take()

    @property
    def ground(self) -> str:
        """The lineage of a database before the first revision."""
        return self._ground.name

    def follow(self, lineage: str, revision: str) -> str:
        """Return the lineage after a revision; see `Recollection.follow`."""
        return follow_lineage(lineage, self._contents.get(revision, ""))

    def trace(self, revisions: Iterable[str]) -> list[str]:
        """Return the lineage after each of the revisions, applied in this order from the first."""
        return [*accumulate(revisions, self.follow, initial=self.ground)][1:]

    def open(self, server: Server) -> Recollection:
        """Return what is remembered of this history on such a server."""
        templates = Templates(server, self._planned)
        key, known = "", _Results()
        if self._store is not None:
            key = digest(self.key, server.kind, server.identity(), *_describe(self.choices))
            with unheard():
                found = self._store.load(key)
            if isinstance(found, _Results) and found.inputs.are_current():
                known = found
        recollection = Recollection(self, templates, known, key)
        self._opened.append(recollection)
        return recollection

    def save(self) -> None:
        """Keep what the run has proved and made, and what it has read for that."""
        if self._store is None or self._watch is None:
            return
        # the revisions are in the lineages
        read, _ = self._watch.take().divided(self._paths, self._folders)
        if any([one.save(self._store, read) for one in self._opened]):  # noqa: C419 - each saves
            files, folders = _list_places(self.choices)
            others, _ = read.divided(files, folders)
            joined = self._ground.inputs.joined(others)
            self._store.save(self.key, replace(self._ground, inputs=joined))


@contextmanager
def remembering(
    config: Path,
    choices: VerifyChoices,
    *,
    imports: tuple[str, ...] = (),
    is_remembered: bool = True,
) -> Iterator[Memory]:
    """Yield what is remembered of a project, and keep what is new when the block ends well.

    The project is opened, and its history proved, inside the block: what is read there is heard.
    `is_remembered`: whether anything is to be; else the memory is empty and stays so.
    """
    store = open_store(_STORE) if is_remembered else None
    if store is None:
        yield Memory(choices)
        return
    # a link to a project is another one
    place = os.path.abspath(config)  # noqa: PTH100
    ground = [f"{name}={value}" for name, value in sorted(os.environ.items()) if name[:2] == "PG"]
    if choices.seed is not None:
        ground.append(_digest_file(choices.seed))
    key = digest(digest_of_process(), place, *imports, "", *choices.allowed_hosts, "", *ground)
    with ExitStack() as stack:
        watch = stack.enter_context(watch_inputs())
        stack.enter_context(keeping_imports())
        stack.enter_context(watching_places())
        memory = Memory(choices, key, imports, store, watch)
        with unheard():
            found = store.load(key)
        if isinstance(found, _Ground) and found.inputs.are_current():
            memory._ground = found  # noqa: SLF001 - of its own making
        yield memory
        memory.save()


def _describe(choices: VerifyChoices) -> Iterator[str]:
    """Yield what the choices are, with what is in the files that they name."""
    yield repr(choices)
    for name in sorted(_list_places(choices)[0]):
        yield name
        yield _digest_file(Path(name))


def _list_places(choices: VerifyChoices) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the files, and the folders, that only say how to prove: the seed does more."""
    values = (getattr(choices, name) for name in choices.__slots__ if name != "seed")
    named = [os.path.abspath(one) for one in values if isinstance(one, Path)]  # noqa: PTH100 - as it is heard
    folders = tuple(one for one in named if os.path.isdir(one))  # noqa: PTH112
    below = (str(one) for folder in folders for one in Path(folder).rglob("*") if one.is_file())
    return frozenset((*(one for one in named if one not in folders), *below)), folders


def _digest_file(path: Path) -> str:
    try:
        return digest(path.read_bytes())
    except OSError:
        return ""
