"""What is new of a history: revisions by their id and code, other files by their path."""

import subprocess
from pathlib import Path

import pytest

from safemigrate.source.additions import Additions, find_additions

CODE = '''\
"""Add a table.

Revision ID: {revision}
Revises: {after}
"""
from alembic import op

revision = "{revision}"
down_revision = "{after}"
depends_on = None


def upgrade():
    op.execute("CREATE TABLE {table} (id bigint)")


def downgrade():
    op.execute("DROP TABLE {table}")
'''


def git(directory: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(("git", *identity, *arguments), cwd=directory, check=True, capture_output=True)


class History:
    """Revision files in a repository whose first commit has revision `aaaa`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, text: str) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return str(path)

    def move(self, old: str, new: str) -> str:
        path = self.folder / new
        path.parent.mkdir(parents=True, exist_ok=True)
        (self.folder / old).rename(path)
        return str(path)

    def find(self, since: str | None = "HEAD") -> Additions:
        names = [str(path) for path in self.folder.rglob("*.*") if ".git" not in path.parts]
        return find_additions(names, self.folder, since)

    def added(self, since: str | None = "HEAD") -> set[str]:
        return {Path(path).relative_to(self.folder).as_posix() for path in self.find(since).paths}


FIRST = CODE.format(revision="aaaa", after="0000", table="a")


@pytest.fixture
def history(tmp_path: Path) -> History:
    git(tmp_path, "init", "-b", "main")
    history = History(tmp_path)
    history.write("versions/a.py", FIRST)
    history.write("1.sql", "CREATE TABLE a ();\n")
    history.write("2.sql", "CREATE TABLE b ();\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    return history


def test_a_new_id_is_new(history: History) -> None:
    history.write("versions/b.py", CODE.format(revision="bbbb", after="aaaa", table="b"))
    assert history.added() == {"versions/b.py"}


def test_the_same_code_under_a_new_id_is_new(history: History) -> None:
    history.write("versions/b.py", CODE.format(revision="bbbb", after="0000", table="a"))
    assert history.added() == {"versions/b.py"}


@pytest.mark.parametrize("new", ["versions/a new é.py", "elsewhere/2024/a.py"])
def test_a_revision_whose_file_is_moved_is_not_new(history: History, new: str) -> None:
    history.move("versions/a.py", new)
    assert history.added() == set()
    git(history.folder, "add", "--all")
    assert history.added() == set()
    assert history.added(None) == set()


@pytest.mark.parametrize(
    "text",
    [
        FIRST.replace('"""Add a table.', '"""Say something else.'),
        FIRST.replace("def upgrade():\n", 'def upgrade():\n    """Make it."""\n    # slowly\n'),
        FIRST.replace("    op.execute(", "    op.execute(  "),
        FIRST.replace('revision = "aaaa"', "revision: str = 'aaaa'"),
        FIRST.replace("\n", "\r\n"),
    ],
    ids=["docstring", "comment", "layout", "annotation", "line ends"],
)
def test_what_is_no_code_makes_nothing_new(history: History, text: str) -> None:
    path = history.folder / "versions/a.py"
    path.write_bytes(text.encode())
    assert history.find() == Additions(frozenset())
    history.move("versions/a.py", "versions/b.py")
    assert history.find() == Additions(frozenset())


@pytest.mark.parametrize(
    "text",
    [
        FIRST.replace("CREATE TABLE a", "CREATE TABLE b"),
        FIRST.replace("    op.execute", "    # safemigrate: ignore[x] y\n    op.execute"),
        FIRST.replace('"""Add', '"""Add (') + "(",
    ],
    ids=["sql", "ignore", "syntax error"],
)
def test_other_code_under_a_known_id_is_to_be_judged(history: History, text: str) -> None:
    history.write("versions/a.py", text)
    assert history.added() == {"versions/a.py"}
    history.move("versions/a.py", "versions/b.py")
    assert history.added() == {"versions/b.py"}


@pytest.mark.parametrize(
    "text",
    [
        FIRST.replace('down_revision = "0000"', 'down_revision = ("0000", "1111")'),
        FIRST.replace("depends_on = None", 'depends_on = "1111"'),
    ],
)
def test_a_known_revision_that_follows_another_one_is_told_apart(
    history: History, text: str
) -> None:
    history.write("versions/a.py", text)
    assert history.find() == Additions(frozenset(), moved=("aaaa",))
    history.move("versions/a.py", "versions/b.py")
    assert history.find() == Additions(frozenset(), moved=("aaaa",))


def test_a_revision_whose_id_is_worked_out_is_known_by_its_code(history: History) -> None:
    odd = FIRST.replace('"aaaa"', "str(1)")
    history.write("versions/odd.py", odd)
    assert history.added() == {"versions/odd.py"}
    git(history.folder, "add", ".")
    git(history.folder, "commit", "-m", "second")
    history.write("versions/odd.py", odd + "# the end\n")
    assert history.added() == set()


def test_a_revision_that_was_there_in_a_merged_branch_is_not_new(history: History) -> None:
    second = CODE.format(revision="bbbb", after="aaaa", table="b")
    git(history.folder, "switch", "-c", "branch")
    history.write("versions/b.py", second)
    git(history.folder, "add", ".")
    git(history.folder, "commit", "-m", "second")
    assert history.added("main") == {"versions/b.py"}
    git(history.folder, "switch", "main")
    git(history.folder, "merge", "branch")
    git(history.folder, "switch", "branch")
    assert history.added("main") == set()


def test_a_sql_file_that_is_only_renamed_is_not_new(history: History) -> None:
    history.move("1.sql", "1 é.sql")
    assert history.added() == set()
    git(history.folder, "add", "--all")
    assert history.added() == set()
    assert history.added(None) == set()


def test_a_sql_file_that_is_renamed_and_changed_is_new(history: History) -> None:
    history.move("1.sql", "3.sql")
    history.write("3.sql", "CREATE TABLE a ();\n\n")
    assert history.added() == {"3.sql"}


def test_a_copy_of_a_sql_file_is_new(history: History) -> None:
    history.write("3.sql", "CREATE TABLE a ();\n")
    assert history.added() == {"3.sql"}


def test_of_two_files_with_the_content_of_one_that_is_gone_one_is_new(history: History) -> None:
    history.move("1.sql", "3.sql")
    history.write("4.sql", "CREATE TABLE a ();\n")
    assert history.added() == {"4.sql"}


def test_a_file_that_takes_the_content_of_one_that_is_gone_is_changed(history: History) -> None:
    (history.folder / "1.sql").unlink()
    history.write("2.sql", "CREATE TABLE a ();\n")
    assert history.added() == {"2.sql"}


def test_only_what_is_staged_is_added_by_a_commit(history: History) -> None:
    history.write("versions/b.py", CODE.format(revision="bbbb", after="aaaa", table="b"))
    history.write("1.sql", "SELECT 1;\n")
    assert history.added(None) == set()
    git(history.folder, "add", "versions/b.py")
    assert history.find(None) == Additions(frozenset({str(history.folder / "versions/b.py")}))


def test_a_staged_file_that_was_changed_afterwards_is_told(history: History) -> None:
    path = history.write("1.sql", "SELECT 1;\n")
    history.write("2.sql", "SELECT 1;\n")
    git(history.folder, "add", ".")
    history.write("1.sql", "SELECT 2;\n")
    found = history.find(None)
    assert found.unstaged == (Path(path),)
    assert len(found.paths) == 2


def test_a_staged_change_that_was_taken_back_on_disk_is_told(history: History) -> None:
    path = history.write("versions/a.py", FIRST.replace("CREATE TABLE a", "CREATE TABLE b"))
    git(history.folder, "add", ".")
    history.write("versions/a.py", FIRST)
    assert history.find(None) == Additions(frozenset(), unstaged=(Path(path),))


def test_a_staged_file_that_is_gone_from_beside_the_others_is_told(history: History) -> None:
    path = Path(history.write("3.sql", "SELECT 1;\n"))
    other = Path(history.write("notes.txt", "nothing\n"))
    git(history.folder, "add", ".")
    path.unlink()
    other.unlink()
    assert history.find(None) == Additions(frozenset(), unstaged=(path,))


def test_before_the_first_commit_all_that_is_staged_is_added(tmp_path: Path) -> None:
    git(tmp_path, "init")
    history = History(tmp_path)
    history.write("versions/a.py", FIRST)
    history.write("1.sql", "SELECT 1;\n")
    git(tmp_path, "add", ".")
    assert history.added(None) == {"versions/a.py", "1.sql"}


def test_a_project_below_the_top_that_the_base_does_not_have_is_new(history: History) -> None:
    below = History(history.folder / "services" / "new one")
    below.write("versions/a.py", CODE.format(revision="cccc", after="0000", table="c"))
    assert below.added() == {"versions/a.py"}


def test_an_id_that_no_file_has_any_more_is_gone(history: History) -> None:
    second = CODE.format(revision="bbbb", after="aaaa", table="b")
    history.write("versions/b.py", second)
    git(history.folder, "add", ".")
    git(history.folder, "commit", "-m", "second")
    history.write("versions/b.py", second.replace("bbbb", "cccc"))

    assert history.find("HEAD").gone == ("bbbb",)
    assert history.find("HEAD~").gone == ()

    (history.folder / "versions/a.py").unlink()

    assert history.find("HEAD").gone == ("aaaa", "bbbb")
    assert history.find("HEAD~").gone == ("aaaa",)
    git(history.folder, "add", "--all")
    assert history.find(None).gone == ("aaaa", "bbbb")


def test_what_is_moved_or_cannot_be_read_is_not_gone(history: History) -> None:
    history.write("versions/b.py", CODE.format(revision="bbbb", after="aaaa", table="b"))
    history.write("versions/c.py", CODE.format(revision="cccc", after="bbbb", table="c"))
    git(history.folder, "add", ".")
    git(history.folder, "commit", "-m", "second")
    path = history.move("versions/a.py", "elsewhere/a.py")
    history.write("versions/b.py", "def (")

    assert history.find("HEAD").gone == ()

    # it is none of the history there
    names = [str(one) for one in history.folder.glob("versions/*.py")]
    assert path not in names
    assert find_additions(names, history.folder, "HEAD").gone == ("aaaa",)


def test_an_id_of_another_folder_is_nobodys(history: History) -> None:
    history.write("tool.py", 'revision = "dddd"\n')
    git(history.folder, "add", ".")
    git(history.folder, "commit", "-m", "second")
    (history.folder / "tool.py").unlink()
    (history.folder / "1.sql").unlink()
    (history.folder / "2.sql").unlink()

    assert history.find("HEAD").gone == ()
