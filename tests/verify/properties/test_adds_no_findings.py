"""ADDS_NO_FINDINGS: a review of the schema finds nothing that it did not find before."""

import pytest

from safemigrate.config import VerifyChoices
from safemigrate.model import HistoryProof, Property, Standing
from safemigrate.source import open_project
from safemigrate.verify import verify_history
from safemigrate.verify.remembering import remembering
from safemigrate.verify.selection import choose_revisions, list_way
from tests.postgres.versions import ProofServers, proof_versions
from tests.verify.conftest import Scaffold

WANTED = Property.ADDS_NO_FINDINGS
PARENT = "CREATE TABLE parent (id bigint PRIMARY KEY)"
CHILD = "CREATE TABLE child (id bigint PRIMARY KEY, parent_id bigint REFERENCES parent)"
INDEX = "CREATE INDEX child_parent ON child (parent_id)"


def test_a_foreign_key_without_an_index_is_found(anywhere: Scaffold) -> None:
    anywhere.add("r1", PARENT, "DROP TABLE parent")
    anywhere.add("r2", f"SELECT 1\n{CHILD}", "DROP TABLE child")
    check = anywhere.check(WANTED)
    assert check.standing is Standing.BROKEN
    assert check.reason == (
        "public.child: child_parent_id_fkey (parent_id) references public.parent"
        " (foreign-key-without-index)"
    )
    assert check.help == (
        "put it into this revision: CREATE INDEX ON public.child (parent_id);"
        ' or say why it is right: "# safemigrate: accept[adds-no-findings] REASON"'
    )
    assert check.details == ()
    line = anywhere.path("r2").read_text().splitlines()[check.line - 1]
    assert "CREATE TABLE child" in line


def test_one_with_an_index_adds_nothing(anywhere: Scaffold) -> None:
    anywhere.add("r1", PARENT, "DROP TABLE parent")
    anywhere.add("r2", f"{CHILD}\n{INDEX}", "DROP TABLE child")
    check = anywhere.check(WANTED)
    assert check.standing is Standing.HOLDS
    assert check.reason.endswith("checks find nothing new")


def test_a_table_that_was_there_gets_its_index_beside_the_application(scaffold: Scaffold) -> None:
    scaffold.add("r1", f"{PARENT}\nCREATE TABLE child (id bigint PRIMARY KEY)", "pass")
    scaffold.add("r2", "ALTER TABLE child ADD parent_id bigint REFERENCES parent", "pass")
    scaffold.add(
        "r3",
        "ALTER TABLE child RENAME TO kid\nALTER TABLE kid ADD b bigint REFERENCES parent",
        "pass",
    )
    helps = [scaffold.check(WANTED, one).help.partition(";")[0] for one in ("r2", "r3")]
    assert helps == [
        "CREATE INDEX CONCURRENTLY ON public.child (parent_id)",
        "CREATE INDEX CONCURRENTLY ON public.kid (b)",
    ]


@pytest.mark.parametrize(
    "later",
    [
        INDEX,
        "ALTER TABLE child RENAME TO kid\nCREATE INDEX ON kid (parent_id)",
        "ALTER TABLE child DROP CONSTRAINT child_parent_id_fkey",
        "DROP TABLE child",
    ],
)
def test_a_key_that_a_later_revision_mends_is_told_and_adds_nothing(
    scaffold: Scaffold, later: str
) -> None:
    scaffold.add("r1", PARENT, "DROP TABLE parent")
    scaffold.add("r2", CHILD, "DROP TABLE child")
    scaffold.add("r3", later, "pass")
    check = scaffold.check(WANTED, "r2")
    assert check.standing is Standing.HOLDS
    assert check.reason.endswith("checks find nothing new, and 1 that a later revision mends")
    assert check.details == (
        (
            "public.child: child_parent_id_fkey (parent_id) references public.parent"
            " (foreign-key-without-index): a later revision mends it"
        ),
    )


def test_an_index_that_is_of_no_use_to_the_key_mends_nothing(scaffold: Scaffold) -> None:
    scaffold.add("r1", PARENT, "DROP TABLE parent")
    scaffold.add("r2", CHILD, "DROP TABLE child")
    scaffold.add("r3", "CREATE INDEX ON child (id, parent_id)", "pass")
    assert scaffold.check(WANTED, "r2").standing is Standing.BROKEN


