"""The rules there are: every module of `safemigrate.rules`, and of the packages plugged in.

A distribution plugs in a package of rules by an entry point of the group `safemigrate.rules`
(packaging guide, "Entry points"); each of its modules is a rule, as in `safemigrate.rules`.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pkgutil import iter_modules
from types import ModuleType

import safemigrate.rules
from safemigrate.errors import ConfigError
from safemigrate.rulekit import Rule

__all__ = ["rule_packages", "rules"]

_GROUP = "safemigrate.rules"


@cache
def rules() -> Mapping[str, Rule]:
    """Return all rules by name, sorted.

    Raises:
        ConfigError: when a package that is plugged in does not hold what it should.
    """
    found: dict[str, Rule] = {}
    for package in rule_packages():
        for module in iter_modules(package.__path__):
            rule = _load(package, module.name)
            if rule.name in found:
                raise ConfigError(
                    f'two rules are named "{rule.name}"', f'rename that of "{package.__name__}"'
                )
            found[rule.name] = rule
    return dict(sorted(found.items()))


def rule_packages() -> Iterator[ModuleType]:
    """Yield the packages that hold rules, our own first."""
    yield safemigrate.rules
    for point in sorted(entry_points(group=_GROUP), key=lambda point: point.name):
        yield _import(point)


def _import(point: EntryPoint) -> ModuleType:
    try:
        package: object = point.load()
    except Exception as err:
        raise ConfigError(
            f'the rules of "{point.value}" cannot be imported: {err}',
            "mend the package that brings them, or take it out",
        ) from err
    if not isinstance(package, ModuleType) or not hasattr(package, "__path__"):
        raise ConfigError(
            f'the rules of "{point.value}" are no package',
            f"let the entry point of group {_GROUP} name a package with one module for each rule",
        )
    return package


def _load(package: ModuleType, name: str) -> Rule:
    """Return the rule of a module, which bears its name."""
    if package is safemigrate.rules:
        own: Rule = getattr(import_module(f"safemigrate.rules.{name}"), name)
        return own
    place = f"{package.__name__}.{name}"
    try:
        rule: object = getattr(import_module(place), name, None)
    except Exception as err:
        raise ConfigError(
            f'the rule "{place}" cannot be imported: {err}',
            "mend the package that brings it, or take it out",
        ) from err
    if not isinstance(rule, Rule):
        raise ConfigError(
            f'"{place}" holds no rule', f'decorate its function "{name}" with @rule(…)'
        )
    return rule
