"""The rules and their pages, as text and as JSON."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from safemigrate.report.tone import Paint, Tone, leave_plain
from safemigrate.report.wording import count
from safemigrate.rulekit import Rule

__all__ = ["RulesDocument", "format_rule", "format_rules", "rules_document"]

_VERSION = 1


class _RuleDocument(Struct, frozen=True):
    name: str
    family: str
    severity: str
    default: bool
    since: str
    summary: str
    page: str


class RulesDocument(Struct, frozen=True):
    """Rules and their pages."""

    version: int
    rules: tuple[_RuleDocument, ...]


def format_rules(rules: Iterable[Rule], paint: Paint = leave_plain) -> str:
    """Return a table of the rules, one a line."""
    listed = list(rules)
    rows = [(one.name, _describe_severity(one), one.family.value, one.summary) for one in listed]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(3)]
    lines = [
        "  ".join(
            (
                paint(name.ljust(widths[0]), Tone.STRONG),
                severity.ljust(widths[1]),
                family.ljust(widths[2]),
                summary,
            )
        )
        for name, severity, family, summary in rows
    ]
    off = sum(not one.is_default for one in listed)
    counted = count(len(listed), "rule") + (f", {off} of them off by default" if off else "")
    return "\n".join((*lines, "", f'{counted}; "safemigrate rule NAME" shows one.', ""))


def _describe_severity(rule: Rule) -> str:
    return rule.severity.value if rule.is_default else f"{rule.severity.value}, off"


def format_rule(
    rule: Rule,
    page: str,
    *,
    found: Sequence[str] = (),
    allowed: Sequence[str] = (),
    paint: Paint = leave_plain,
) -> str:
    """Return a rule's page, the titles of its cases, and how to allow it in one place.

    `page`: the rule's own page, as it is to be shown. `found`, `allowed`: the titles of the cases
    in the rule book that it objects to, and of those it lets through.
    """
    head = f"{paint(rule.name, Tone.STRONG)}   {rule.severity.value}, {rule.family.value}"
    off = "" if rule.is_default else ", off by default"
    blocks = [f"{head}, since {rule.since}{off}", page.strip("\n")]
    for label, titles in (("found", found), ("allowed", allowed)):
        if titles:
            lines = (f"Cases of the rule book that are {label}:", "")
            blocks.append("\n".join((*lines, *(f"- {title}" for title in titles))))
    if not rule.is_default:
        blocks += [
            "It is an opinion, which not every project shares. To turn it on, in pyproject.toml:",
            f'    [tool.safemigrate.rules]\n    {rule.name} = "{rule.severity.value}"',
        ]
    blocks += [
        "To allow it in one place, on the line of the statement or the line above:",
        "\n".join(
            f"    {mark} safemigrate: ignore[{rule.name}] the reason" for mark in ("#", "--")
        ),
    ]
    return "\n\n".join(blocks) + "\n"


def rules_document(rules: Iterable[Rule]) -> RulesDocument:
    """Return the document of `rule`."""
    return RulesDocument(
        version=_VERSION,
        rules=tuple(
            _RuleDocument(
                name=rule.name,
                family=rule.family.value,
                severity=rule.severity.value,
                default=rule.is_default,
                since=rule.since,
                summary=rule.summary,
                page=rule.page,
            )
            for rule in rules
        ),
    )
