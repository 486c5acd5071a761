"""What the author of a rule imports."""

from safemigrate.rulekit.columns import (
    NewType,
    find_forbidden,
    new_types,
    read_column,
    written_types,
)
from safemigrate.rulekit.constraints import NewConstraint, new_columns, new_constraints
from safemigrate.rulekit.context import Context, EventIndex, locate, once_a_passage
from safemigrate.rulekit.conventions import (
    NamedThing,
    matches_convention,
    named_things,
    show_convention,
)
from safemigrate.rulekit.dependants import Dependant, list_dependants
from safemigrate.rulekit.drops import DroppedConstraint, dropped_constraints
from safemigrate.rulekit.ends import find_after, find_at_end
from safemigrate.rulekit.enums import is_new_enum
from safemigrate.rulekit.guards import Guard, guards
from safemigrate.rulekit.indexes import has_index_on, name_new_index
from safemigrate.rulekit.money import MONEY_WORDS, OTHER_WORDS, names_money
from safemigrate.rulekit.names import (
    NewName,
    find_whole_name,
    is_plain_name,
    is_reserved_name,
    new_names,
)
from safemigrate.rulekit.narrowing import NarrowedColumn, is_better_limited, narrowed_columns
from safemigrate.rulekit.objects import (
    ROUTINES,
    confidence_of_drop,
    is_new_object,
    is_there_after,
)
from safemigrate.rulekit.parts import SchemaPart, list_differing_parts
from safemigrate.rulekit.privileges import name_grantees, name_objects, name_privileges
from safemigrate.rulekit.references import ReferencePair, reference_pairs
from safemigrate.rulekit.repeats import is_repeatable
from safemigrate.rulekit.rows import Backfill, backfills, picks_by_index, unconditional_changes
from safemigrate.rulekit.rule import (
    BOTH_DIRECTIONS,
    DOWNGRADE_ONLY,
    UPGRADE_ONLY,
    Check,
    Family,
    Rule,
    leave_to_engine,
    rule,
)
from safemigrate.rulekit.timeouts import (
    SettingAt,
    follow_setting,
    read_milliseconds,
    waits_for_table,
    without_timeout,
)
from safemigrate.rulekit.transactions import number_transaction, shut_tables, transactions
from safemigrate.rulekit.truncates import CascadingTruncate, cascading_truncates
from safemigrate.rulekit.wording import (
    CONSTRAINT_WORDS,
    doubt_of_missing,
    join_words,
    name_locked_tables,
)
from safemigrate.rulekit.written import (
    NewTable,
    WrittenColumn,
    WrittenConstraint,
    new_tables,
    written_columns,
    written_constraints,
)

__all__ = [
    "BOTH_DIRECTIONS",
    "CONSTRAINT_WORDS",
    "DOWNGRADE_ONLY",
    "MONEY_WORDS",
    "OTHER_WORDS",
    "ROUTINES",
    "UPGRADE_ONLY",
    "Backfill",
    "CascadingTruncate",
    "Check",
    "Context",
    "Dependant",
    "DroppedConstraint",
    "EventIndex",
    "Family",
    "Guard",
    "NamedThing",
    "NarrowedColumn",
    "NewConstraint",
    "NewName",
    "NewTable",
    "NewType",
    "ReferencePair",
    "Rule",
    "SchemaPart",
    "SettingAt",
    "WrittenColumn",
    "WrittenConstraint",
    "backfills",
    "cascading_truncates",
    "confidence_of_drop",
    "doubt_of_missing",
    "dropped_constraints",
    "find_after",
    "find_at_end",
    "find_forbidden",
    "find_whole_name",
    "follow_setting",
    "guards",
    "has_index_on",
    "is_better_limited",
    "is_new_enum",
    "is_new_object",
    "is_plain_name",
    "is_repeatable",
    "is_reserved_name",
    "is_there_after",
    "join_words",
    "leave_to_engine",
    "list_dependants",
    "list_differing_parts",
    "locate",
    "matches_convention",
    "name_grantees",
    "name_locked_tables",
    "name_new_index",
    "name_objects",
    "name_privileges",
    "named_things",
    "names_money",
    "narrowed_columns",
    "new_columns",
    "new_constraints",
    "new_names",
    "new_tables",
    "new_types",
    "number_transaction",
    "once_a_passage",
    "picks_by_index",
    "read_column",
    "read_milliseconds",
    "reference_pairs",
    "rule",
    "show_convention",
    "shut_tables",
    "transactions",
    "unconditional_changes",
    "waits_for_table",
    "without_timeout",
    "written_columns",
    "written_constraints",
    "written_types",
]
