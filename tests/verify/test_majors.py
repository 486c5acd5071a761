"""H25: what holds on one major version of PostgreSQL and not on another."""

from dataclasses import replace
from pathlib import Path

import pytest

from safemigrate.config import VerifyChoices
from safemigrate.errors import ServerError, UsageError
from safemigrate.model import (
    Check,
    HistoryProof,
    Property,
    ServerVersion,
    Standing,
)
from safemigrate.server import Server
from safemigrate.source import open_project
from safemigrate.verify import verify_history
from safemigrate.verify.majors import compare_majors, prove_on_majors
from tests.postgres.versions import ProofServers
from tests.verify.conftest import Scaffold

CREATE = "CREATE TABLE t (id int PRIMARY KEY, a int, b int)"
NULLS = "CREATE UNIQUE INDEX i ON t (a) NULLS NOT DISTINCT"  # from 15
MERGE = (
    "MERGE INTO t USING (VALUES (1)) AS s (id) ON t.id = s.id"
    " WHEN NOT MATCHED THEN INSERT (id) VALUES (s.id)"  # from 15
)
VIRTUAL = "ALTER TABLE t ADD COLUMN c int GENERATED ALWAYS AS (a + 1) VIRTUAL"  # from 18


def needs(servers: ProofServers, *majors: int) -> None:
    if not set(majors) <= set(servers):
        pytest.skip(f"needs PostgreSQL {majors}: SAFEMIGRATE_PROOF_VERSIONS")


def prove(scaffold: Scaffold, server: Server, *selected: str) -> HistoryProof:
    choices = VerifyChoices(selected=selected or ("schema",))
    return verify_history(open_project(scaffold.config), server, choices=choices)


def compare(scaffold: Scaffold, servers: ProofServers, *majors: int) -> Check:
    needs(servers, *majors)
    return compare_majors([prove(scaffold, servers[major]) for major in majors])


@pytest.mark.parametrize(
    ("statement", "undo", "word"),
    [
        (NULLS, "DROP INDEX i", "NULLS"),
        (MERGE, "DELETE FROM t", "MERGE"),
        (VIRTUAL, "ALTER TABLE t DROP COLUMN c", "VIRTUAL"),
    ],
)
def test_what_an_older_version_does_not_know_is_named_with_both(
    scaffold: Scaffold, proof_servers: ProofServers, statement: str, undo: str, word: str
) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", statement, undo)

    check = compare(scaffold, proof_servers, 18, 14)

    assert check.standing is Standing.BROKEN
    assert check.reason.startswith("two: applies holds on PostgreSQL 18 and is broken on 14: ")
    assert word.lower() in check.reason.lower()
    assert "(SQLSTATE 42601)" in check.reason
    assert check.path == str(scaffold.path("two"))
    # the rest of the revision cannot hold there either, and that is not said again
    assert not [line for line in check.details if line.startswith("two")]


def test_what_all_versions_take_holds(scaffold: Scaffold, proof_servers: ProofServers) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    majors = sorted(proof_servers)

    check = compare_majors([prove(scaffold, proof_servers[major]) for major in majors])

    if len(majors) > 1:
        assert check.standing is Standing.HOLDS
        assert check.reason == f"on PostgreSQL {', '.join(map(str, majors[:-1]))} and {majors[-1]}"
    else:
        assert check.standing is Standing.UNASKED


def test_versions_between_are_named_too(scaffold: Scaffold, proof_servers: ProofServers) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", VIRTUAL, "ALTER TABLE t DROP COLUMN c")

    check = compare(scaffold, proof_servers, 14, 16, 18)

    assert "holds on PostgreSQL 18 and is broken on 14 and 16: " in check.reason


def test_what_is_broken_everywhere_is_the_same(
    scaffold: Scaffold, proof_servers: ProofServers
) -> None:
    scaffold.add("one", "CREATE TABLE t (id int", "SELECT 1")

    assert compare(scaffold, proof_servers, 14, 18).standing is Standing.HOLDS


def test_a_revision_that_was_not_tried_is_not_compared(
    scaffold: Scaffold, proof_servers: ProofServers
) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", NULLS, "DROP INDEX i")
    scaffold.add("three", "ALTER TABLE t ADD COLUMN d int", "SELECT 1")

    check = compare(scaffold, proof_servers, 14, 18)

    told = (check.reason, *check.details)
    assert [line for line in told if line.startswith("three")] == []
    assert "two: applies" in check.reason


def test_only_that_property_is_broken_where_the_first_version_takes_it(
    scaffold: Scaffold, proof_servers: ProofServers
) -> None:
    needs(proof_servers, 14, 18)
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", NULLS, "DROP INDEX i")

    proof = prove_on_majors(
        "embedded",
        (ServerVersion(18), ServerVersion(14)),
        lambda server: prove(scaffold, server),
    )

    assert proof.version == ServerVersion(18)
    checks = [*proof.checks, *(one for revision in proof.revisions for one in revision.checks)]
    assert {one.subject for one in checks if one.is_broken} == {Property.SAME_ON_MAJORS}


