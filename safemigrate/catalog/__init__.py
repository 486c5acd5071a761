"""The schema as a value, replayed from what a history does."""

from safemigrate.catalog.naming import choose_constraint_name, choose_index_name
from safemigrate.catalog.replay import apply_action, apply_actions, catalog_of_sql, settle

__all__ = [
    "apply_action",
    "apply_actions",
    "catalog_of_sql",
    "choose_constraint_name",
    "choose_index_name",
    "settle",
]
