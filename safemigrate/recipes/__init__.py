"""Online recipes: an action → safe steps, as SQL and as Alembic, with the user's names."""

from safemigrate.recipes.backfill import backfill_apart
from safemigrate.recipes.binary_json import use_jsonb
from safemigrate.recipes.by_name import drop_each_by_name
from safemigrate.recipes.checked_type import change_type_and_check_later
from safemigrate.recipes.column_attribute import change_attribute_later
from safemigrate.recipes.column_definition import declare_column, declare_columns
from safemigrate.recipes.column_list import name_columns
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
from safemigrate.recipes.definer_path import set_search_path
from safemigrate.recipes.detach import detach_briefly, detach_concurrently
from safemigrate.recipes.domain import restrict_domain_unread
from safemigrate.recipes.enum_value import add_value_apart, add_value_beside, place_value
from safemigrate.recipes.fixes import (
    fix_constraint,
    fix_index_build,
    fix_index_drop,
    fix_not_null,
    fix_outside,
    fix_unique,
    fix_validation,
    leave_unfixed,
)
from safemigrate.recipes.guarded_extension import guard_extension
from safemigrate.recipes.index_first import index_foreign_key
from safemigrate.recipes.index_tablespace import reindex_in_tablespace
from safemigrate.recipes.joined_alter import join_alterations
from safemigrate.recipes.keys_first import drop_keys_first
from safemigrate.recipes.limit_by_check import condition_of_type, limit_by_check
from safemigrate.recipes.local_setting import set_locally
from safemigrate.recipes.lookup_table import keep_labels_as_rows
from safemigrate.recipes.new_column import add_column_in_steps
from safemigrate.recipes.not_null import add_not_null_in_steps, set_not_null_by_check
from safemigrate.recipes.other_type import use_type
from safemigrate.recipes.outside import run_outside
from safemigrate.recipes.parting import RevisionPart, part_revisions
from safemigrate.recipes.partition_bound import attach_proven_partition, exclude_from_default
from safemigrate.recipes.plain_domain import restrict_columns_instead
from safemigrate.recipes.plain_vacuum import vacuum_in_place
from safemigrate.recipes.policy_first import enable_for_policy, enable_with_policy, replace_policy
from safemigrate.recipes.quiet_hour import run_in_quiet_hour
from safemigrate.recipes.refresh import refresh_concurrently
from safemigrate.recipes.reindex import reindex_concurrently
from safemigrate.recipes.reversal import find_way_back
from safemigrate.recipes.role_password import leave_out_password
from safemigrate.recipes.row_batches import change_in_batches
from safemigrate.recipes.second_column import SecondColumn, add_second_column
from safemigrate.recipes.separate import run_apart, run_without_transaction
from safemigrate.recipes.separate_partition import create_and_attach
from safemigrate.recipes.separate_table import separate_from_parent
from safemigrate.recipes.timeout import limit_by_timeout
from safemigrate.recipes.transaction import leave_transaction
from safemigrate.recipes.truncate_all import truncate_by_name
from safemigrate.recipes.unfinished_index import drop_and_build_index
from safemigrate.recipes.utc_times import change_times_in_utc
from safemigrate.recipes.validation import validate_apart
from safemigrate.recipes.view_around import change_under_views
from safemigrate.recipes.way_back import Made, WayBack
from safemigrate.recipes.whole_transaction import commit_transaction

__all__ = [
    "Made",
    "RevisionPart",
    "SecondColumn",
    "WayBack",
    "add_column_in_steps",
    "add_constraint_in_steps",
    "add_not_null_in_steps",
    "add_second_column",
    "add_value_apart",
    "add_value_beside",
    "attach_proven_partition",
    "backfill_apart",
    "build_index",
    "build_index_concurrently",
    "change_attribute_later",
    "change_in_batches",
    "change_times_in_utc",
    "change_type_and_check_later",
    "change_under_views",
    "commit_transaction",
    "condition_of_type",
    "create_and_attach",
    "declare_column",
    "declare_columns",
    "detach_briefly",
    "detach_concurrently",
    "drop_and_build_index",
    "drop_column_later",
    "drop_constraint_later",
    "drop_each_by_name",
    "drop_index_briefly",
    "drop_index_concurrently",
    "drop_keys_first",
    "drop_schema_later",
    "drop_table_later",
    "drop_view_later",
    "enable_for_policy",
    "enable_with_policy",
    "exclude_from_default",
    "find_way_back",
    "fix_constraint",
    "fix_index_build",
    "fix_index_drop",
    "fix_not_null",
    "fix_outside",
    "fix_unique",
    "fix_validation",
    "guard_extension",
    "index_foreign_key",
    "join_alterations",
    "keep_labels_as_rows",
    "leave_out_password",
    "leave_transaction",
    "leave_unfixed",
    "limit_by_check",
    "limit_by_timeout",
    "move_to_new_table",
    "name_columns",
    "new_name_of",
    "part_revisions",
    "place_value",
    "refresh_concurrently",
    "reindex_concurrently",
    "reindex_in_tablespace",
    "rename_behind_view",
    "rename_constraint_later",
    "rename_schema_later",
    "replace_policy",
    "restrict_columns_instead",
    "restrict_domain_unread",
    "run_apart",
    "run_in_quiet_hour",
    "run_outside",
    "run_without_transaction",
    "separate_from_parent",
    "set_locally",
    "set_not_null_by_check",
    "set_search_path",
    "truncate_by_name",
    "truncate_later",
    "use_jsonb",
    "use_type",
    "vacuum_in_place",
    "validate_apart",
]
