"""H11: no lock is taken that `explain` did not foresee."""

from dataclasses import replace

import pytest

from safemigrate.model import (
    Certainty,
    Direction,
    Facts,
    Lock,
    LockMode,
    Passage,
    Property,
    QualifiedName,
    Standing,
)
from safemigrate.verify.foreknowledge import Foreknowledge
from tests.postgres.versions import ProofServers, proof_versions
from tests.verify.conftest import Scaffold

LOCKS = Property.FORESEEN_LOCKS
T = QualifiedName("public", "t")

# What comes out of the database nobody can read in the file.
FIND = "(SELECT relname FROM pg_class WHERE relname = 't' AND relkind = 'r')"
DYNAMIC = f"DO $$ BEGIN EXECUTE format('ALTER TABLE %I ADD COLUMN c int', {FIND}); END $$"


def add_table(scaffold: Scaffold) -> None:
    scaffold.add("one", "CREATE TABLE t (id int PRIMARY KEY, a int)", "DROP TABLE t")


def add_hidden_lock(scaffold: Scaffold) -> None:
    add_table(scaffold)
    scaffold.add("two", DYNAMIC, "ALTER TABLE t DROP COLUMN c")


def test_a_lock_that_no_text_shows_is_named_with_its_line(anywhere: Scaffold) -> None:
    add_hidden_lock(anywhere)

    check = anywhere.check(LOCKS)

    assert check.standing is Standing.BROKEN
    assert "the server took ACCESS EXCLUSIVE on public.t" in check.reason
    assert "nobody could have known" in check.reason
    lines = anywhere.path("two").read_text().splitlines()
    assert "EXECUTE" in lines[check.line - 1]


def test_locks_that_explain_shows_are_foreseen(anywhere: Scaffold) -> None:
    add_table(anywhere)
    anywhere.add(
        "two",
        """
op.add_column("t", sa.Column("b", sa.Text()))
op.execute("ALTER TABLE t ADD CHECK (a > 0) NOT VALID")
op.execute("CREATE TABLE child (t_id int REFERENCES t)")
op.create_index("t_a", "t", ["a"])
with op.get_context().autocommit_block():
    op.execute("CREATE INDEX CONCURRENTLY t_b ON t (b)")
""",
        'op.drop_table("child")\nop.drop_index("t_a")\nop.drop_column("t", "b")\n'
        'op.drop_constraint("t_a_check", "t")',
    )

    check = anywhere.check(LOCKS)

    assert (check.standing, check.reason) == (Standing.HOLDS, "")


def test_a_hidden_lock_breaks_nothing_else(scaffold: Scaffold) -> None:
    add_hidden_lock(scaffold)

    assert scaffold.broken() == {LOCKS}


@pytest.mark.parametrize("major", proof_versions())
def test_a_hidden_lock_is_seen_on_every_major(
    major: int, proof_servers: ProofServers, scaffold: Scaffold
) -> None:
    scaffold.server = proof_servers[major]
    add_hidden_lock(scaffold)

    assert scaffold.check(LOCKS).standing is Standing.BROKEN


def test_a_lock_in_the_downgrade_counts(scaffold: Scaffold) -> None:
    add_table(scaffold)
    scaffold.add(
        "two",
        "ALTER TABLE t ADD COLUMN c int",
        DYNAMIC.replace("ADD COLUMN c int", "DROP COLUMN c"),
    )

    check = scaffold.check(LOCKS)

    assert check.standing is Standing.BROKEN
    assert check.details[0].startswith("downgrade, line")


def test_a_statement_made_of_rows_is_not_foreseen(scaffold: Scaffold) -> None:
    scaffold.add(
        "one",
        """
        CREATE TABLE t (id int PRIMARY KEY, a int)
        CREATE TABLE wanted (name text PRIMARY KEY)
        INSERT INTO wanted VALUES ('t')
        """,
        "DROP TABLE t, wanted",
    )
    scaffold.add(
        "two",
        """
bind = op.get_bind()
for (name,) in bind.execute(sa.text("SELECT name FROM wanted WHERE name = 't'")).all():
    op.execute(f"ALTER TABLE {name} ADD COLUMN c int")
""",
        "ALTER TABLE t DROP COLUMN c",
    )

    check = scaffold.check(LOCKS)

    assert check.standing is Standing.BROKEN
    assert "explain does not see the statement" in check.reason


