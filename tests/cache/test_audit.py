"""One hook, and those who listen."""

import sys
from typing import Any

import pytest

from safemigrate.cache.audit import listening

Heard = list[tuple[str, tuple[Any, ...]]]


def test_a_listener_hears_what_it_asked_for_and_for_as_long() -> None:
    heard: Heard = []
    with listening(lambda event, arguments: heard.append((event, arguments)), frozenset({"my.a"})):
        sys.audit("my.a", 1, "x")
        sys.audit("my.b")
    sys.audit("my.a", 2)
    assert heard == [("my.a", (1, "x"))]


def test_the_last_to_come_is_called_first_and_may_refuse() -> None:
    order: list[str] = []

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        del event, arguments
        order.append("inner")
        raise PermissionError

    events = frozenset({"my.a"})
    with listening(lambda event, _: order.append(event), events):
        with listening(refuse, events), pytest.raises(PermissionError):
            sys.audit("my.a")
        assert order == ["inner"]
        sys.audit("my.a")
    assert order == ["inner", "my.a"]


def test_one_who_listens_twice_hears_twice() -> None:
    heard: Heard = []

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        heard.append((event, arguments))

    with listening(hear, frozenset({"my.a"})):
        with listening(hear, frozenset({"my.a"})):
            sys.audit("my.a")
        assert len(heard) == 2
        sys.audit("my.a")
    assert len(heard) == 3
