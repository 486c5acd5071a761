"""Two playings of one function → what it may send."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

from safemigrate.source.tape import Note

__all__ = ["merge_notes"]


def merge_notes(first: Sequence[Note], second: Sequence[Note]) -> list[Note]:
    """Return the notes of the first playing, with those of places that only the second reached.

    They stand behind what the second sent before them, in the transaction of that, and are assumed.
    """
    places = {_place(note) for note in first}
    positions, transactions = _align(first, second)
    inserted: dict[int, list[Note]] = {}
    position = 0
    for note, matched in zip(second, positions, strict=True):
        if _place(note) in places:
            position = max(position, matched)
            continue
        token = note.transaction
        if token is not None:
            token = transactions.get(token, token)
        inserted.setdefault(position, []).append(replace(note, transaction=token, is_assumed=True))
    merged = list(inserted.get(0, ()))
    for number, note in enumerate(first, start=1):
        merged.append(note)
        merged += inserted.get(number, ())
    return merged


def _place(note: Note) -> tuple[object, str]:
    return note.span, note.helper


def _align(first: Sequence[Note], second: Sequence[Note]) -> tuple[list[int], dict[int, int]]:
    """Return how far each note of the second is in the first, and whose transaction is whose.

    The numbers count the notes of the first up to the one that it is; 0 stands for none of them.
    """
    numbers: dict[tuple[object, str, str], list[int]] = {}
    for number, note in enumerate(first, start=1):
        numbers.setdefault((*_place(note), note.sql), []).append(number)
    positions = []
    transactions: dict[int, int] = {}
    at = 0
    for note in second:
        same = numbers.get((*_place(note), note.sql), [])
        index = bisect_right(same, at)
        found = same[index] if index < len(same) else 0
        if found:
            at = found
            token = first[found - 1].transaction
            if note.transaction is not None and token is not None:
                transactions.setdefault(note.transaction, token)
        positions.append(found)
    return positions, transactions
