"""H28: no statement changes more rows in one go than allowed."""

from typing import Any

import pytest

from safemigrate.model import Check, Property, Standing
from tests.verify.conftest import Scaffold

SUBJECT = Property.CHANGES_FEW_ROWS
TABLE = "CREATE TABLE t (id serial PRIMARY KEY, a integer, b text)"
LOOP = """
with op.get_context().autocommit_block():
    while op.get_bind().execute(sa.text(
        "UPDATE t SET b = 'done' WHERE id IN ("
        "SELECT id FROM t WHERE b IS DISTINCT FROM 'done' LIMIT 40)"
    )).rowcount:
        pass
"""
BLOCK = """
with op.get_context().autocommit_block():
    op.execute('''
        DO $$
        BEGIN
          LOOP
            UPDATE t SET b = 'done' WHERE id IN (
              SELECT id FROM t WHERE b IS DISTINCT FROM 'done' LIMIT {batch});
            EXIT WHEN NOT FOUND;
            COMMIT;
          END LOOP;
        END $$
    ''')
"""


def prove(scaffold: Scaffold, upgrade: str, downgrade: str = "pass", **choices: Any) -> Check:
    """Prove a revision of the table `t`; 50 rows may be changed where nothing else is said."""
    scaffold.add("r1", TABLE, "DROP TABLE t CASCADE")
    scaffold.add("r2", upgrade, downgrade)
    return scaffold.check(SUBJECT, **{"most_rows_changed": 50, "rows": 20, **choices})


def test_an_update_of_all_rows_is_broken(anywhere: Scaffold) -> None:
    check = prove(anywhere, "ALTER TABLE t ADD c integer\nUPDATE t SET c = a")
    assert check.standing is Standing.BROKEN
    assert check.reason == (
        "one statement of the upgrade changes every row of public.t that is there (all of the 51 "
        "generated), and 50 at a time are allowed: UPDATE t SET c = a"
    )
    assert "a few thousand rows at a time" in check.help
    assert "max-rows-changed" in check.help
    assert '"# safemigrate: accept[changes-few-rows] REASON"' in check.help
    lines = anywhere.path("r2").read_text().splitlines()
    assert "UPDATE t" in lines[check.line - 1]


def test_batches_hold(anywhere: Scaffold) -> None:
    check = prove(anywhere, LOOP)
    assert (check.standing, check.reason) == (
        Standing.HOLDS,
        "at most 40 rows in one statement",
    )


def test_nothing_else_is_broken(scaffold: Scaffold) -> None:
    scaffold.add("r1", TABLE, "DROP TABLE t")
    scaffold.add(
        "r2",
        "SET LOCAL lock_timeout = '1s'\nUPDATE t SET a = a + 1",
        "SET LOCAL lock_timeout = '1s'\nUPDATE t SET a = a - 1",
    )
    assert scaffold.broken(most_rows_changed=50) == {SUBJECT}


@pytest.mark.parametrize(("batch", "standing"), [(40, Standing.HOLDS), (60, Standing.BROKEN)])
def test_a_block_that_commits_is_as_large_as_its_largest_transaction(
    scaffold: Scaffold, batch: int, standing: Standing
) -> None:
    check = prove(scaffold, BLOCK.format(batch=batch))
    assert check.standing is standing


GONE = """
with op.get_context().autocommit_block():
    op.execute('''
        DO $$
        BEGIN
          {before}
          DELETE FROM t;
          COMMIT;
        END $$
    ''')
"""


def test_a_block_that_commits_and_deletes_is_unknown(scaffold: Scaffold) -> None:
    check = prove(scaffold, GONE.format(before=""))
    assert check.standing is Standing.UNKNOWN
    assert check.reason.startswith(
        "51 rows of public.t are deleted by a statement that may commit in between, and how many "
        "at once is not to be seen where they are gone: DO $$ "
    )
    assert "accept[changes-few-rows]" in check.help


def test_a_block_that_commits_and_deletes_few_holds(scaffold: Scaffold) -> None:
    few = BLOCK.format(batch=40).replace("BEGIN", "BEGIN DELETE FROM t WHERE id < 4; COMMIT;")
    assert prove(scaffold, few).standing is Standing.HOLDS


