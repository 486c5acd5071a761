"""What a run read, and what it may remember of it."""

from safemigrate.cache.inputs import Inputs, InputsWatch, digest, digest_of_us, watch_inputs
from safemigrate.cache.store import Store, cache_folder, open_store

__all__ = [
    "Inputs",
    "InputsWatch",
    "Store",
    "cache_folder",
    "digest",
    "digest_of_us",
    "open_store",
    "watch_inputs",
]
