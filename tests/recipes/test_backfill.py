from safemigrate.recipes import backfill_apart


def test_a_statement_moves_behind_the_commit() -> None:
    remedy = backfill_apart("UPDATE recipe SET title = name")
    assert remedy.sql.endswith("\nUPDATE recipe SET title = name;")
    assert "autocommit_block" in remedy.alembic


def test_a_statement_with_bound_values_is_not_for_pasting() -> None:
    remedy = backfill_apart("UPDATE recipe SET title = $1")
    assert (remedy.sql, remedy.alembic) == ("", "")
    assert remedy.advice