def test_a_loop_that_sends_one_text_for_each_row_is_foreseen(scaffold: Scaffold) -> None:
    add_table(scaffold)
    scaffold.add(
        "two",
        """
bind = op.get_bind()
for (key,) in bind.execute(sa.text("SELECT id FROM t")).all():
    bind.execute(sa.text("UPDATE t SET a = 1 WHERE id = :id"), {"id": key})
op.add_column("t", sa.Column("c", sa.Integer()))
""",
        "ALTER TABLE t DROP COLUMN c",
    )

    assert scaffold.check(LOCKS).standing is Standing.HOLDS


def test_bound_values_do_not_make_another_statement(scaffold: Scaffold) -> None:
    add_table(scaffold)
    scaffold.add(
        "two",
        """
table = sa.table("t", sa.column("id", sa.Integer), sa.column("a", sa.Integer))
bind = op.get_bind()
bind.execute(sa.update(table).where(table.c.id == 7).values(a=3))
op.execute("ALTER TABLE t ADD COLUMN c int; ALTER TABLE t ADD COLUMN d int")
op.bulk_insert(table, [{"id": -1, "a": 1}, {"id": -2, "a": 2}])
""".replace("table =", "import math\ntable =", 1),
        "ALTER TABLE t DROP COLUMN c, DROP COLUMN d",
    )

    check = scaffold.check(LOCKS)

    assert (check.standing, check.reason) == (Standing.HOLDS, "")


def test_what_a_trigger_locks_in_passing_is_told_and_breaks_nothing(scaffold: Scaffold) -> None:
    scaffold.add(
        "one",
        """
op.execute("CREATE TABLE t (id int PRIMARY KEY, a int)")
op.execute("CREATE TABLE audit (id int)")
op.execute("CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$"
           " BEGIN INSERT INTO audit VALUES (NEW.id); RETURN NEW; END $$")
op.execute("CREATE TRIGGER note AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION note()")
""",
        "DROP TABLE t, audit\nDROP FUNCTION note",
    )
    scaffold.add("two", "UPDATE t SET a = 1 WHERE id > 0", "pass")

    check = scaffold.check(LOCKS)

    assert check.standing is Standing.HOLDS
    assert any("ROW EXCLUSIVE on public.audit by a trigger" in line for line in check.details)


def test_a_revision_that_cannot_be_recorded_foresees_nothing(scaffold: Scaffold) -> None:
    add_table(scaffold)
    scaffold.add(
        "two",
        """
import subprocess
subprocess.run(["true"], check=True)
op.execute("ALTER TABLE t ADD COLUMN c int")
""",
        "ALTER TABLE t DROP COLUMN c",
    )

    check = scaffold.check(LOCKS)

    assert check.standing is Standing.BROKEN
    assert "ACCESS EXCLUSIVE on public.t" in check.reason


def with_facts(monkeypatch: pytest.MonkeyPatch, revision: str, facts: Facts) -> None:
    """Let `explain` say that of the first statement of a revision's upgrade."""
    tell_truth = Foreknowledge.passage

    def lie(known: Foreknowledge, name: str, direction: Direction) -> Passage | None:
        passage = tell_truth(known, name, direction)
        if passage is None or name != revision or direction is not Direction.UPGRADE:
            return passage
        first = replace(passage.statements[0], facts=facts)
        return replace(passage, statements=(first, *passage.statements[1:]))

    monkeypatch.setattr(Foreknowledge, "passage", lie)


