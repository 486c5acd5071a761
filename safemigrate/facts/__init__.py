"""Action, catalog, version and transaction → what PostgreSQL does."""

from safemigrate.facts.columns import (
    change_of_type,
    has_value,
    is_known_not_null,
    is_looked_up_at_once,
    is_restricted,
    volatility_of_default,
)
from safemigrate.facts.enums import find_new_labels
from safemigrate.facts.features import Feature, find_newer_features
from safemigrate.facts.judging import facts_of
from safemigrate.facts.partitions import may_hide_partitions
from safemigrate.facts.reading import MANY_STATEMENTS
from safemigrate.facts.situation import Situation, join_facts
from safemigrate.facts.types import TypeChange, judge_type_change
from safemigrate.facts.volatility import Volatility, judge_volatility
from safemigrate.facts.walk import walk

__all__ = [
    "MANY_STATEMENTS",
    "Feature",
    "Situation",
    "TypeChange",
    "Volatility",
    "change_of_type",
    "facts_of",
    "find_new_labels",
    "find_newer_features",
    "has_value",
    "is_known_not_null",
    "is_looked_up_at_once",
    "is_restricted",
    "join_facts",
    "judge_type_change",
    "judge_volatility",
    "may_hide_partitions",
    "volatility_of_default",
    "walk",
]
