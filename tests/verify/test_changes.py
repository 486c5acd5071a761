"""The revisions that a branch adds."""

import subprocess
from collections.abc import Callable

import pytest

from safemigrate.errors import SourceError, UsageError
from safemigrate.source import open_project
from safemigrate.verify.changes import Changes, find_changes
from tests.verify.conftest import Scaffold

Git = Callable[..., None]

CREATE = "CREATE TABLE t (id int PRIMARY KEY)"


@pytest.fixture
def git(scaffold: Scaffold) -> Git:
    """Run git in the project's folder, a repository."""
    settings = ("user.name=a", "user.email=a@example.org", "commit.gpgsign=false")
    options = [part for setting in settings for part in ("-c", setting)]

    def git(*arguments: str) -> None:
        command = ("git", *options, *arguments)
        subprocess.run(command, cwd=scaffold.folder, check=True, capture_output=True)

    git("init", "--initial-branch=main")
    return git


def changes(scaffold: Scaffold, since: str = "main") -> Changes:
    return find_changes(open_project(scaffold.config), since)


def commit(git: Git, *names: str) -> None:
    git("add", *(names or (".",)))
    git("commit", "--message=one")


def test_revisions_that_are_new_are_found_in_their_order(scaffold: Scaffold, git: Git) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    commit(git)
    git("switch", "--create=feature")
    scaffold.add("zwei", "ALTER TABLE t ADD COLUMN a int", "ALTER TABLE t DROP COLUMN a")
    commit(git)
    scaffold.add("drei", "ALTER TABLE t ADD COLUMN b int", "ALTER TABLE t DROP COLUMN b")

    assert changes(scaffold) == Changes(("zwei", "drei"))


def test_nothing_new_is_nothing(scaffold: Scaffold, git: Git) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    commit(git)

    assert changes(scaffold) == Changes(())


def test_a_revision_with_other_code_is_new_and_one_with_other_comments_is_not(
    scaffold: Scaffold, git: Git
) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", "SELECT 1", "SELECT 2")
    commit(git)
    scaffold.path("one").write_text(f"# why\n{scaffold.path('one').read_text()}")
    scaffold.path("two").write_text(
        scaffold.path("two").read_text().replace("SELECT 1", "SELECT 3")
    )

    assert changes(scaffold) == Changes(("two",))


def test_a_revision_that_follows_another_one_now_is_told(scaffold: Scaffold, git: Git) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", "SELECT 1", "SELECT 2")
    commit(git)
    git("switch", "--create=feature")
    scaffold.path("two").unlink()
    scaffold.add("between", "SELECT 3", "SELECT 4", down="one")
    scaffold.add("two", "SELECT 1", "SELECT 2", down="between")

    found = changes(scaffold)

    assert found.revisions == ("between",)
    assert [line.partition(" stands")[0] for line in found.notices] == ['revision "two"']


def test_a_changed_environment_is_told(scaffold: Scaffold, git: Git) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    commit(git)
    env = scaffold.folder / "migrations" / "env.py"
    env.write_text(f"{env.read_text()}\nimport json\n")
    (scaffold.folder / "README").write_text("nobody reads it")

    found = changes(scaffold)

    assert found.revisions == ()
    (notice,) = found.notices
    assert "env.py" in notice
    assert "are proved when all are" in notice


def test_an_unknown_reference_is_a_usage_error(scaffold: Scaffold, git: Git) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    commit(git)
    with pytest.raises(UsageError, match="nowhere"):
        changes(scaffold, "nowhere")


def test_a_project_outside_of_a_repository_is_told(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    with pytest.raises(SourceError):
        changes(scaffold)
