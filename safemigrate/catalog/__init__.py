"""The schema as a value, replayed from what a history does."""

from safemigrate.catalog.foreign_keys import (
    foreign_keys,
    is_shared,
    references_alike,
    shared_keys,
)
from safemigrate.catalog.functions import remember_function
from safemigrate.catalog.naming import choose_constraint_name, choose_index_name
from safemigrate.catalog.objects import forget_transaction
from safemigrate.catalog.reading import Ask, read_server
from safemigrate.catalog.replay import apply_action, apply_actions, catalog_of_sql, settle
from safemigrate.catalog.snapshots import (
    CatalogSnapshot,
    TableSize,
    decode_snapshot,
    encode_snapshot,
    is_snapshot,
)

__all__ = [
    "Ask",
    "CatalogSnapshot",
    "TableSize",
    "apply_action",
    "apply_actions",
    "catalog_of_sql",
    "choose_constraint_name",
    "choose_index_name",
    "decode_snapshot",
    "encode_snapshot",
    "foreign_keys",
    "forget_transaction",
    "is_shared",
    "is_snapshot",
    "read_server",
    "references_alike",
    "remember_function",
    "settle",
    "shared_keys",
]