def test_more_than_explain_said_for_sure_is_our_own_bug(
    scaffold: Scaffold, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_table(scaffold)
    scaffold.add("two", "ALTER TABLE t ADD COLUMN c int", "ALTER TABLE t DROP COLUMN c")
    with_facts(monkeypatch, "two", Facts((Lock(T, LockMode.SHARE),)))

    check = scaffold.check(LOCKS)

    assert check.standing is Standing.BROKEN
    assert check.reason == (
        "explain says SHARE on public.t, the server took ACCESS EXCLUSIVE: this is a bug of"
        " safemigrate, please report it with the statement"
    )
    assert "ALTER TABLE t ADD COLUMN c int" in check.details[0]


def test_less_than_explain_said_for_sure_is_told_and_breaks_nothing(
    scaffold: Scaffold, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_table(scaffold)
    scaffold.add("two", "COMMENT ON TABLE t IS 'x'", "COMMENT ON TABLE t IS NULL")
    with_facts(monkeypatch, "two", Facts((Lock(T, LockMode.ACCESS_EXCLUSIVE),)))

    check = scaffold.check(LOCKS)

    assert check.standing is Standing.HOLDS
    assert any("this is a bug of safemigrate" in line for line in check.details)


def test_less_than_the_stronger_possibility_is_no_difference(
    scaffold: Scaffold, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_table(scaffold)
    scaffold.add("two", "COMMENT ON TABLE t IS 'x'", "COMMENT ON TABLE t IS NULL")
    guess = Facts((Lock(T, LockMode.ACCESS_EXCLUSIVE),), certainty=Certainty.UNKNOWN)
    with_facts(monkeypatch, "two", guess)

    check = scaffold.check(LOCKS)

    assert (check.standing, check.details) == (Standing.HOLDS, ())


def test_no_password_is_shown(scaffold: Scaffold) -> None:
    add_table(scaffold)
    scaffold.add(
        "two",
        DYNAMIC.replace("BEGIN ", "BEGIN IF false THEN ALTER ROLE x PASSWORD 'hunter2'; END IF; "),
        "pass",
    )

    check = scaffold.check(LOCKS)

    assert check.standing is Standing.BROKEN
    assert "hunter2" not in "".join((check.reason, *check.details))


def test_a_refusal_that_does_not_come_is_our_own_bug(
    scaffold: Scaffold, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_table(scaffold)
    scaffold.add("two", "ALTER TABLE t ADD COLUMN c int", "ALTER TABLE t DROP COLUMN c")
    with_facts(monkeypatch, "two", Facts(errors=("no such column",)))

    check = scaffold.check(LOCKS)

    assert check.standing is Standing.BROKEN
    assert check.reason.startswith(
        "explain says that the server refuses it (no such column), it does not: this is a bug"
    )
    assert scaffold.check(Property.FORESEEN_SCANS).standing is Standing.HOLDS


def test_a_refusal_that_was_only_assumed_is_told_and_breaks_nothing(
    scaffold: Scaffold, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_table(scaffold)
    scaffold.add("two", "ALTER TABLE t ADD COLUMN c int", "ALTER TABLE t DROP COLUMN c")
    guess = Facts(errors=("no such column",), certainty=Certainty.ASSUMED)
    with_facts(monkeypatch, "two", guess)

    check = scaffold.check(LOCKS)

    assert check.standing is Standing.HOLDS
    assert any("that the server refuses it (no such column)" in line for line in check.details)


def test_an_index_that_the_runner_makes_bit_by_bit_is_no_wrong_refusal(
    scaffold: Scaffold,
) -> None:
    scaffold.add(
        "one",
        """
        CREATE TABLE p (id int, a int) PARTITION BY RANGE (id)
        CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (1000000)
        """,
        "DROP TABLE p",
    )
    scaffold.add(
        "two",
        "with op.get_context().autocommit_block():\n"
        '    op.execute("CREATE INDEX CONCURRENTLY p_a ON p (a)")',
        "DROP INDEX p_a",
    )

    check = scaffold.check(LOCKS)

    assert (check.standing, check.reason) == (Standing.HOLDS, "")


def test_what_was_observed_on_empty_tables_is_told(scaffold: Scaffold) -> None:
    add_table(scaffold)
    scaffold.add(
        "two",
        "UPDATE t SET a = 1\nALTER TABLE t ADD COLUMN c int NOT NULL",
        "ALTER TABLE t DROP COLUMN c",
    )

    check = scaffold.check(LOCKS)

    assert check.standing is Standing.HOLDS
    assert any(
        line.startswith("observed on empty tables") and "23502" in line for line in check.details
    )
