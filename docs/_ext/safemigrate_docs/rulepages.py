"""A page for each rule, from its docstring and its cases in the rule book."""

from collections.abc import Mapping, Sequence
from textwrap import indent

from safemigrate.lint import FAMILY_KEYS, rules
from safemigrate.model import NEWEST_VERSION
from safemigrate.rulekit import Family, Rule
from safemigrate.testing import Case, RuleCases, rule_book
from safemigrate_docs.markdown import escape, fence, format_table, head_page, toctree

__all__ = ["list_rule_pages"]

_SEVERITIES = "an error blocks, a warning asks for a look, an info only tells"
_CASES = """\
## The cases of the rule book

Each is judged by the tests; the lines that are marked are those found.

"""


def list_rule_pages() -> dict[str, str]:
    """Return the pages by their paths below the reference."""
    families: dict[Family, list[Rule]] = {family: [] for family in Family}
    for rule in rules().values():
        families[rule.family].append(rule)
    book = rule_book()
    return {
        "rules/index.md": _index(families),
        **{f"rules/{_stem(family)}.md": _family(family, of) for family, of in families.items()},
        **{f"rules/{rule.name}.md": _page(rule, book[rule.name]) for rule in rules().values()},
    }


def _stem(family: Family) -> str:
    return f"family-{FAMILY_KEYS[family]}"


def _index(families: Mapping[Family, Sequence[Rule]]) -> str:
    total = sum(map(len, families.values()))
    intro = (
        f"`safemigrate lint` has {total} rules; {_SEVERITIES}.\n"
        "A rule that is *off* is an opinion, which speaks where a project selects it.\n"
        "What a page says of locks, rewrites and scans is shown by real servers, "
        f"{_name_versions(None)}.\n\n"
        "`safemigrate rule` lists them on the terminal, and "
        "[the configuration](../configuration.md) turns them on, off, up and down.\n\n"
    )
    parts = [head_page("Rules", "Every rule that safemigrate lint knows, by family."), intro]
    for family, of in families.items():
        parts += [f"## [{_title(family)}]({_stem(family)}.md)\n\n", _table(of)]
    return "".join((*parts, toctree(map(_stem, families))))


def _family(family: Family, of: Sequence[Rule]) -> str:
    return (
        head_page(_title(family), f"The rules of safemigrate lint about {family.value}.")
        + f"The {len(of)} rules of the family `{FAMILY_KEYS[family]}`, as `select` and `ignore` in "
        f"[the configuration](../configuration.md) name it; {_SEVERITIES}.\n\n"
        + _table(of)
        + toctree(rule.name for rule in of)
    )


def _title(family: Family) -> str:
    return family.value[:1].upper() + family.value[1:]


def _table(of: Sequence[Rule]) -> str:
    rows = ((f"[`{one.name}`]({one.name}.md)", _severity(one), escape(one.summary)) for one in of)
    return format_table(("rule", "severity", "what it finds"), rows)


def _severity(rule: Rule) -> str:
    return rule.severity.value if rule.is_default else f"{rule.severity.value}, off"


def _name_versions(case: Case | None) -> str:
    """Return the majors that a case, or any, is proved on."""
    oldest = Case(id="any").pg if case is None else case.pg
    newest = NEWEST_VERSION.major
    return f"PostgreSQL {newest}" if oldest == newest else f"PostgreSQL {oldest} to {newest}"


def _page(rule: Rule, cases: RuleCases) -> str:
    summary, _, rest = rule.page.partition("\n")
    listed = list(enumerate(cases.cases, 1))
    family = f"[{rule.family.value}]({_stem(rule.family)}.md)"
    parts = [
        head_page(rule.name, summary, depth=2),
        f"{escape(summary)}\n\n",
        f"{{.facts}}\nSeverity **{_severity(rule)}** · family {family} · since {rule.since}\n\n",
        rest.strip("\n").replace("```sql", "```postgres") + "\n\n",
        _locks(rule, listed),
        _allow(rule),
        _CASES,
    ]
    if cases.schema:
        parts += ["Unless a case says otherwise, this is there before:\n\n"]
        parts += [fence(cases.schema, "postgres")]
    for heading, is_bad in (("Found", True), ("Allowed", False)):
        chosen = [(number, case) for number, case in listed if case.is_bad is is_bad]
        if chosen:
            parts.append(f"## {heading}\n\n")
            parts += [_case(rule, number, case) for number, case in chosen]
    return "".join(parts)


