"""Padding, and the lengths it is counted with, which are those of a server."""

import psycopg

from safemigrate.rulekit.alignment import FIXED_LENGTHS, best_order, count_padding

BIG, INT, BOOL, UUID = (8, 8), (4, 4), (1, 1), (16, 1)
ALIGNMENTS = {"c": 1, "s": 2, "i": 4, "d": 8}


def test_lengths_and_alignments_are_those_of_a_server(database: str) -> None:
    with psycopg.connect(database.replace("+psycopg", "")) as connection:
        rows = connection.execute(
            "SELECT format_type(oid, NULL), typlen, typalign::text FROM pg_type WHERE typlen > 0"
        ).fetchall()
    seen = {name.strip('"'): (length, ALIGNMENTS[align]) for name, length, align in rows}
    assert {name: seen[name] for name in FIXED_LENGTHS} == FIXED_LENGTHS


def test_a_wide_value_behind_a_narrow_one_is_padded() -> None:
    assert count_padding([BOOL, BIG, BOOL, BIG]) == 7 + 7
    assert count_padding([INT, BIG]) == 4
    assert count_padding([BIG, INT, INT, BOOL, UUID]) == 0


def test_behind_a_value_of_any_length_only_what_is_certain_counts() -> None:
    assert count_padding([BOOL, None, BIG]) == 0
    assert count_padding([None, BIG, BOOL, BIG]) == 7


def test_the_best_order_has_no_padding_and_keeps_the_rest_as_it_is() -> None:
    columns = [("a", BOOL), ("b", None), ("c", BIG), ("d", INT), ("e", BIG)]
    assert best_order(columns) == ["c", "e", "d", "a", "b"]
