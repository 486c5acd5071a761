"""Select, suppress, judge."""

from safemigrate.lint.baseline import (
    Baseline,
    BaselineEntry,
    decode_baseline,
    encode_baseline,
    leave_out,
    list_known,
)
from safemigrate.lint.engine import find_assumptions, find_unjudged, judge
from safemigrate.lint.fixing import FileFix, FixPlan, Unfixed, plan_fixes
from safemigrate.lint.further import STYLE, Further, FurtherFinding, is_style
from safemigrate.lint.registry import rule_packages, rules
from safemigrate.lint.scope import choose_paths, list_ancestors
from safemigrate.lint.selection import FAMILY_KEYS, select_rules
from safemigrate.lint.suppressions import Suppression, find_suppressions

__all__ = [
    "FAMILY_KEYS",
    "STYLE",
    "Baseline",
    "BaselineEntry",
    "FileFix",
    "FixPlan",
    "Further",
    "FurtherFinding",
    "Suppression",
    "Unfixed",
    "choose_paths",
    "decode_baseline",
    "encode_baseline",
    "find_assumptions",
    "find_suppressions",
    "find_unjudged",
    "is_style",
    "judge",
    "leave_out",
    "list_ancestors",
    "list_known",
    "plan_fixes",
    "rule_packages",
    "rules",
    "select_rules",
]