BROKEN = {
    "DELETE FROM t": "upgrade",
    "INSERT INTO t (a) SELECT a FROM t": "upgrade",
    "INSERT INTO t (a) SELECT i FROM generate_series(1, 60) i": "upgrade",
    "UPDATE t SET a = 1 WHERE b IS NOT NULL": "upgrade",
    "WITH gone AS (DELETE FROM t RETURNING a) INSERT INTO log SELECT a FROM gone": "upgrade",
    "DO $$ BEGIN UPDATE t SET a = 1; END $$": "upgrade",
    "ALTER TABLE t ADD c integer|UPDATE t SET a = 1\nALTER TABLE t DROP c": "downgrade",
}


@pytest.mark.parametrize("way", BROKEN)
def test_what_changes_too_many(scaffold: Scaffold, way: str) -> None:
    upgrade, downgrade = way.split("|") if "|" in way else (way, "pass")
    scaffold.add("r0", "CREATE TABLE log (a integer)", "DROP TABLE log")
    check = prove(scaffold, upgrade, downgrade)
    assert check.standing is Standing.BROKEN
    assert check.reason.startswith(f"one statement of the {BROKEN[way]} changes ")


@pytest.mark.parametrize(
    "upgrade",
    [
        "ALTER TABLE t ADD c integer DEFAULT 5",
        "ALTER TABLE t ALTER a TYPE bigint",
        "ALTER TABLE t ADD u uuid DEFAULT gen_random_uuid()",
        "TRUNCATE t",
        "CREATE TABLE copy AS SELECT * FROM t",
        "CREATE INDEX ON t (a)",
        "UPDATE t SET a = 1 WHERE id = 3",
        "UPDATE t SET a = 1 WHERE false",
    ],
)
def test_what_changes_few_or_writes_files_anew_holds(scaffold: Scaffold, upgrade: str) -> None:
    assert prove(scaffold, upgrade).standing is Standing.HOLDS


def test_partitions_count_together(scaffold: Scaffold) -> None:
    scaffold.add(
        "r1",
        """
        CREATE TABLE e (id integer, n integer) PARTITION BY HASH (id)
        CREATE TABLE e0 PARTITION OF e FOR VALUES WITH (modulus 2, remainder 0)
        CREATE TABLE e1 PARTITION OF e FOR VALUES WITH (modulus 2, remainder 1)
        """,
        "DROP TABLE e",
    )
    scaffold.add("r2", "UPDATE e SET n = 1", "pass")
    check = scaffold.check(SUBJECT, most_rows_changed=50, rows=20)
    assert check.standing is Standing.BROKEN
    assert "every row of public.e that is there (all of the 51 generated)" in check.reason


def test_with_many_rows_allowed_as_many_are_tried(scaffold: Scaffold) -> None:
    check = prove(scaffold, "UPDATE t SET a = 1", most_rows_changed=3000)
    assert check.standing is Standing.BROKEN
    assert "(all of the 3,001 generated), and 3,000 at a time are allowed" in check.reason


def test_a_statement_that_chooses_or_adds_rows_is_not_said_to_change_every_row(
    scaffold: Scaffold,
) -> None:
    adding = prove(scaffold, "INSERT INTO t (a) SELECT a FROM t")
    assert "changes 51 rows of public.t, and 50 at a time are allowed" in adding.reason
    scaffold.add("r3", "UPDATE t SET a = 1 WHERE b IS NOT NULL", "pass")
    choosing = scaffold.check(SUBJECT, "r3", most_rows_changed=50, rows=20)
    assert choosing.standing is Standing.BROKEN
    assert "every row" not in choosing.reason


def test_a_new_table_may_be_filled(scaffold: Scaffold) -> None:
    check = prove(
        scaffold,
        "CREATE TABLE u AS SELECT i FROM generate_series(1, 500) i\nUPDATE u SET i = i + 1",
        "DROP TABLE u",
    )
    assert check.standing is Standing.HOLDS


def test_an_upgrade_that_fails_with_more_rows_is_unknown(scaffold: Scaffold) -> None:
    check = prove(
        scaffold,
        "DO $$ BEGIN IF (SELECT count(*) FROM t) > 40 THEN RAISE EXCEPTION 'too many'; END IF;"
        " UPDATE t SET a = 1; END $$",
    )
    assert check.standing is Standing.UNKNOWN
    assert "too many" in check.reason


def test_an_upgrade_that_fails_on_rows_is_unknown(scaffold: Scaffold) -> None:
    check = prove(scaffold, "ALTER TABLE t ADD c integer NOT NULL")
    assert (check.standing, check.reason) == (
        Standing.UNKNOWN,
        "the upgrade does not apply on rows",
    )
