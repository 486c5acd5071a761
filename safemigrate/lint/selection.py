"""Which rules speak about a file, and how loud."""

from collections.abc import Iterable, Mapping

from safemigrate.config import ALL_RULES, RuleChoice
from safemigrate.lint.registry import rules
from safemigrate.model import Severity
from safemigrate.rulekit import Family, Rule

__all__ = ["FAMILY_KEYS", "Selection", "select_rules"]

Selection = Mapping[str, Severity]
"""The rules that are on, by name, each with its severity."""

FAMILY_KEYS: Mapping[Family, str] = {
    family: family.name.lower().replace("_", "-") for family in Family
}
"""What a configuration calls each family of rules."""


def select_rules(choices: Iterable[RuleChoice]) -> Selection:
    """Return the rules that are on.

    An opinion is off unless it is chosen. Of several choices the last that says something about a
    rule counts.
    """
    layers = tuple(choices)
    found = {name: _choose(rule, layers) for name, rule in rules().items()}
    return {name: severity for name, severity in found.items() if severity is not None}


def _choose(rule: Rule, layers: tuple[RuleChoice, ...]) -> Severity | None:
    severity = rule.severity
    is_on = rule.is_default
    for choice in layers:
        severity = choice.severities.get(rule.name, severity)
        is_on = _is_on(rule, choice, otherwise=is_on)
    return severity if is_on else None


def _is_on(rule: Rule, choice: RuleChoice, *, otherwise: bool) -> bool:
    """Return what the choice says about the rule; the word that means the fewest rules counts."""
    if rule.name in choice.disabled:
        return False
    if rule.name in choice.severities:
        return True
    for word in (rule.name, FAMILY_KEYS[rule.family], ALL_RULES):
        if word in choice.ignored:
            return False
        if word in choice.selected:
            return True
    return otherwise
