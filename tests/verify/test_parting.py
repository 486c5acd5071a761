"""A history walked in parts at the same time is proved as it is in one."""

import os
import signal
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from safemigrate.config import VerifyChoices
from safemigrate.errors import EnvironmentSetupError
from safemigrate.model import HistoryProof, Outcome
from safemigrate.source import open_project
from safemigrate.verify import parting, verify_history
from safemigrate.verify.foreknowledge import Foreknowledge
from safemigrate.verify.parting import divide
from safemigrate.verify.preparing import Footing
from safemigrate.verify.selection import choose_revisions, list_way
from safemigrate.verify.walking import Part, Task
from safemigrate.verify.witness import Witness
from tests.verify.conftest import ENV, Scaffold
from tests.verify.test_history import databases

LENGTH = 24
CHOICES = VerifyChoices(selected=("schema",))


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parting, "count_cores", lambda: 2)


def children() -> set[str]:
    """Return the processes that this one has started."""
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def write(scaffold: Scaffold, faults: dict[int, tuple[str, str | None]] | None = None) -> None:
    """Write a history; `faults`: what some revisions do instead."""
    for number in range(LENGTH):
        good = f"CREATE TABLE t_{number} (id int)", f"DROP TABLE t_{number}"
        upgrade, downgrade = (faults or {}).get(number, good)
        scaffold.add(f"r{number:02}", upgrade, downgrade)


def walk(scaffold: Scaffold, *names: str) -> tuple[HistoryProof, list[tuple[str, int, int]]]:
    told: list[tuple[str, int, int]] = []
    proof = verify_history(
        open_project(scaffold.config),
        scaffold.server,
        names=names,
        choices=CHOICES,
        on_proof=lambda one, position, total: told.append((one.revision, position, total)),
    )
    return proof, told


def cut(scaffold: Scaffold, *names: str) -> list[Part]:
    project = open_project(scaffold.config)
    foreknowledge = Foreknowledge(project, scaffold.server.version)
    footing = Footing(Witness(project, CHOICES))
    task = Task(project, scaffold.server, CHOICES, foreknowledge, CHOICES.wanted, footing)
    chosen = choose_revisions(project, names)
    return divide(task, list_way(project, chosen), chosen, has_round_trip=not names)


def ids(part: Part) -> list[str]:
    return [script.revision for script in part.scripts]


def test_the_parts_are_the_history_one_after_the_other(scaffold: Scaffold) -> None:
    write(scaffold)

    first, last = cut(scaffold)

    assert [*ids(first), *ids(last)] == [f"r{number:02}" for number in range(LENGTH)]
    assert [script.revision for script in last.before] == ids(first)
    assert (list(first.before), first.chosen) == ([], frozenset(ids(first)))
    # the last one goes there and back as well
    assert len(ids(first)) > len(ids(last)) > 0


def test_more_cores_are_more_parts(scaffold: Scaffold, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parting, "count_cores", lambda: 3)
    write(scaffold)

    parts = cut(scaffold)

    assert len(parts) == 3
    assert all(list(after.before) == [*one.before, *one.scripts] for one, after in pairwise(parts))


def test_a_few_revisions_are_one_part(scaffold: Scaffold) -> None:
    write(scaffold)

    (part,) = cut(scaffold, "r22", "r23")

    assert part.chosen == {"r22", "r23"}
    assert len(part.scripts) == LENGTH


@pytest.mark.parametrize(
    "statement",
    ["CREATE ROLE nobody_new", "ALTER SYSTEM SET work_mem = '1MB'", "REASSIGN OWNED BY a TO b"],
)
def test_what_all_databases_share_keeps_a_history_in_one_part(
    scaffold: Scaffold, statement: str
) -> None:
    write(scaffold, {3: (statement, "pass")})

    assert len(cut(scaffold)) == 1


def test_a_history_in_parts_is_proved_and_told_in_order(scaffold: Scaffold) -> None:
    write(scaffold)
    before = databases(scaffold.server)

    proof, told = walk(scaffold)

    assert [one.is_proved for one in proof.revisions] == [True] * LENGTH
    assert proof.round_trip is not None
    assert proof.round_trip.is_ok is True
    assert told == [(f"r{number:02}", number + 1, LENGTH) for number in range(LENGTH)]
    assert databases(scaffold.server) == before


