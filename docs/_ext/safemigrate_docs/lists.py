"""The pages of what `verify` proves and of what `review` asks."""

import re
from pathlib import Path

from safemigrate.model import Property, PropertyFamily
from safemigrate.review import SchemaCategory, SchemaCheck, list_checks
from safemigrate_docs.markdown import escape, fence, format_table, head_page

__all__ = ["list_check_pages", "list_property_pages"]

_GUIDE = "verify.md"


def list_property_pages(source: Path) -> dict[str, str]:
    """Return the page by its path below the reference; `source`: where the guides are."""
    told = _find_sections((source / _GUIDE).read_text(encoding="utf-8"))
    rows = [
        (one.number, _link("property", one.value), one.family.value, escape(one.sentence))
        for one in Property
    ]
    head = ("number", "property", "family", "what is true where it holds")
    intro = (
        "What `safemigrate verify` proves, as `safemigrate verify --properties` lists it; "
        f"[the guide](../{_GUIDE}) tells how.\n\n"
    )
    parts = [
        head_page("Properties", "Every property of a revision that safemigrate verify proves.", 2),
        intro,
        format_table(head, rows),
    ]
    for family in PropertyFamily:
        parts.append(f"## The family {family.value}\n\n")
        parts += [_property(one, told) for one in Property if one.family is family]
    return {"properties.md": "".join(parts)}


def _link(kind: str, name: str) -> str:
    return f"[`{name}`](#{kind}-{name})"


def _find_sections(text: str) -> dict[str, str]:
    """Return the heading under which the guide tells of each property, after its table of all."""
    found: dict[str, str] = {}
    heading = ""
    for line in text.splitlines():
        if match := re.match(r"##+ (.*)", line):
            heading = match[1]
        elif not line.startswith("|"):
            for name in re.findall(r"`([a-z-]+)`", line):
                found.setdefault(name, heading)
    return found


def _property(one: Property, told: dict[str, str]) -> str:
    sentence = escape(one.sentence[:1].upper() + one.sentence[1:])
    of = "the history as a whole" if one.is_of_history else "each revision"
    facts = " · ".join(filter(None, (one.number, f"family `{one.family.value}`", f"of {of}")))
    heading = told.get(one.value, "")
    slug = re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
    guide = f"How: [{heading}](../{_GUIDE}#{slug}).\n" if heading else ""
    marker = fence(f"# safemigrate: accept[{one.value}] the reason", "python")
    return (
        f"(property-{one.value})=\n### {one.value}\n\n{sentence}.\n\n{{.facts}}\n{facts}\n\n{guide}"
        f"To accept that it is broken, in the revision:\n\n{marker}"
    )


def list_check_pages() -> dict[str, str]:
    """Return the page by its path below the reference."""
    checks = list_checks().values()
    intro = (
        f"The {len(checks)} questions that `safemigrate review` asks of a schema, as "
        "`safemigrate review --checks` lists them; [the guide](../review.md) tells more.\n"
        "Each is one query, which is shown.\n\n"
    )
    head = ("number", "check", "severity", "what it finds")
    parts = [
        head_page("Review checks", "Every check of a schema that safemigrate review makes.", 2),
        intro,
    ]
    for category in SchemaCategory:
        of = [one for one in checks if one.category is category]
        rows = [
            (one.number, _link("check", one.name), one.severity.value, escape(one.sentence))
            for one in of
        ]
        parts.append(f"## The category {category.value}\n\n")
        parts.append(format_table(head, rows))
        parts += [_check(one) for one in of]
    return {"checks.md": "".join(parts)}


def _check(one: SchemaCheck) -> str:
    facts = [one.number, f"**{one.severity.value}**", f"category `{one.category.value}`"]
    if one.is_gate:
        facts.append("asked by `verify`, too")
    if one.is_live:
        facts.append("of a database in use only")
    return (
        f"(check-{one.name})=\n### {one.name}\n\n{escape(one.sentence)}.\n\n"
        f"{{.facts}}\n{' · '.join(facts)}\n\n"
        f"What to do: {escape(one.fix)}\n\n"
        f"<details><summary>Its query</summary>\n\n{fence(one.sql, 'postgres')}</details>\n\n"
    )
