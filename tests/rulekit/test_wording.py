from collections.abc import Callable

import pytest

from safemigrate.model import DropTable, LockMode
from safemigrate.rulekit import Context, doubt_of_missing, join_words, name_locked_tables

Look = Callable[..., Context]


@pytest.mark.parametrize(
    ("words", "text"),
    [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_words_are_listed_as_people_list_them(words: list[str], text: str) -> None:
    assert join_words(words) == text


def test_tables_are_named_and_their_indexes_are_not(look_at: Look) -> None:
    (event,) = look_at("DROP TABLE recipe;").all_events()
    named = name_locked_tables(event, LockMode.ACCESS_EXCLUSIVE)
    assert named == "public.recipe and public.cook"


def test_if_exists_is_in_doubt_where_the_history_does_not_show_it(look_at: Look) -> None:
    missing, plain = (
        event.action
        for event in look_at("DROP TABLE IF EXISTS spoon; DROP TABLE spoon;").all_events()
        if isinstance(event.action, DropTable)
    )
    assert "does not show it" in doubt_of_missing(missing, is_shown=False)
    assert doubt_of_missing(missing, is_shown=True) == ""
    assert doubt_of_missing(plain, is_shown=False) == ""


def test_weaker_locks_are_left_out(look_at: Look) -> None:
    (event,) = look_at("CREATE TABLE t (c bigint REFERENCES cook (id));").all_events()
    assert name_locked_tables(event, LockMode.SHARE) == "public.cook"
    assert name_locked_tables(event, LockMode.ACCESS_EXCLUSIVE) == "its table"