def test_what_a_later_revision_mends_is_not_remembered(
    scaffold: Scaffold, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAFEMIGRATE_CACHE_DIR", str(scaffold.folder / "cache"))
    scaffold.add("r1", PARENT, "DROP TABLE parent")
    scaffold.add("r2", CHILD, "DROP TABLE child")
    scaffold.add("r3", INDEX, "pass")

    def verify() -> HistoryProof:
        choices = VerifyChoices(selected=(WANTED.value,))
        with remembering(scaffold.config, choices) as memory:
            project = open_project(scaffold.config)
            memory.plan(project, list_way(project, choose_revisions(project, ())))
            return verify_history(project, scaffold.server, choices=choices, memory=memory)

    assert verify().revisions[1].checks[0].standing is Standing.HOLDS
    scaffold.path("r3").unlink()
    assert verify().revisions[1].checks[0].standing is Standing.BROKEN


BOOKING = (
    "CREATE EXTENSION IF NOT EXISTS btree_gist\n"
    "CREATE TABLE child (id bigint PRIMARY KEY, parent_id bigint REFERENCES parent, at tstzrange,"
    " EXCLUDE USING gist (parent_id WITH =, at WITH &&){})"
)


def test_the_index_of_an_exclusion_serves_a_key_from_the_start(scaffold: Scaffold) -> None:
    scaffold.add("r1", PARENT, "DROP TABLE parent")
    scaffold.add("r2", BOOKING.format(""), "DROP TABLE child")
    check = scaffold.check(WANTED, "r2")
    assert check.standing is Standing.HOLDS
    assert check.reason.endswith("checks find nothing new")
    assert not check.details


def test_what_no_later_revision_touches_is_not_called_mended(scaffold: Scaffold) -> None:
    partial = BOOKING.format(" WHERE (id > 0)")
    scaffold.add("r1", PARENT, "DROP TABLE parent")
    scaffold.add("r2", partial, "DROP TABLE child")
    scaffold.add("r3", "ALTER TABLE parent ADD note text", "ALTER TABLE parent DROP note")
    check = scaffold.check(WANTED, "r2")
    assert check.standing is Standing.BROKEN
    assert "child_parent_id_fkey" in check.reason
    scaffold.add("r4", INDEX, "DROP INDEX child_parent")
    check = scaffold.check(WANTED, "r2")
    assert check.standing is Standing.HOLDS
    assert check.is_mended_later


PARTED = """
CREATE TABLE parted (id bigint PRIMARY KEY, parent_id bigint{}) PARTITION BY LIST (id)
CREATE TABLE part_1 PARTITION OF parted FOR VALUES IN (1)
CREATE TABLE part_2 (id bigint NOT NULL, parent_id bigint CONSTRAINT own REFERENCES parent)
ALTER TABLE parted ATTACH PARTITION part_2 FOR VALUES IN (2)
CREATE TABLE part_3 PARTITION OF parted FOR VALUES IN (3, 4) PARTITION BY LIST (id)
CREATE TABLE part_4 PARTITION OF part_3 FOR VALUES IN (4)
"""


@pytest.mark.parametrize(
    "detach",
    [
        "ALTER TABLE parted DETACH PARTITION part_1",
        "ALTER TABLE parted DETACH PARTITION part_2",
        "ALTER TABLE parted DETACH PARTITION part_3",
        "ALTER TABLE part_3 DETACH PARTITION part_4",
    ],
)
@pytest.mark.parametrize("major", proof_versions())
def test_a_partition_that_is_detached_had_its_findings_before(
    detach: str, major: int, proof_servers: ProofServers, scaffold: Scaffold
) -> None:
    scaffold.server = proof_servers[major]
    parted = PARTED.format(" REFERENCES parent, seen timestamp").replace(
        "CONSTRAINT own REFERENCES parent)", "CONSTRAINT own REFERENCES parent, seen timestamp)"
    )
    scaffold.add("r1", PARENT, "DROP TABLE parent")
    scaffold.add("r2", parted, "DROP TABLE parted")
    scaffold.add("r3", detach, None)
    assert scaffold.check(WANTED, "r2").standing is Standing.BROKEN
    check = scaffold.check(WANTED, "r3")
    assert check.standing is Standing.HOLDS
    assert check.reason.endswith("checks find nothing new, as before 4")


def test_what_is_added_to_a_partition_that_is_detached_is_found(scaffold: Scaffold) -> None:
    scaffold.add("r1", PARENT, "DROP TABLE parent")
    scaffold.add("r2", PARTED.format(""), "DROP TABLE parted")
    scaffold.add(
        "r3",
        "ALTER TABLE parted DETACH PARTITION part_1\n"
        "ALTER TABLE part_1 ADD CONSTRAINT added FOREIGN KEY (parent_id) REFERENCES parent",
        None,
    )
    assert "public.part_1: added" in scaffold.check(WANTED, "r3").reason


def test_it_is_the_only_property_that_breaks(scaffold: Scaffold) -> None:
    scaffold.add("r1", PARENT, "DROP TABLE parent")
    scaffold.add("r2", CHILD, "DROP TABLE child")
    assert scaffold.broken() == {WANTED}


def test_what_was_there_before_is_not_the_revisions(scaffold: Scaffold) -> None:
    scaffold.add("r1", f"{PARENT}\n{CHILD}", "DROP TABLE child\nDROP TABLE parent")
    scaffold.add("r2", "ALTER TABLE child ADD note text", "ALTER TABLE child DROP COLUMN note")
    assert scaffold.check(WANTED, "r1").standing is Standing.BROKEN
    check = scaffold.check(WANTED, "r2")
    assert check.standing is Standing.HOLDS
    assert check.reason.endswith("find nothing new, as before 1")


def test_a_revision_that_takes_the_index_away_adds_a_finding(scaffold: Scaffold) -> None:
    scaffold.add("r1", f"{PARENT}\n{CHILD}\n{INDEX}", "DROP TABLE child\nDROP TABLE parent")
    scaffold.add("r2", "DROP INDEX child_parent", INDEX)
    check = scaffold.check(WANTED)
    assert check.standing is Standing.BROKEN
    assert "DROP INDEX" in scaffold.path("r2").read_text().splitlines()[check.line - 1]


def test_a_rename_takes_its_findings_along(scaffold: Scaffold) -> None:
    scaffold.add("r1", "CREATE TABLE old (id bigint)", "DROP TABLE old")
    scaffold.add("r2", "ALTER TABLE old RENAME TO named", "ALTER TABLE named RENAME TO old")
    assert scaffold.check(WANTED, "r2").standing is Standing.HOLDS


def test_several_findings_are_listed(scaffold: Scaffold) -> None:
    scaffold.add("r1", "CREATE TABLE t (at timestamp, price float8)", "DROP TABLE t")
    check = scaffold.check(WANTED)
    assert check.reason.endswith("(table-without-primary-key), and 2 more")
    assert [line.partition("(")[2].partition(")")[0] for line in check.details] == [
        "timestamp-without-time-zone",
        "money-as-float",
    ]


def test_what_is_only_told_about_does_not_gate(scaffold: Scaffold) -> None:
    scaffold.add("r1", "CREATE TABLE t (id serial PRIMARY KEY, v varchar(5))", "DROP TABLE t")
    assert scaffold.check(WANTED).standing is Standing.HOLDS


def test_rows_alone_change_no_schema(scaffold: Scaffold) -> None:
    scaffold.add("r1", PARENT, "DROP TABLE parent")
    scaffold.add("r2", "INSERT INTO parent VALUES (1)", "DELETE FROM parent")
    assert scaffold.check(WANTED).reason == "the schema stays as it is"


def test_a_marker_accepts_it(scaffold: Scaffold) -> None:
    scaffold.add("r1", "CREATE TABLE log (line text)", "DROP TABLE log")
    path = scaffold.path("r1")
    path.write_text(f"{path.read_text()}\n# safemigrate: accept[adds-no-findings] append only\n")
    check = scaffold.check(WANTED)
    assert check.standing is Standing.ACCEPTED
    assert check.reason.endswith("accepted: append only")


@pytest.mark.parametrize("major", proof_versions())
@pytest.mark.parametrize(
    ("upgrade", "check"),
    [
        ("CREATE TABLE t (a int)", "table-without-primary-key"),
        (
            "CREATE INDEX a ON parent (name)\nCREATE INDEX b ON parent (name)",
            "duplicate-index",
        ),
        (
            "CREATE TABLE t (id int PRIMARY KEY REFERENCES parent)",
            "foreign-key-type-mismatch",
        ),
        ("ALTER TABLE parent ADD at timestamp", "timestamp-without-time-zone"),
        ("ALTER TABLE parent ADD price money", "money-as-float"),
        ("CREATE POLICY p ON parent USING (id = 1)", "policies-without-row-security"),
        ("ALTER TABLE parent ENABLE ROW LEVEL SECURITY", "row-security-without-policy"),
        (
            """
            ALTER TABLE parent ENABLE ROW LEVEL SECURITY
            CREATE POLICY p ON parent USING (id = 1) WITH CHECK (true)
            """,
            "always-true-write-policy",
        ),
        (
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
            "security-definer-without-search-path",
        ),
        ("ALTER TABLE parent DISABLE TRIGGER t", "disabled-trigger-or-constraint"),
    ],
)
def test_what_gates_gates_on_every_version(
    upgrade: str, check: str, major: int, proof_servers: ProofServers, scaffold: Scaffold
) -> None:
    scaffold.server = proof_servers[major]
    scaffold.add(
        "r1",
        "CREATE TABLE parent (id bigint PRIMARY KEY, name text)\n"
        "CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'\n"
        "CREATE TRIGGER t BEFORE INSERT ON parent FOR EACH ROW EXECUTE FUNCTION g()",
        "DROP TABLE parent\nDROP FUNCTION g",
    )
    scaffold.add("r2", upgrade, None)
    assert scaffold.check(WANTED, "r1").standing is Standing.HOLDS
    found = scaffold.check(WANTED, "r2")
    assert found.standing is Standing.BROKEN
    assert f"({check})" in found.reason
    assert "more" not in found.reason
