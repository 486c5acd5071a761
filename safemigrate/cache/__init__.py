"""What a run read, and what it may remember of it."""

from safemigrate.cache.inputs import InputKind, Inputs, digest, digest_of_process, digest_of_us
from safemigrate.cache.store import Store, cache_folder, open_store
from safemigrate.cache.watching import (
    InputsWatch,
    note_inputs,
    note_own,
    unheard,
    watch_inputs,
    watching_places,
)

__all__ = [
    "InputKind",
    "Inputs",
    "InputsWatch",
    "Store",
    "cache_folder",
    "digest",
    "digest_of_process",
    "digest_of_us",
    "note_inputs",
    "note_own",
    "open_store",
    "unheard",
    "watch_inputs",
    "watching_places",
]
