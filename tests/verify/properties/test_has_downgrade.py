"""H05: there is a downgrade, and it does something where the upgrade does."""

import pytest

from safemigrate.model import Property, RevisionProof, Standing
from tests.verify.conftest import Scaffold

CREATE = "CREATE TABLE t (id int PRIMARY KEY, a int)"
RAISING = "raise NotImplementedError('no way back')"


def test_a_missing_downgrade_is_broken(anywhere: Scaffold) -> None:
    anywhere.add("one", CREATE, None)

    check = anywhere.check(Property.HAS_DOWNGRADE)

    assert check.standing is Standing.BROKEN
    assert check.reason == f"{anywhere.path('one')}: there is no function downgrade"
    assert "# safemigrate: irreversible REASON" in check.help


def test_a_downgrade_that_does_something_holds(anywhere: Scaffold) -> None:
    anywhere.add("one", CREATE, "DROP TABLE t")

    assert anywhere.check(Property.HAS_DOWNGRADE).standing is Standing.HOLDS


@pytest.mark.parametrize("downgrade", [None, RAISING], ids=["missing", "raising"])
def test_nothing_else_is_broken_by_it(scaffold: Scaffold, downgrade: str | None) -> None:
    scaffold.add("one", CREATE, downgrade)

    assert scaffold.broken() == {Property.HAS_DOWNGRADE}


@pytest.mark.parametrize("downgrade", [None, RAISING], ids=["missing", "raising"])
def test_what_a_downgrade_would_show_is_unknown_without_one(
    scaffold: Scaffold, downgrade: str | None
) -> None:
    scaffold.add("one", CREATE, downgrade)

    (proof,) = scaffold.verify(selected=("schema",)).revisions

    unknown = {check.subject for check in proof.checks if check.standing is Standing.UNKNOWN}
    assert unknown == {Property.RESTORES_SCHEMA, Property.APPLIES_AGAIN}


def test_a_downgrade_that_refuses_is_broken(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, RAISING)

    check = scaffold.check(Property.HAS_DOWNGRADE)

    assert check.standing is Standing.BROKEN
    assert "NotImplementedError: no way back" in check.reason


@pytest.mark.parametrize("downgrade", ["pass", "SELECT 1", "SET LOCAL work_mem = '8MB'"])
def test_a_downgrade_that_does_nothing_is_broken(scaffold: Scaffold, downgrade: str) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", "CREATE INDEX i ON t (a)", downgrade)

    check = scaffold.check(Property.HAS_DOWNGRADE)

    assert (check.standing, check.reason) == (
        Standing.BROKEN,
        "the downgrade does nothing, and the upgrade changes the schema",
    )


@pytest.mark.parametrize(
    "upgrade",
    [
        "UPDATE t SET a = 1",
        "ALTER TABLE t VALIDATE CONSTRAINT c",
        "op.execute('UPDATE t SET a = 1 WHERE a IS NULL')",
    ],
)
def test_what_may_stay_as_it_is_needs_no_downgrade(scaffold: Scaffold, upgrade: str) -> None:
    scaffold.add(
        "one", f"{CREATE}\nALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID", "DROP TABLE t"
    )
    scaffold.add("two", upgrade, "pass")

    proof = scaffold.verify(selected=("schema",))

    assert [one.is_proved for one in proof.revisions] == [True, True]
    assert proof.round_trip is not None
    assert proof.round_trip.is_ok is True


@pytest.mark.parametrize("upgrade", ["pass", "SELECT 1", "ANALYZE t"])
def test_a_downgrade_may_do_nothing_where_the_upgrade_does_nothing(
    scaffold: Scaffold, upgrade: str
) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", upgrade, "pass")

    assert scaffold.check(Property.HAS_DOWNGRADE).standing is Standing.HOLDS


def test_rows_that_the_downgrade_takes_away_again_are_no_fault(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", "INSERT INTO t VALUES (1, 1)", "DELETE FROM t WHERE id = 1")

    assert scaffold.check(Property.HAS_DOWNGRADE).standing is Standing.HOLDS


def mark(scaffold: Scaffold, revision: str, marker: str) -> None:
    path = scaffold.path(revision)
    path.write_text(f"{marker}\n{path.read_text()}")


def standings(proof: RevisionProof) -> dict[Property, Standing]:
    return {check.subject: check.standing for check in proof.checks}


@pytest.mark.parametrize("downgrade", [None, RAISING], ids=["missing", "raising"])
def test_a_declared_irreversible_revision_is_accepted_and_nothing_is_open(
    scaffold: Scaffold, downgrade: str | None
) -> None:
    scaffold.add("one", CREATE, downgrade)
    mark(scaffold, "one", "# safemigrate: irreversible the rows are gone")

    (proof,) = scaffold.verify(selected=("schema",)).revisions

    accepted = {
        subject for subject, standing in standings(proof).items() if standing is Standing.ACCEPTED
    }
    assert accepted == {
        Property.HAS_DOWNGRADE,
        Property.RESTORES_SCHEMA,
        Property.APPLIES_AGAIN,
    }
    assert set(standings(proof).values()) == {Standing.ACCEPTED, Standing.HOLDS}
    assert proof.is_proved
    (check,) = (one for one in proof.checks if one.subject is Property.HAS_DOWNGRADE)
    assert check.reason.endswith("; accepted: the rows are gone")


def test_a_declared_idle_downgrade_is_accepted(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", "COMMENT ON TABLE t IS 'x'", "pass")
    mark(scaffold, "two", "# safemigrate: irreversible a comment does no harm")

    *_, proof = scaffold.verify(selected=("schema",)).revisions

    assert standings(proof)[Property.HAS_DOWNGRADE] is Standing.ACCEPTED
    assert standings(proof)[Property.RESTORES_SCHEMA] is Standing.ACCEPTED
    assert not proof.has_failed
