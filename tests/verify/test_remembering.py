"""What an earlier run has proved and made, used again, and no longer than it is right."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from safemigrate.config import VerifyChoices
from safemigrate.model import (
    Check,
    HistoryProof,
    Property,
    RevisionProof,
    RoundTrip,
    Standing,
)
from safemigrate.server import Server, open_server
from safemigrate.source import open_project
from safemigrate.verify import verify_history
from safemigrate.verify.ground import Ground
from safemigrate.verify.remembering import remembering
from safemigrate.verify.rounds import make_round_trip
from safemigrate.verify.selection import choose_revisions, list_way
from safemigrate.verify.snapshots import Snapshot
from tests.verify.conftest import Scaffold

CREATE = "CREATE TABLE t (id int PRIMARY KEY)"
# More than are replayed sooner than a cluster is written.
MANY = 20


@dataclass
class Runs:
    """Runs of `verify` over one project, each with a server of its own as the command has.

    `told`: of the last run, the revisions in the order they were told of.
    """

    scaffold: Scaffold
    told: list[str] = field(default_factory=list)

    def verify(
        self, *names: str, is_remembered: bool = True, kind: str = "embedded", **choices: Any
    ) -> HistoryProof:
        """Prove the history, or what is named; by default only what concerns the schema."""
        given = VerifyChoices(**{"selected": ("schema",), **choices})
        self.told.clear()
        config = self.scaffold.config
        with remembering(config, given, is_remembered=is_remembered) as memory:
            project = open_project(config)
            keeping = memory.plan(project, list_way(project, choose_revisions(project, names)))
            with open_server(kind, keeping=keeping) as server:
                return verify_history(
                    project, server, names=names, choices=given, memory=memory, on_proof=self.tell
                )

    def tell(self, proof: RevisionProof, position: int, total: int) -> None:
        assert 0 < position <= total
        self.told.append(proof.revision)

    @property
    def _log(self) -> Path:
        return self.scaffold.folder / "ran.txt"

    @property
    def ran(self) -> set[str]:
        """The revisions whose upgrade has run since everything was forgotten."""
        return {*self._log.read_text().split()}

    def forget(self) -> None:
        """Forget what has run."""
        self._log.write_text("")

    def add_many(self, count: int = MANY, first: int = 0) -> None:
        """Add revisions that each add a column to a table, which the first makes.

        Each notes in a file that it runs.
        """
        for number in range(first, first + count):
            up, down = f"ALTER TABLE t ADD COLUMN c{number} int", f"ALTER TABLE t DROP c{number}"
            if number == 0:
                up, down = CREATE, "DROP TABLE t"
            self.scaffold.add(
                f"r{number}",
                f"with open({str(self._log)!r}, 'a') as log: log.write('r{number} ')\n"
                f"op.execute({up!r})",
                down,
            )


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache of this test's own that the server's account may enter."""
    with tempfile.TemporaryDirectory(prefix="keep-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        monkeypatch.setenv("SAFEMIGRATE_CACHE_DIR", name)
        yield Path(name)


@pytest.fixture
def runs(scaffold: Scaffold, cache: Path) -> Runs:
    assert cache.is_dir()
    return Runs(scaffold)


def recalled(proof: HistoryProof) -> int:
    """Return how many of the proofs the reader is told to be those of an earlier run."""
    counts = [int(one.split()[0]) for one in proof.notices if "of an earlier run" in one]
    return sum(counts)


def entries(cache: Path) -> list[Path]:
    return [one for one in cache.glob("states/*/*") if not one.name.startswith(".")]


def test_what_is_proved_is_not_proved_again(runs: Runs) -> None:
    runs.add_many(3)
    first = runs.verify()
    second = runs.verify()

    assert recalled(first) == 0
    assert recalled(second) == 3
    (notice,) = second.notices
    assert notice == (
        "3 of 3 proofs are those of an earlier run, for nothing that they depend on has changed;"
        " --no-cache proves all again"
    )
    assert second.revisions == first.revisions
    assert second.round_trip == first.round_trip
    assert second.round_trip is not None
    assert second.round_trip.is_ok is True
    assert runs.told == ["r0", "r1", "r2"]


def test_without_the_cache_all_is_proved(runs: Runs, cache: Path) -> None:
    runs.add_many(2)
    runs.verify(is_remembered=False)
    assert not [*cache.glob("proofs/*")]
    runs.verify()
    assert recalled(runs.verify(is_remembered=False)) == 0


def test_a_new_revision_alone_is_proved(runs: Runs) -> None:
    runs.add_many(3)
    runs.verify()
    runs.add_many(1, first=3)
    proof = runs.verify()

    assert recalled(proof) == 3
    assert [one.revision for one in proof.revisions] == ["r0", "r1", "r2", "r3"]
    assert all(one.is_proved for one in proof.revisions)
    assert proof.round_trip is not None
    assert proof.round_trip.is_ok is True


def test_behind_a_changed_revision_all_is_proved_again(runs: Runs) -> None:
    runs.add_many(4)
    runs.verify()
    path = runs.scaffold.path("r1")
    path.write_text(path.read_text().replace("c1 int", "c1 bigint"))

    assert recalled(runs.verify()) == 1


def test_what_is_broken_or_unknown_is_proved_again(runs: Runs) -> None:
    runs.add_many(2)
    runs.scaffold.add("bad", "CREATE INDEX i ON t (id)", "SELECT 1")
    runs.verify()
    proof = runs.verify()

    assert recalled(proof) == 2
    assert proof.revisions[-1].has_failed


def test_a_revision_behind_one_that_fails_is_known_by_what_it_ran_on(runs: Runs) -> None:
    runs.add_many(2)
    runs.scaffold.add("bad", "CREATE TABLE t (id int)", "SELECT 1")
    runs.scaffold.add("side", "CREATE TABLE s (id int)", "DROP TABLE s", down="r1")
    runs.verify()
    path = runs.scaffold.path("bad")
    path.write_text(path.read_text().replace("CREATE TABLE t (id int)", "SELECT 1"))
    proof = runs.verify()

    assert [one.upgrade.value for one in proof.revisions] == ["ok"] * 4
    told = {one.revision: one for one in proof.revisions}
    assert told["side"].is_proved


@pytest.mark.parametrize("name", ["migrations/env.py", "migrations/sizes.txt", "alembic.ini"])
def test_what_env_py_reads_counts(runs: Runs, name: str) -> None:
    folder = runs.scaffold.folder
    (folder / "migrations" / "sizes.txt").write_text("1")
    env = folder / "migrations" / "env.py"
    reading = "from pathlib import Path\nPath(__file__).with_name('sizes.txt').read_text()\n"
    env.write_text(reading + env.read_text())
    runs.add_many(2)
    runs.verify()
    assert recalled(runs.verify()) == 2
    (folder / name).write_text((folder / name).read_text() + "\n# more")

    assert recalled(runs.verify()) == 0


def test_what_a_revision_reads_when_it_runs_counts(runs: Runs) -> None:
    data = runs.scaffold.folder / "data.sql"
    data.write_text(CREATE)
    runs.scaffold.add("one", f"op.execute(open({str(data)!r}).read())", "DROP TABLE t")
    runs.verify()
    assert recalled(runs.verify()) == 1
    data.write_text("CREATE TABLE t (id bigint)")

    assert recalled(runs.verify()) == 0


def test_a_variable_that_env_py_asks_for_counts(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = runs.scaffold.folder / "migrations" / "env.py"
    env.write_text("import os\nos.environ.get('STAGE')\n" + env.read_text())
    runs.add_many(2)
    runs.verify()
    monkeypatch.setenv("UNASKED", "1")
    assert recalled(runs.verify()) == 2
    monkeypatch.setenv("STAGE", "test")

    assert recalled(runs.verify()) == 0


def test_how_it_is_to_be_proved_counts(runs: Runs) -> None:
    runs.add_many(2)
    runs.verify(rows=10)
    assert recalled(runs.verify(rows=10)) == 2
    assert recalled(runs.verify(rows=11)) == 0
    assert recalled(runs.verify(rows=10)) == 2


def test_what_is_in_the_files_that_say_how_to_prove_counts(runs: Runs) -> None:
    workload = runs.scaffold.folder / "workload.sql"
    workload.write_text("SELECT 1;")
    runs.add_many(2)
    runs.verify(workload=workload)
    assert recalled(runs.verify(workload=workload)) == 2
    workload.write_text("SELECT 2;")

    assert recalled(runs.verify(workload=workload)) == 0


def test_another_server_proves_by_itself(runs: Runs, embedded_server: Server) -> None:
    runs.add_many(2)
    runs.verify()
    url = embedded_server.url("postgres")
    assert recalled(runs.verify(kind=url)) == 0
    assert recalled(runs.verify(kind=url)) == 2


def test_what_is_named_is_known_by_what_it_ran_on(runs: Runs) -> None:
    runs.add_many(3)
    runs.verify("r2")
    assert recalled(runs.verify("r2")) == 1
    whole = runs.verify()
    assert recalled(whole) == 1
    assert runs.told == ["r2", "r0", "r1"]
    assert [one.revision for one in whole.revisions] == ["r0", "r1", "r2"]
    assert recalled(runs.verify("r1")) == 1


@pytest.mark.parametrize(
    ("round_trip", "standing", "is_kept"),
    [
        (RoundTrip(is_ok=True), Standing.HOLDS, True),
        (None, Standing.ACCEPTED, True),
        (RoundTrip(is_ok=False), Standing.HOLDS, False),
        (RoundTrip(None, "not tried"), Standing.HOLDS, False),
        (RoundTrip(is_ok=True), Standing.BROKEN, False),
        (RoundTrip(is_ok=True), Standing.UNKNOWN, False),
    ],
)
def test_only_a_whole_history_that_holds_is_kept(
    runs: Runs,
    embedded_server: Server,
    round_trip: RoundTrip | None,
    standing: Standing,
    is_kept: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    runs.add_many(1)
    checks = (Check(Property.SINGLE_HEAD, standing),)
    found = []
    for _ in range(2):
        with remembering(runs.scaffold.config, VerifyChoices()) as memory:
            project = open_project(runs.scaffold.config)
            memory.plan(project, project.revisions())
            recollection = memory.open(embedded_server)
            (lineage,) = recollection.trace(["r0"])
            found.append(recollection.recall_whole(lineage))
            recollection.note_whole(lineage, round_trip, checks)
    assert found == [None, (round_trip, checks) if is_kept else None]


def test_the_newest_of_a_long_history_is_proved_without_the_rest(runs: Runs, cache: Path) -> None:
    runs.add_many()
    runs.verify()
    assert len(entries(cache)) == 1
    runs.forget()
    runs.add_many(1, first=MANY)
    proof = runs.verify(f"r{MANY}")

    assert proof.revisions[0].is_proved
    assert recalled(proof) == 0
    assert runs.ran == {f"r{MANY}"}
    # a state so near is not written again
    assert len(entries(cache)) == 1


def test_the_newest_that_is_edited_is_proved_without_the_rest(runs: Runs) -> None:
    runs.add_many()
    runs.verify()
    runs.forget()
    last = runs.scaffold.path(f"r{MANY - 1}")
    last.write_text(last.read_text().replace(" int", " bigint"))
    proof = runs.verify(f"r{MANY - 1}")

    assert proof.revisions[0].is_proved
    assert runs.ran == {f"r{MANY - 1}"}


def test_of_a_change_further_back_the_last_few_are_replayed(runs: Runs) -> None:
    runs.add_many()
    runs.verify()
    runs.forget()
    path = runs.scaffold.path(f"r{MANY - 4}")
    path.write_text(path.read_text().replace(" int", " bigint"))
    proof = runs.verify(f"r{MANY - 1}")

    assert proof.revisions[0].is_proved
    assert runs.ran == {f"r{number}" for number in range(MANY - 8, MANY)}


def test_the_state_is_that_of_a_history_that_was_replayed(runs: Runs) -> None:
    runs.add_many()
    runs.verify()
    runs.add_many(1, first=MANY)
    kept = runs.verify(f"r{MANY}", selected=("schema", "facts"))
    anew = runs.verify(f"r{MANY}", selected=("schema", "facts"), is_remembered=False)

    def facts(proof: HistoryProof) -> list[tuple[object, ...]]:
        (one,) = proof.revisions
        return [
            *((check.subject, check.standing, check.reason) for check in one.checks),
            *((each.sql, each.locks, each.rewrites, each.scans) for each in one.statements),
            (one.differences, one.notes),
        ]

    assert facts(kept) == facts(anew)


def test_what_env_py_imports_spoils_the_states_too(runs: Runs) -> None:
    runs.add_many()
    runs.verify()
    env = runs.scaffold.folder / "migrations" / "env.py"
    env.write_text(env.read_text() + "\n# other")
    runs.forget()
    runs.verify(f"r{MANY - 1}")

    assert runs.ran == {f"r{number}" for number in range(MANY)}


def test_the_seed_is_what_states_begin_with(runs: Runs) -> None:
    seed = runs.scaffold.folder / "seed.sql"
    seed.write_text("SELECT 1;")
    runs.add_many()
    runs.verify(seed=seed)
    runs.forget()
    runs.verify(f"r{MANY - 1}", seed=seed, rows=7)
    assert runs.ran == {f"r{MANY - 1}"}
    seed.write_text("SELECT 2;")
    runs.forget()
    runs.verify(f"r{MANY - 1}", seed=seed)

    assert runs.ran == {f"r{number}" for number in range(MANY)}


def test_the_way_back_and_forth_is_compared_from_a_template_too(
    runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs.add_many()
    runs.verify()
    runs.add_many(1, first=MANY)
    compared: list[Snapshot | None] = []

    def note(
        ground: Ground,
        proofs: Sequence[RevisionProof],
        base: Snapshot | None,
        head: Snapshot | None,
    ) -> RoundTrip:
        compared.extend((base, head))
        return make_round_trip(ground, proofs, base, head)

    monkeypatch.setattr("safemigrate.verify.history.make_round_trip", note)
    proof = runs.verify()

    assert recalled(proof) == MANY
    assert proof.round_trip is not None
    assert proof.round_trip.is_ok is True
    base, head = compared
    assert base is not None
    assert head is not None
    assert ("table", "public.t") not in base.objects
    assert ("column", f"public.t.c{MANY}") in head.objects


def test_two_runs_at_once_do_not_disturb_each_other(runs: Runs, cache: Path) -> None:
    runs.add_many()
    script = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[2]);"
        "from tests.verify.test_remembering import Runs, Scaffold;"
        "proof = Runs(Scaffold(Path(sys.argv[1]), None)).verify();"
        "sys.exit(not all(one.is_proved for one in proof.revisions))"
    )
    root = str(Path(__file__).parents[2])
    command = [sys.executable, "-c", script, str(runs.scaffold.folder), root]
    children = [subprocess.Popen(command) for _ in range(2)]
    assert [child.wait(timeout=300) for child in children] == [0, 0]
    assert 0 < len(entries(cache)) <= 2
