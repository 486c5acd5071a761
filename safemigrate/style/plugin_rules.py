"""The rules of the plugin: one for each rule of ours, found by its name alone.

The rules themselves are imported when a file is judged.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, cast

from sqlfluff.core.errors import SQLLintError
from sqlfluff.core.parser import BaseSegment, RawSegment
from sqlfluff.core.rules import BaseRule, LintResult, RuleContext
from sqlfluff.core.rules.base import RuleMetaclass
from sqlfluff.core.rules.crawlers import RootOnlyCrawler
from sqlfluff.core.templaters import TemplatedFile

from safemigrate.style.plugin import GROUP
from safemigrate.style.remarks import NOT_JUDGED, Remark, judge_text

__all__ = ["make_rules"]

_DIALECT = "postgres"
# What sqlfluff wants a class to be called; what comes behind makes it the only one.
_CLASS = "Rule_Safemigrate_RULE_"


def make_rules() -> list[type[BaseRule]]:
    """Return the rules, by name."""
    return [_make_rule(name) for name in _list_names()]


@cache
def _list_names() -> Sequence[str]:
    """Return all names, sorted; sqlfluff asks for them again for each file."""
    return sorted({*_find_names(), NOT_JUDGED})


def _find_names() -> Iterator[str]:
    """Yield the names of our rules, and of those that are plugged in, and import none."""
    points = entry_points(group="safemigrate.rules")
    for package in ("safemigrate.rules", *(point.module for point in points)):
        try:
            spec = find_spec(package)
        except (ImportError, ValueError):
            # judging says what is wrong with it
            continue
        folders = None if spec is None else spec.submodule_search_locations
        yield from (one.name.replace("_", "-") for one in iter_modules(folders or []))


@cache
def _make_rule(name: str) -> type[BaseRule]:
    function = name.replace("-", "_")
    # what sqlfluff's own rules are made with; its stub has lists of instances for classes
    make: Callable[[str, tuple[type, ...], dict[str, Any]], type[BaseRule]] = cast(
        Any, RuleMetaclass
    )
    made = make(
        f"{_CLASS}{function}",
        (_Asking, BaseRule),
        {
            "__doc__": f"What safemigrate finds: {name}.",
            "__module__": __name__,
            "config_keywords": [],
            "groups": ("all", GROUP),
            "name": f"{GROUP}.{function}",
        },
    )
    # Everywhere else the name is what a rule is known by.
    made.code = name
    return made


def __getattr__(name: str) -> type[BaseRule]:
    """Return the rule whose class has that name.

    A process that sqlfluff has judge some of the files sends what it finds back by this name, to
    one that may have asked for no rule yet.
    """
    if not name.startswith(_CLASS):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _make_rule(name.removeprefix(_CLASS).replace("_", "-"))


class _Asking:
    """What all rules have in common: the file is judged for the first, and known to the others."""

    crawl_behaviour = RootOnlyCrawler(works_on_unparsable=True)
    # A lock is taken, whether its words stand in the file or come out of a template.
    targets_templated = True
    code: str

    def _eval(self, context: RuleContext) -> list[LintResult]:
        file = context.templated_file
        if context.dialect.name != _DIALECT or file is None:
            return []
        found = [one for one in _judge(file, context) if one.rule == self.code]
        return list(_place(found, context.segment)) if found else []


class _Judged:
    """The file that was judged last, and what was found in it."""

    file: TemplatedFile | None = None
    remarks: Sequence[Remark] = ()


def _judge(file: TemplatedFile, context: RuleContext) -> Sequence[Remark]:
    if _Judged.file is not file:
        schema = context.config.get("schema_path", section=GROUP)
        _Judged.remarks = judge_text(
            str(file), context.path or Path("stdin"), Path(schema) if schema else None
        )
        _Judged.file = file
    return _Judged.remarks


def _place(remarks: Sequence[Remark], root: BaseSegment) -> Iterator[LintResult]:
    """Yield the remarks at the segments they begin in."""
    segments = [one for one in root.raw_segments if _length(one)]
    starts = [_start(one) for one in segments]
    for remark in remarks:
        number = bisect_right(starts, remark.offset) - 1
        anchor = segments[max(number, 0)] if segments else root
        yield _Result(anchor=anchor, description=remark.message, is_mild=remark.is_mild)


def _start(segment: RawSegment) -> int:
    return int(segment.pos_marker.templated_slice.start)


def _length(segment: RawSegment) -> int:
    return int(segment.pos_marker.templated_slice.stop) - _start(segment)


class _Result(LintResult):
    """A result that sqlfluff shows as a warning where ours is no error."""

    def __init__(self, *, anchor: BaseSegment, description: str, is_mild: bool) -> None:
        super().__init__(anchor=anchor, description=description)
        self._is_mild = is_mild

    def to_linting_error(self, rule: BaseRule) -> SQLLintError | None:
        error = super().to_linting_error(rule)
        if error is not None and self._is_mild:
            error.warning = True
        return error
