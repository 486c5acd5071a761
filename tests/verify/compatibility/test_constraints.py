"""New constraints on columns that were there before, and the old release's statements."""

import pytest

from safemigrate.model import Property, Standing
from tests.verify.conftest import Scaffold

OLD = Property.OLD_STATEMENTS_WORK

TABLE = (
    "CREATE TABLE account (id bigint PRIMARY KEY, phone text, state text DEFAULT 'new',"
    " balance integer NOT NULL DEFAULT 0)"
)
UNVALIDATED = (
    "constraint public.account.big is NOT VALID: an UPDATE of a row that was there before and does"
    " not meet it is refused, whatever it changes"
)


def add_check(scaffold: Scaffold, condition: str, rest: str = "NOT VALID") -> None:
    scaffold.add("0001", TABLE, None)
    scaffold.add(
        "0002", f"ALTER TABLE account ADD CONSTRAINT big CHECK ({condition}) {rest}".strip(), None
    )


@pytest.mark.parametrize("rest", ["NOT VALID", ""])
def test_a_default_that_a_new_constraint_refuses_breaks_it(rest: str, anywhere: Scaffold) -> None:
    add_check(anywhere, "balance >= 1000", rest)

    check = anywhere.check(OLD)

    assert check.standing is Standing.BROKEN
    assert check.reason == (
        "on the new schema INSERT without balance into public.account fails: 23514: "
        'new row for relation "account" violates check constraint "big"'
    )
    assert (UNVALIDATED in check.details) is bool(rest)


# Conditions, and how many statements are generated where they are new.
MET = {
    "balance >= 0": 5,
    "balance >= 0 AND state <> ''": 5,
    "phone IS NOT NULL": 4,
    "balance > 0 OR phone IS NULL": 4,
}


@pytest.mark.parametrize("condition", MET)
def test_a_constraint_that_the_defaults_meet_or_that_hangs_on_more_is_told_alone(
    condition: str, scaffold: Scaffold
) -> None:
    add_check(scaffold, condition)

    check = scaffold.check(OLD)

    number = MET[condition]
    assert (check.standing, check.reason) == (
        Standing.HOLDS,
        f"{number} generated statements work",
    )
    assert check.details == (UNVALIDATED,)


def test_an_update_of_old_rows_is_told_of_beside_a_file(scaffold: Scaffold) -> None:
    add_check(scaffold, "balance >= 1000000000")
    path = scaffold.folder / "old.sql"
    path.write_text("UPDATE account SET phone = $1 WHERE id = $2")

    check = scaffold.check(OLD, old_statements=path)

    assert (check.standing, check.details) == (Standing.HOLDS, (UNVALIDATED,))


def test_nothing_is_told_of_what_is_validated_or_on_a_new_table(scaffold: Scaffold) -> None:
    add_check(scaffold, "balance >= 0")
    scaffold.add("0003", "ALTER TABLE account VALIDATE CONSTRAINT big", None)
    scaffold.add(
        "0004",
        "CREATE TABLE other (id integer)\nALTER TABLE account ADD COLUMN hue text\n"
        "ALTER TABLE other ADD CHECK (id > 0) NOT VALID",
        None,
    )

    assert scaffold.check(OLD, "0003").details == ()
    assert scaffold.check(OLD, "0004").details == ()
