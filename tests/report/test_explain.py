from dataclasses import replace

from safemigrate.model import (
    Catalog,
    Certainty,
    Direction,
    ExplainedStatement,
    Facts,
    History,
    Lock,
    LockMode,
    Passage,
    QualifiedName,
    Timeline,
    Unjudged,
)
from safemigrate.report import format_explanation

RECIPE = QualifiedName("public", "recipe")


def timeline(history: History, *explained: Facts | str) -> Timeline:
    (migration,) = history.migrations
    statements = tuple(
        ExplainedStatement(statement, (), Facts(), syntax_error=facts)
        if isinstance(facts, str)
        else ExplainedStatement(statement, (), facts)
        for statement, facts in zip(migration.upgrade, explained, strict=False)
    )
    passage = Passage(migration, Direction.UPGRADE, Catalog(), Catalog(), statements)
    return Timeline((passage,))


def test_locks_rewrites_scans_and_waiting_commands_are_told(history: History) -> None:
    both = timeline(
        history,
        Facts(
            locks=(
                Lock(RECIPE, LockMode.SHARE_ROW_EXCLUSIVE),
                Lock(
                    QualifiedName("public", "new"), LockMode.ACCESS_EXCLUSIVE, is_preexisting=False
                ),
            ),
            rewrites=(RECIPE,),
            scans=(RECIPE, QualifiedName("public", "other")),
        ),
        Facts(),
    )
    assert format_explanation(both) == (
        """\
migrations/versions/4f1c_name_index.py:9   upgrade(), statement 1 of 2, transaction 1
    ALTER TABLE recipe ADD COLUMN name TEXT
    locks      SHARE ROW EXCLUSIVE on public.recipe
               ACCESS EXCLUSIVE on public.new (new)
    rewrites   public.recipe
    scans      public.recipe
               public.other
    blocks     INSERT, UPDATE, DELETE, MERGE on public.recipe

migrations/versions/4f1c_name_index.py:10   upgrade(), statement 2 of 2, transaction 1
    CREATE INDEX recipe_name_idx ON recipe (name)
    locks      none on a relation

Explained 2 statements in 1 migration: 1 with a rewrite and 1 with a scan.
"""
    )


def test_what_the_server_refuses_is_told(history: History) -> None:
    report = format_explanation(
        timeline(
            history,
            'at "INDEX"',
            Facts(
                locks=(Lock(RECIPE, LockMode.ACCESS_EXCLUSIVE),),
                errors=("it cannot run inside a transaction block",),
                certainty=Certainty.UNKNOWN,
            ),
        )
    )
    assert '    refused    syntax error: at "INDEX"\n' in report
    assert "    refused    it cannot run inside a transaction block\n" in report
    assert "    certainty  unknown: " in report
    assert report.splitlines()[-1] == (
        "Explained 2 statements in 1 migration: 1 with ACCESS EXCLUSIVE on a relation that was "
        "there before and 2 with an error of the server."
    )


def test_only_the_paths_wanted_are_explained(history: History) -> None:
    report = format_explanation(timeline(history, Facts(), Facts()), paths=frozenset({"x.py"}))
    assert report == "Explained 0 statements in 0 migrations.\n"


def test_what_was_not_judged_is_listed_and_counted(history: History) -> None:
    report = format_explanation(
        timeline(history, Facts(), Facts()),
        unjudged=(Unjudged("a.py", 3, "a", "it raised KeyError"),),
    )
    assert report.splitlines()[-3:] == [
        "not judged: a.py:3: it raised KeyError",
        "",
        "Explained 2 statements in 1 migration. 1 not judged.",
    ]


def test_a_syntax_error_is_named_once(history: History) -> None:
    report = format_explanation(timeline(history, 'syntax error at or near "INDEX"'))
    assert '    refused    syntax error at or near "INDEX"\n' in report


def test_nothing_is_stated_of_what_does_not_parse(history: History) -> None:
    explained = timeline(history, "no end of the string")
    (passage,) = explained.passages
    (statement,) = passage.statements
    unknown = replace(statement, facts=Facts(certainty=Certainty.UNKNOWN))
    passage = replace(passage, statements=(unknown,))
    report = format_explanation(replace(explained, passages=(passage,)))
    assert "    refused    syntax error: no end of the string\n" in report
    assert "locks" not in report
    assert "certainty" not in report


def test_locks_that_may_be_there_are_not_said_to_be_none(history: History) -> None:
    report = format_explanation(timeline(history, Facts(certainty=Certainty.UNKNOWN)))
    assert "    locks      none that is known\n" in report
    assert "none on a relation" not in report
    assert "    certainty  unknown: it depends on something the history does not show\n" in report


def test_a_relation_cannot_steer_the_terminal(history: History) -> None:
    odd = QualifiedName("public", "\x1b[31m\n")
    facts = Facts(locks=(Lock(odd, LockMode.ACCESS_EXCLUSIVE),), rewrites=(odd,), scans=(odd,))
    report = format_explanation(timeline(history, facts))
    assert report.count("public.�[31m\n") == 4
    assert "\x1b" not in report