def test_one_version_alone_is_unasked(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")

    check = compare_majors([prove(scaffold, scaffold.server)])

    assert check.standing is Standing.UNASKED
    assert check.reason == f"proved on PostgreSQL {scaffold.server.version} only"
    assert "--pg-version" in check.help


def test_what_is_unknown_on_one_version_leaves_it_unknown(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    proof = prove(scaffold, scaffold.server)
    (revision,) = proof.revisions
    open_ = tuple(
        replace(one, standing=Standing.UNKNOWN, reason="nobody can say")
        if one.subject is Property.RESTORES_SCHEMA
        else one
        for one in revision.checks
    )
    other = replace(proof, version=ServerVersion(14), revisions=(replace(revision, checks=open_),))

    check = compare_majors([proof, other])

    assert check.standing is Standing.UNKNOWN
    assert check.reason == (
        f"one: restores-schema holds on PostgreSQL {proof.version} and is unknown on 14:"
        " nobody can say"
    )


def stand(proof: HistoryProof, major: int, standing: Standing, reason: str) -> HistoryProof:
    """Return the proof as of another version, where `restores-schema` stands like that."""
    (revision,) = proof.revisions
    checks = tuple(
        replace(one, standing=standing, reason=reason)
        if one.subject is Property.RESTORES_SCHEMA
        else one
        for one in revision.checks
    )
    revisions = (replace(revision, checks=checks),)
    return replace(proof, version=ServerVersion(major), revisions=revisions)


def test_broken_on_one_version_and_unknown_on_another_is_no_equality(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    proof = prove(scaffold, scaffold.server)
    broken = stand(proof, 16, Standing.BROKEN, "t is left")
    unknown = stand(proof, 14, Standing.UNKNOWN, "nobody can say")

    check = compare_majors([broken, unknown])

    assert check.standing is Standing.BROKEN
    assert check.reason == (
        "one: restores-schema is unknown on PostgreSQL 14 and is broken on 16: t is left"
    )
    assert compare_majors([stand(proof, 18, Standing.HOLDS, ""), unknown, broken]).reason == (
        "one: restores-schema holds on PostgreSQL 18, is unknown on 14 and is broken on 16:"
        " t is left"
    )


def test_what_is_accepted_on_one_version_is_as_good_as_what_holds(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    proof = prove(scaffold, scaffold.server)
    accepted = stand(proof, 14, Standing.ACCEPTED, "it is right")

    check = compare_majors([stand(proof, 18, Standing.HOLDS, ""), accepted])
    other = compare_majors([stand(proof, 18, Standing.BROKEN, "t is left"), accepted])

    assert check.standing is Standing.HOLDS
    assert "holds on PostgreSQL 14 and is broken on 18: t is left" in other.reason


def test_revisions_are_compared_by_their_ids(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", "ALTER TABLE t ADD COLUMN c int", "ALTER TABLE t DROP COLUMN c")
    choices = VerifyChoices(selected=("schema",))
    project = open_project(scaffold.config)
    # one is only applied there
    first = verify_history(project, scaffold.server, names=["two"], choices=choices)
    path = scaffold.path("one")
    path.write_text(path.read_text().replace("CREATE TABLE t (", "CREATE TABLE t [("))
    failed = verify_history(
        open_project(scaffold.config), scaffold.server, names=["two"], choices=choices
    )
    other = replace(failed, version=ServerVersion(14))
    assert [one.revision for one in first.revisions] == ["two"]
    assert [one.revision for one in other.revisions] == ["one", "two"]

    for proofs in ([first, other], [other, first]):
        check = compare_majors(proofs)

        assert check.standing is Standing.BROKEN
        assert check.reason.startswith(
            f"one: applies holds on PostgreSQL {first.version} and is broken on 14: "
        )
        assert check.details == ()


def unreachable(_: Server) -> HistoryProof:
    pytest.fail("nothing may be proved")


@pytest.mark.usefixtures("embedded_server")
def test_a_version_that_is_not_there_is_told_before_anything_is_proved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAFEMIGRATE_PG_BINARIES", str(tmp_path))
    with pytest.raises(ServerError, match="no binaries of PostgreSQL 13 are installed") as caught:
        prove_on_majors("embedded", (ServerVersion(18), ServerVersion(13)), unreachable)
    assert caught.value.exit_code == 2
    assert "SAFEMIGRATE_PG_BINARIES" in caught.value.hint


@pytest.mark.parametrize("kind", ["container:postgres:17", "postgresql://localhost/x"])
def test_a_server_of_one_version_is_refused_for_several(kind: str) -> None:
    with pytest.raises(UsageError, match="is a server of one version, and 2 were asked for"):
        prove_on_majors(kind, (ServerVersion(18), ServerVersion(14)), unreachable)


@pytest.mark.docker
def test_a_container_tells_the_same_as_an_embedded_server(
    scaffold: Scaffold, container_server: Server, proof_servers: ProofServers
) -> None:
    needs(proof_servers, 14)
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", NULLS, "DROP INDEX i")

    check = compare_majors([prove(scaffold, container_server), prove(scaffold, proof_servers[14])])

    assert check.standing is Standing.BROKEN
    assert f"holds on PostgreSQL {container_server.version} and is broken on 14" in check.reason
