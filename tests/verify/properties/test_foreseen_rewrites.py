"""H12: no table is rewritten that `explain` did not foresee."""

import pytest

from safemigrate.model import Property, Standing
from tests.postgres.versions import ProofServers, proof_versions
from tests.verify.conftest import Scaffold

REWRITES = Property.FORESEEN_REWRITES

FIND = "(SELECT relname FROM pg_class WHERE relname = 't' AND relkind = 'r')"
# The lock is there to be read, so that the rewrite alone comes as a surprise.
HIDDEN = (
    "DO $$ BEGIN LOCK TABLE t; "
    f"EXECUTE format('ALTER TABLE %I ALTER COLUMN a TYPE bigint', {FIND}); END $$"
)


def add_hidden_rewrite(scaffold: Scaffold) -> None:
    scaffold.add("one", "CREATE TABLE t (id int PRIMARY KEY, a int)", "DROP TABLE t")
    scaffold.add("two", HIDDEN, "ALTER TABLE t ALTER COLUMN a TYPE int")


def test_a_rewrite_that_no_text_shows_is_named_with_its_reason(anywhere: Scaffold) -> None:
    add_hidden_rewrite(anywhere)

    check = anywhere.check(REWRITES)

    assert check.standing is Standing.BROKEN
    assert "the server wrote public.t anew (another column type)" in check.reason
    assert "nobody could have known" in check.reason


def test_a_rewrite_that_explain_shows_is_foreseen(anywhere: Scaffold) -> None:
    anywhere.add("one", "CREATE TABLE t (id int PRIMARY KEY, a int)", "DROP TABLE t")
    anywhere.add(
        "two",
        'op.alter_column("t", "a", type_=sa.BigInteger())',
        'op.alter_column("t", "a", type_=sa.Integer())',
    )

    check = anywhere.check(REWRITES)

    assert (check.standing, check.reason) == (Standing.HOLDS, "")


def test_a_hidden_rewrite_breaks_nothing_else(scaffold: Scaffold) -> None:
    add_hidden_rewrite(scaffold)

    assert scaffold.broken() == {REWRITES}


@pytest.mark.parametrize("major", proof_versions())
def test_a_hidden_rewrite_is_seen_on_every_major(
    major: int, proof_servers: ProofServers, scaffold: Scaffold
) -> None:
    scaffold.server = proof_servers[major]
    add_hidden_rewrite(scaffold)

    assert scaffold.check(REWRITES).standing is Standing.BROKEN


def test_what_follows_a_hidden_change_is_no_bug_of_ours(scaffold: Scaffold) -> None:
    scaffold.add("one", "CREATE TABLE t (id int, a varchar(20))", "DROP TABLE t")
    scaffold.add(
        "two",
        HIDDEN.replace("TYPE bigint", "TYPE varchar(40)"),
        "ALTER TABLE t ALTER COLUMN a TYPE varchar(20)",
    )

    check = scaffold.check(REWRITES)

    # up there is none; down there is, of a type that explain could not see the column have
    assert check.standing is Standing.BROKEN
    assert all(line.startswith("downgrade") for line in check.details)
    assert "nobody could have known: explain does not know the schema" in check.reason
