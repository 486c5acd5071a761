"""Online recipes: an action → safe steps, as SQL and as Alembic, with the user's names."""

from safemigrate.recipes.backfill import backfill_apart
from safemigrate.recipes.checked_type import change_type_and_check_later
from safemigrate.recipes.compat_view import new_name_of, rename_behind_view
from safemigrate.recipes.concurrent_index import (
    build_index,
    build_index_concurrently,
    drop_index_briefly,
    drop_index_concurrently,
)
from safemigrate.recipes.constraint import add_constraint_in_steps, move_to_new_table
from safemigrate.recipes.contract import (
    drop_column_later,
    drop_constraint_later,
    drop_schema_later,
    drop_table_later,
    drop_view_later,
    rename_constraint_later,
    rename_schema_later,
    truncate_later,
)
from safemigrate.recipes.limit_by_check import condition_of_type, limit_by_check
from safemigrate.recipes.new_column import add_column_in_steps
from safemigrate.recipes.not_null import add_not_null_in_steps, set_not_null_by_check
from safemigrate.recipes.other_type import use_type
from safemigrate.recipes.partition_bound import attach_proven_partition, exclude_from_default
from safemigrate.recipes.second_column import SecondColumn, add_second_column
from safemigrate.recipes.transaction import leave_transaction
from safemigrate.recipes.utc_times import change_times_in_utc
from safemigrate.recipes.validation import validate_apart

__all__ = [
    "SecondColumn",
    "add_column_in_steps",
    "add_constraint_in_steps",
    "add_not_null_in_steps",
    "add_second_column",
    "attach_proven_partition",
    "backfill_apart",
    "build_index",
    "build_index_concurrently",
    "change_times_in_utc",
    "change_type_and_check_later",
    "condition_of_type",
    "drop_column_later",
    "drop_constraint_later",
    "drop_index_briefly",
    "drop_index_concurrently",
    "drop_schema_later",
    "drop_table_later",
    "drop_view_later",
    "exclude_from_default",
    "leave_transaction",
    "limit_by_check",
    "move_to_new_table",
    "new_name_of",
    "rename_behind_view",
    "rename_constraint_later",
    "rename_schema_later",
    "set_not_null_by_check",
    "truncate_later",
    "use_type",
    "validate_apart",
]
