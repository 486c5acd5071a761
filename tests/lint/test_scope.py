"""Where judging begins."""

from dataclasses import replace

import pytest

from safemigrate.config import RuleSettings
from safemigrate.errors import ConfigError
from safemigrate.facts import walk
from safemigrate.lint import choose_paths, judge, list_ancestors
from safemigrate.model import (
    NEWEST_VERSION,
    Catalog,
    Direction,
    History,
    Migration,
    Span,
    Statement,
    Timeline,
)


def revision(name: str, *downs: str, sql: str = "DROP TABLE a") -> Migration:
    path = f"versions/{name}.py"
    drop = Statement(sql, path, Span(1, 1, 1, 2), name, Direction.UPGRADE, 1, 1)
    return Migration(path, "", name, down_revisions=downs, upgrade=(drop,))


# a1 - b1 - c1 - e1
#    \ d1 - - - /
GRAPH = (
    revision("a1"),
    revision("b1", "a1"),
    revision("c1", "b1"),
    revision("d1", "a1"),
    revision("e1", "c1", "d1"),
)


def timeline(*migrations: Migration) -> Timeline:
    return walk(History(migrations, is_complete=True), before=Catalog(), version=NEWEST_VERSION)


def judged(start_after: str | None, paths: frozenset[str] | None = None) -> set[str]:
    chosen = choose_paths(timeline(*GRAPH), paths, start_after)
    every = {one.path for one in GRAPH}
    return {path[9:11] for path in (every if chosen is None else chosen)}


def test_a_revision_and_all_before_it_are_not_judged() -> None:
    assert judged("b1") == {"c1", "d1", "e1"}
    assert judged("e1") == set()
    assert judged(None) == {"a1", "b1", "c1", "d1", "e1"}


def test_what_was_asked_for_is_judged_as_far_as_it_comes_after() -> None:
    assert judged("b1", frozenset({"versions/b1.py", "versions/c1.py"})) == {"c1"}


def test_a_revision_that_is_not_there_is_named_with_the_closest() -> None:
    with pytest.raises(ConfigError) as caught:
        judged("e11")
    assert '"e11"' in caught.value.message
    assert 'did you mean "e1"?' in caught.value.hint


def test_files_of_sql_have_no_revision_to_start_after() -> None:
    file = Migration("1.sql", "")
    assert choose_paths(timeline(file), None, "e1") is None


def test_what_is_history_is_read_and_not_counted() -> None:
    history = timeline(
        revision("a1", sql="CREATE TABLE a (id integer)"), revision("b1", "a1", sql="DROP TABLE a")
    )
    everything = judge(history, settings=RuleSettings())
    result = judge(history, settings=RuleSettings(start_after="a1"))
    assert {one.revision for one in everything.findings} >= {"a1", "b1"}
    assert {one.revision for one in result.findings} == {"b1"}
    assert (result.migrations, result.statements) == (1, 1)
    (dropped,) = (one for one in result.findings if one.rule == "dropped-table")
    assert dropped.confidence is next(
        one.confidence for one in everything.findings if one.rule == "dropped-table"
    )


def test_ancestors_are_found_through_merges() -> None:
    assert list_ancestors(GRAPH, ["d1"]) == {"a1", "d1"}
    assert list_ancestors(GRAPH, ["e1"]) == {"a1", "b1", "c1", "d1", "e1"}
    assert list_ancestors(GRAPH, ["none"]) == frozenset()
    assert list_ancestors([replace(GRAPH[1], down_revisions=("gone",))], ["b1"]) == {"b1"}
