"""Select, suppress, judge."""

from safemigrate.lint.engine import find_unjudged, judge
from safemigrate.lint.registry import rules
from safemigrate.lint.suppressions import Suppression, find_suppressions

__all__ = ["Suppression", "find_suppressions", "find_unjudged", "judge", "rules"]