def _locks(rule: Rule, listed: Sequence[tuple[int, Case]]) -> str:
    """Return the table of what servers show."""
    rows = [
        (
            f"[{escape(case.id)}](#{_label(rule, number)})",
            "<br>".join(f"`{name}`: {mode.value}" for name, mode in (case.locks or {}).items())
            or "none",
            _names(case.rewrites),
            _names(case.scans),
            _name_versions(case).removeprefix("PostgreSQL "),
        )
        for number, case in listed
        if case.locks is not None or case.rewrites is not None or case.scans is not None
    ]
    if not rows:
        return ""
    head = ("case", "locks", "rewrites", "scans", "PostgreSQL")
    return (
        "## What servers show\n\n"
        "The strongest lock on each table that was there before, what is written anew, and what "
        "is read from end to end, as observed on each of these versions.\n\n"
        + format_table(head, rows)
    )


def _names(names: Sequence[str] | None) -> str:
    return "<br>".join(f"`{name}`" for name in names or ()) or "none"


def _label(rule: Rule, number: int) -> str:
    return f"{rule.name}-case-{number}"


def _allow(rule: Rule) -> str:
    """Return how to turn the rule on, and how to allow what it finds in one place."""
    parts = ["## To allow it\n\n"]
    if not rule.is_default:
        parts = ["## To turn it on\n\nIt is an opinion, which not every project shares.\n\n"]
        setting = f'[tool.safemigrate.rules]\n{rule.name} = "{rule.severity.value}"'
        parts += [fence(setting, "toml"), "## To allow it\n\n"]
    parts.append("On the line of the statement or the line above, with a reason:\n\n")
    parts.append(fence(f"# safemigrate: ignore[{rule.name}] the reason", "python"))
    parts.append(fence(f"-- safemigrate: ignore[{rule.name}] the reason", "postgres"))
    if rule.is_default:
        off = f'[tool.safemigrate.rules]\n{rule.name} = "off"'
        parts += ["In the whole project, in `pyproject.toml`:\n\n", fence(off, "toml")]
    return "".join(parts)


def _case(rule: Rule, number: int, case: Case) -> str:
    code, shift = _code(case)
    lines = len(code.splitlines())
    marked = sorted({shift(place.line) for place in case.finds if place.rule in {None, rule.name}})
    inside = [str(line) for line in marked if 1 <= line <= lines]
    options = [f":emphasize-lines: {','.join(inside)}"] if inside else []
    parts = [f"({_label(rule, number)})=\n### {_sentence(case.id)}\n\n"]
    if case.why:
        parts.append(f"{escape(case.why)}\n\n")
    if case.pg > Case(id="any").pg:
        parts.append(f"On {_name_versions(case)}.\n\n")
    if case.schema == "":
        parts.append("Nothing is known of what is there before.\n\n")
    elif case.schema is not None:
        parts += ["Before:\n\n", fence(case.schema, "postgres"), "Then:\n\n"]
    if case.options:
        parts.append("With these options of the project: ")
        parts.append(", ".join(f"`{key} = {value!r}`" for key, value in case.options.items()))
        parts.append(".\n\n")
    parts.append(fence(code, "postgres" if case.sql is not None else "python", options))
    return "".join(parts)


def _sentence(text: str) -> str:
    return escape(text[:1].upper() + text[1:])


def _code(case: Case) -> tuple[str, "_Shift"]:
    """Return the code as it is shown, and how lines of the case are found in it."""
    if case.sql is not None:
        return case.sql, _Shift(0, 0)
    body = (case.alembic or "").strip("\n")
    if case.downgrade is None and all(place.line for place in case.finds):
        return body, _Shift(0, 0)
    upgrade = f"def upgrade():\n{indent(body, '    ')}\n"
    if case.downgrade is None:
        return upgrade, _Shift(1, 0)
    downgrade = f"\n\ndef downgrade():\n{indent(case.downgrade.strip(chr(10)), '    ')}\n"
    return upgrade + downgrade, _Shift(1, len(body.splitlines()))


class _Shift:
    """From a line of a case to the line of the code shown."""

    def __init__(self, head: int, body: int) -> None:
        self._head = head
        self._body = body

    def __call__(self, line: int) -> int:
        gap = 2 if self._body and line > self._body else 0
        return line + self._head + gap
