"""What the author of a rule imports."""

from safemigrate.rulekit.columns import NewType, new_types
from safemigrate.rulekit.constraints import NewConstraint, new_columns, new_constraints
from safemigrate.rulekit.context import Context, locate
from safemigrate.rulekit.money import MONEY_WORDS, OTHER_WORDS, names_money
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
from safemigrate.rulekit.transactions import transactions
from safemigrate.rulekit.wording import doubt_of_missing, join_words, name_locked_tables

__all__ = [
    "BOTH_DIRECTIONS",
    "DOWNGRADE_ONLY",
    "MONEY_WORDS",
    "OTHER_WORDS",
    "UPGRADE_ONLY",
    "Check",
    "Context",
    "Family",
    "NewConstraint",
    "NewType",
    "Rule",
    "doubt_of_missing",
    "join_words",
    "leave_to_engine",
    "locate",
    "name_locked_tables",
    "names_money",
    "new_columns",
    "new_constraints",
    "new_types",
    "rule",
    "transactions",
]
