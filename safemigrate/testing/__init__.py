"""For the authors of rules: the rule book and how its cases are judged. For projects: pytest.

What needs the judging is imported when it is asked for: pytest imports the plugin, which is in this
package, wherever safemigrate is installed.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from safemigrate.testing.coverage import find_unreported
    from safemigrate.testing.judging import (
        body_line,
        case_history,
        case_timeline,
        judge_case,
        project_of,
    )
    from safemigrate.testing.rulebook import (
        Case,
        Place,
        RuleCases,
        load_rule_cases,
        rule_book,
        rule_book_folder,
    )

__all__ = [
    "Case",
    "Place",
    "RuleCases",
    "body_line",
    "case_history",
    "case_timeline",
    "find_unreported",
    "judge_case",
    "load_rule_cases",
    "project_of",
    "rule_book",
    "rule_book_folder",
]

_MODULES = {
    "body_line": "judging",
    "case_history": "judging",
    "case_timeline": "judging",
    "find_unreported": "coverage",
    "judge_case": "judging",
    "project_of": "judging",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = _MODULES.get(name, "rulebook")
    found: object = getattr(import_module(f"{__name__}.{module}"), name)
    return found
