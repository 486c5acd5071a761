"""Select, suppress, judge."""

from safemigrate.lint.engine import judge
from safemigrate.lint.registry import rules
from safemigrate.lint.suppressions import Suppression, find_suppressions

__all__ = ["Suppression", "find_suppressions", "judge", "rules"]
