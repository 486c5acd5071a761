"""For the authors of rules: the rule book and how its cases are judged."""

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
