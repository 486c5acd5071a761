from collections.abc import Callable, Iterator

from safemigrate.model import Finding, Severity
from safemigrate.rulekit import (
    BOTH_DIRECTIONS,
    DOWNGRADE_ONLY,
    UPGRADE_ONLY,
    Context,
    Family,
    leave_to_engine,
    rule,
)


@rule(family=Family.LOCKS, severity=Severity.ERROR, since="0.1.0")
def own_kind_of_rule(context: Context) -> Iterator[Finding]:
    """The first line is the summary.

    ## What it does

        keeps its indentation
    """
    return leave_to_engine(context)


def test_a_rule_is_named_after_its_function() -> None:
    assert own_kind_of_rule.name == "own-kind-of-rule"


def test_a_page_is_the_docstring_without_the_indentation_of_the_code() -> None:
    assert own_kind_of_rule.page == (
        "The first line is the summary.\n\n## What it does\n\n    keeps its indentation"
    )
    assert own_kind_of_rule.summary == "The first line is the summary."


def test_a_rule_looks_both_ways_unless_it_says_otherwise() -> None:
    assert own_kind_of_rule.directions == BOTH_DIRECTIONS == UPGRADE_ONLY | DOWNGRADE_ONLY
    assert not UPGRADE_ONLY & DOWNGRADE_ONLY


def test_what_is_left_to_the_engine_finds_nothing(look_at: Callable[..., Context]) -> None:
    assert list(own_kind_of_rule.check(look_at("DROP TABLE recipe;"))) == []
