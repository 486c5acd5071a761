import json
from pathlib import Path
from typing import Protocol

from click.testing import Result


class ProjectFolder(Protocol):
    path: Path

    def write(self, name: str, text: str) -> Path: ...

    def revise(
        self, revision: str, upgrade: str, downgrade: str = ..., after: str | None = ...
    ) -> str: ...


class Run(Protocol):
    def __call__(self, *arguments: str) -> Result: ...


def test_each_statement_of_a_project_is_explained(folder: ProjectFolder, run: Run) -> None:
    folder.revise(
        "aaaa",
        'op.create_table("recipe", sa.Column("name", sa.Text()))\n'
        'op.create_index("recipe_name_idx", "recipe", ["name"])',
        'op.drop_table("recipe")',
    )
    second = folder.revise(
        "bbbb", 'op.add_column("recipe", sa.Column("a", sa.Text()))', after="aaaa"
    )
    result = run("explain")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert (
        f"""\
{second}:9   upgrade(), statement 1 of 1, transaction 1
    ALTER TABLE recipe ADD COLUMN a TEXT
    locks      ACCESS EXCLUSIVE on public.recipe
    blocks     SELECT, SELECT FOR UPDATE, INSERT, UPDATE, DELETE, MERGE on public.recipe
"""
        in result.stdout
    )
    assert " on public.recipe (new)\n" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("Explained 4 statements in 2 migrations: ")


def test_json_follows_the_order_of_the_history(folder: ProjectFolder, run: Run) -> None:
    folder.revise("bbbb", 'op.execute("CREATE TABLE b ()")', 'op.drop_table("b")', after="aaaa")
    folder.revise("aaaa", 'op.execute("CREATE TABLE a ()")', 'op.drop_table("a")')
    statements = json.loads(run("explain", "--format", "json").stdout)["statements"]
    assert [(one["revision"], one["direction"], one["sql"]) for one in statements] == [
        ("aaaa", "upgrade", "CREATE TABLE a ()"),
        ("aaaa", "downgrade", "DROP TABLE a"),
        ("bbbb", "upgrade", "CREATE TABLE b ()"),
        ("bbbb", "downgrade", "DROP TABLE b"),
    ]
    assert {lock["preexisting"] for lock in statements[1]["locks"]} == {True}


def test_only_the_files_named_are_explained(folder: ProjectFolder, run: Run) -> None:
    folder.revise("aaaa", 'op.execute("CREATE TABLE a ()")')
    second = folder.revise("bbbb", 'op.execute("DROP TABLE a")', after="aaaa")
    statements = json.loads(run("explain", "--format", "json", second).stdout)["statements"]
    assert [one["sql"] for one in statements] == ["DROP TABLE a"]


def test_what_cannot_be_explained_is_said_beside_json(folder: ProjectFolder, run: Run) -> None:
    folder.write("1.sql", "SELEC 1;\n")
    result = run("explain", "--format", "json", "1.sql")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["statements"][0]["certainty"] == "unknown"
    assert result.stderr.startswith("not judged: 1.sql:1: ")


def test_a_statement_outside_a_transaction_says_so(folder: ProjectFolder, run: Run) -> None:
    folder.write("1.sql", "SELECT 1;\nBEGIN;\nSELECT 2;\nCOMMIT;\n")
    result = run("explain", "1.sql")
    assert "1.sql:1   statement 1 of " in result.stdout
    assert ", no transaction\n    SELECT 1\n" in result.stdout
    assert ", transaction 1\n    SELECT 2\n" in result.stdout
