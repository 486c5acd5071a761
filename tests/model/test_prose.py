"""Other people's messages within sentences of ours."""

import pytest

from safemigrate.model.prose import as_clause


@pytest.mark.parametrize(
    ("message", "clause"),
    [
        ("Expected an object", "expected an object"),
        ("JSON is malformed", "JSON is malformed"),
        ("A key is missing", "a key is missing"),
        ("", ""),
    ],
)
def test_a_message_goes_on_in_small_letters(message: str, clause: str) -> None:
    assert as_clause(message) == clause
