import json
from collections.abc import Callable

from safemigrate.model import (
    Catalog,
    Certainty,
    Direction,
    ExplainedStatement,
    Facts,
    Finding,
    History,
    LintResult,
    Lock,
    LockMode,
    Passage,
    QualifiedName,
    Timeline,
    Unjudged,
)
from safemigrate.report import encode_document, explain_document, lint_document

MakeFinding = Callable[..., Finding]
MakeResult = Callable[..., LintResult]


def test_lint_has_exactly_the_keys_of_the_contract(
    make_finding: MakeFinding, make_result: MakeResult
) -> None:
    result = make_result(
        make_finding(), judged=1, unjudged=(Unjudged("a.py", 7, None, "a DO block"),)
    )
    encoded = encode_document(lint_document(result))
    assert encoded.endswith("}\n")
    assert json.loads(encoded) == {
        "version": 1,
        "findings": [
            {
                "rule": "non-concurrent-index",
                "severity": "error",
                "confidence": "high",
                "message": 'building "recipe_name_idx" blocks writes to public.recipe',
                "path": "migrations/versions/4f1c_name_index.py",
                "line": 10,
                "column": 5,
                "end_line": 10,
                "end_column": 59,
                "revision": "4f1c",
                "direction": "upgrade",
                "sql": "CREATE INDEX recipe_name_idx ON recipe (name)",
                "locks": [{"relation": "public.recipe", "mode": "SHARE"}],
                "blocks": ["INSERT", "UPDATE", "DELETE", "MERGE"],
                "help": {
                    "sql": "CREATE INDEX CONCURRENTLY recipe_name_idx ON recipe (name);",
                    "alembic": (
                        "with op.get_context().autocommit_block():\n"
                        '    op.create_index("recipe_name_idx", "recipe", ["name"],\n'
                        "                    postgresql_concurrently=True)"
                    ),
                },
            }
        ],
        "summary": {
            "errors": 1,
            "warnings": 0,
            "infos": 0,
            "statements": 2,
            "judged": 1,
            "unjudged": [{"path": "a.py", "line": 7, "revision": None, "reason": "a DO block"}],
        },
    }


def test_a_finding_without_a_remedy_has_empty_help(
    make_finding: MakeFinding, make_result: MakeResult
) -> None:
    document = json.loads(encode_document(lint_document(make_result(make_finding(remedy=None)))))
    assert document["findings"][0]["help"] == {"sql": "", "alembic": ""}


def test_other_letters_stay_readable(make_finding: MakeFinding, make_result: MakeResult) -> None:
    encoded = encode_document(lint_document(make_result(make_finding(message="Rezept „Öl“"))))
    assert '"message": "Rezept „Öl“"' in encoded


def timeline(history: History) -> Timeline:
    (migration,) = history.migrations
    facts = Facts(
        locks=(
            Lock(QualifiedName("public", "recipe"), LockMode.ACCESS_EXCLUSIVE),
            Lock(QualifiedName("public", "new"), LockMode.SHARE, is_preexisting=False),
        ),
        rewrites=(QualifiedName("public", "recipe"),),
        scans=(QualifiedName("public", "other"),),
        certainty=Certainty.ASSUMED,
    )
    return Timeline(
        (
            Passage(
                migration=migration,
                direction=Direction.UPGRADE,
                before=Catalog(),
                after=Catalog(),
                statements=tuple(
                    ExplainedStatement(statement, (), facts) for statement in migration.upgrade
                ),
            ),
        )
    )


def test_explain_has_exactly_the_keys_of_the_contract(history: History) -> None:
    document = json.loads(encode_document(explain_document(timeline(history))))
    assert document["version"] == 1
    assert [statement["ordinal"] for statement in document["statements"]] == [1, 2]
    assert document["statements"][1] == {
        "path": "migrations/versions/4f1c_name_index.py",
        "line": 10,
        "revision": "4f1c",
        "direction": "upgrade",
        "ordinal": 2,
        "sql": "CREATE INDEX recipe_name_idx ON recipe (name)",
        "transaction": 1,
        "locks": [
            {"relation": "public.recipe", "mode": "ACCESS EXCLUSIVE", "preexisting": True},
            {"relation": "public.new", "mode": "SHARE", "preexisting": False},
        ],
        "rewrites": ["public.recipe"],
        "scans": ["public.other"],
        "certainty": "assumed",
    }


def test_explain_can_be_limited_to_paths(history: History) -> None:
    document = explain_document(timeline(history), frozenset({"other.py"}))
    assert document.statements == ()


def test_a_name_that_is_not_utf_8_is_told(
    make_finding: MakeFinding, make_result: MakeResult
) -> None:
    document = lint_document(make_result(make_finding(path="b\udcff.sql")))
    encoded = encode_document(document)
    assert encoded == encode_document(lint_document(make_result(make_finding(path="b�.sql"))))
    assert json.loads(encoded.encode())["findings"][0]["path"] == "b�.sql"