FAULTS: dict[int, tuple[str, str | None]] = {
    2: ("CREATE TABLE t_2 (id int)", None),
    5: ("CREATE TABLE t_5 (id int)", "DROP TABLE t_4"),
    7: ("COMMENT ON TABLE t_6 IS 'x'", "pass"),
    20: ("CREATE TABLE t_20 (id int)", "DROP TABLE gone"),
    22: ("ALTER TABLE gone ADD COLUMN c int", "pass"),
}


def test_it_is_proved_as_in_one_part(scaffold: Scaffold, monkeypatch: pytest.MonkeyPatch) -> None:
    write(scaffold, FAULTS)
    in_parts, told = walk(scaffold)
    monkeypatch.setattr(parting, "count_cores", lambda: 1)
    in_one, told_in_one = walk(scaffold)

    def describe(proof: HistoryProof) -> list[object]:
        return [
            (one.revision, one.upgrade, one.differences, one.error, one.checks)
            for one in proof.revisions
        ]

    assert describe(in_parts) == describe(in_one)
    assert told == told_in_one
    assert in_parts.round_trip == in_one.round_trip


def test_what_cannot_be_applied_in_the_first_part_is_not_tried_in_the_last(
    scaffold: Scaffold,
) -> None:
    write(scaffold, {1: ("ALTER TABLE gone ADD COLUMN c int", "pass")})

    proof, told = walk(scaffold)

    assert [one.upgrade for one in proof.revisions[:3]] == [
        Outcome.OK,
        Outcome.FAILED,
        Outcome.SKIPPED,
    ]
    assert {one.error for one in proof.revisions[2:]} == {
        "not tried, because the upgrade of r01 fails"
    }
    assert [revision for revision, _, _ in told] == [f"r{number:02}" for number in range(LENGTH)]


def test_an_error_of_env_py_comes_out_as_it_is(
    scaffold_with_env: Callable[[str], Scaffold],
) -> None:
    scaffold = scaffold_with_env("raise RuntimeError('no settings')")
    write(scaffold)
    before = databases(scaffold.server)

    with pytest.raises(EnvironmentSetupError, match="no settings"):
        walk(scaffold)

    assert databases(scaffold.server) == before


def test_what_a_killed_worker_did_not_come_to_is_proved_here(scaffold: Scaffold) -> None:
    own = os.getpid()
    killing = f"""
        import os, signal
        if os.getpid() != {own}:
            os.kill(os.getpid(), {int(signal.SIGKILL)})
        op.execute("CREATE TABLE t_4 (id int)")
        """
    write(scaffold, {4: (killing, "DROP TABLE t_4")})

    proof, told = walk(scaffold)

    assert [one.is_proved for one in proof.revisions] == [True] * LENGTH
    assert [revision for revision, _, _ in told] == [f"r{number:02}" for number in range(LENGTH)]


def test_an_error_in_the_last_part_leaves_no_database_and_no_process(
    scaffold_with_env: Callable[[str], Scaffold],
) -> None:
    env = f"import os\nif os.getpid() == {os.getpid()}:\n    raise RuntimeError('only here')\n"
    scaffold = scaffold_with_env(env + ENV.format(options=""))
    write(scaffold)
    before, processes = databases(scaffold.server), children()

    with pytest.raises(EnvironmentSetupError, match="only here"):
        walk(scaffold)

    assert databases(scaffold.server) == before
    assert children() == processes


def test_a_schema_that_is_not_what_was_kept_is_read_as_a_whole_and_said(
    scaffold: Scaffold, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the fingerprints of relations, no new table would be seen."""
    monkeypatch.setattr(
        "safemigrate.verify.watching._FINGERPRINTS",
        b"SELECT NULL, 1, 1, 0 UNION ALL SELECT 0, 1, 0, 0",
    )
    write(scaffold, {5: ("CREATE TABLE t_5 (id int)", "DROP TABLE t_4")})

    proof, told = walk(scaffold)

    assert [notice for notice in proof.notices if "a bug in safemigrate" in notice]
    assert len(proof.notices) == len(set(proof.notices))
    assert [one.is_proved for one in proof.revisions] == [number != 5 for number in range(LENGTH)]
    assert [revision for revision, _, _ in told] == [f"r{number:02}" for number in range(LENGTH)]
