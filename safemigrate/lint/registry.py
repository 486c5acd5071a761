"""The rules there are: every module of the package `safemigrate.rules`."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

import safemigrate.rules
from safemigrate.rulekit import Rule

__all__ = ["rules"]


@cache
def rules() -> Mapping[str, Rule]:
    """Return all rules by name, sorted."""
    found = {}
    for module in iter_modules(safemigrate.rules.__path__):
        rule: Rule = getattr(import_module(f"safemigrate.rules.{module.name}"), module.name)
        found[rule.name] = rule
    return dict(sorted(found.items()))
