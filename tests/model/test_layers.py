"""A mapping that shares what stayed the same is no other than a dictionary that is copied."""

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safemigrate.model.layers import Layers

KEYS = st.integers(0, 80)
STEPS = st.lists(
    st.one_of(st.tuples(st.just("put"), KEYS), st.tuples(st.just("drop"), KEYS)), max_size=300
)


def play(steps: list[tuple[str, int]]) -> list[tuple[Layers[int, str], dict[int, str]]]:
    """Return what there is after each step, and the same as a dictionary."""
    layers: Layers[int, str] = Layers(dict.fromkeys(range(40), "first"))
    plain = dict.fromkeys(range(40), "first")
    found = [(layers, plain)]
    for number, (step, key) in enumerate(steps):
        plain = dict(plain)
        if step == "put":
            layers = layers.put(key, f"value {number}")
            plain[key] = f"value {number}"
        else:
            layers = layers.drop([key])
            plain.pop(key, None)
        found.append((layers, plain))
    return found


@settings(derandomize=True, max_examples=100, deadline=None)
@given(STEPS)
def test_it_holds_what_a_dictionary_holds_in_the_same_order(steps: list[tuple[str, int]]) -> None:
    for layers, plain in play(steps):
        assert list(layers.items()) == list(plain.items())
        assert list(layers) == list(layers.keys()) == list(plain)
        assert list(layers.values()) == list(plain.values())
        assert len(layers) == len(plain)
        assert layers == plain
        for key in range(81):
            assert (key in layers) == (key in plain)
            assert layers.get(key, "none") == plain.get(key, "none")


@settings(derandomize=True, max_examples=100, deadline=None)
@given(STEPS)
def test_what_differs_is_found(steps: list[tuple[str, int]]) -> None:
    states = play(steps)
    for one, plain_one in states[:: max(1, len(states) // 5)]:
        for other, plain_other in states[:: max(1, len(states) // 5)]:
            expected = {
                key
                for key in plain_one.keys() | plain_other.keys()
                if plain_one.get(key) != plain_other.get(key)
            }
            assert set(one.list_differing(other)) == expected


def test_what_is_not_there_is_an_error() -> None:
    layers = Layers({1: "one", 2: "two"}).drop([1])
    for key in (1, 3):
        with pytest.raises(KeyError):
            layers[key]
    assert layers[2] == "two"


def test_one_that_was_pickled_is_the_same() -> None:
    layers = Layers({1: "one", 2: "two"}).drop([1]).put(3, "three")
    copy: Layers[int, str] = pickle.loads(pickle.dumps(layers))  # noqa: S301 - made here
    assert list(copy.items()) == [(2, "two"), (3, "three")]
