import os
import subprocess
from pathlib import Path

import pytest

from safemigrate.errors import SourceError, UsageError
from safemigrate.source.git import open_repository


def git(directory: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(("git", *identity, *arguments), cwd=directory, check=True, capture_output=True)


@pytest.fixture
def top(tmp_path: Path) -> Path:
    top = (tmp_path / "top").resolve()
    top.mkdir()
    git(top, "init", "-b", "main")
    (top / ".gitignore").write_text("ignored.sql\n")
    for name in ("kept.sql", "edited.sql", "deleted.sql", "renamed.sql"):
        (top / name).write_text(f"-- {name} {name}\n")
    git(top, "add", ".")
    git(top, "commit", "-m", "first")
    return top


def names_since(directory: Path, reference: str) -> dict[str, str]:
    """Return how each file that differs does: new, edited or gone."""
    repository = open_repository(directory)
    return {
        one.path.relative_to(repository.top).as_posix(): "gone"
        if not one.is_there
        else "new"
        if one.old is None
        else "edited"
        for one in repository.list_differences(reference)
    }


def test_new_edited_deleted_and_untracked_files_differ(top: Path) -> None:
    git(top, "switch", "-c", "branch")
    (top / "edited.sql").write_text("-- other\n")
    git(top, "rm", "deleted.sql")
    git(top, "mv", "renamed.sql", "new name é.sql")
    (top / "added.sql").write_text("-- added\n")
    git(top, "add", ".")
    git(top, "commit", "-m", "second")
    (top / "untracked.sql").write_text("-- untracked\n")
    (top / "ignored.sql").write_text("-- ignored\n")
    assert names_since(top, "main") == {
        "added.sql": "new",
        "deleted.sql": "gone",
        "edited.sql": "edited",
        "new name é.sql": "new",
        "renamed.sql": "gone",
        "untracked.sql": "new",
    }


def test_edits_not_yet_committed_differ(top: Path) -> None:
    (top / "edited.sql").write_text("-- other\n")
    assert names_since(top, "HEAD") == {"edited.sql": "edited"}


def test_a_file_that_was_only_touched_does_not_differ(top: Path) -> None:
    os.utime(top / "edited.sql", (0, 0))
    assert names_since(top, "HEAD") == {}


def test_what_the_other_branch_changed_since_is_not_ours(top: Path) -> None:
    git(top, "switch", "-c", "branch")
    (top / "added.sql").write_text("-- added\n")
    git(top, "add", ".")
    git(top, "commit", "-m", "second")
    git(top, "switch", "main")
    (top / "edited.sql").write_text("-- other\n")
    git(top, "commit", "-a", "-m", "third")
    git(top, "switch", "--detach", "branch")
    assert names_since(top, "main") == {"added.sql": "new"}


def test_without_a_common_ancestor_the_comparison_is_with_the_commit(top: Path) -> None:
    git(top, "switch", "--orphan", "branch")
    (top / "added.sql").write_text("-- added\n")
    (top / "kept.sql").write_text("-- kept.sql kept.sql\n")
    git(top, "add", ".")
    git(top, "commit", "-m", "second")
    found = names_since(top, "main")
    assert found["added.sql"] == "new"
    assert "kept.sql" not in found


def test_a_directory_below_the_top_sees_the_whole_repository(top: Path) -> None:
    below = top / "below"
    below.mkdir()
    (top / "edited.sql").write_text("-- other\n")
    (below / "untracked.sql").write_text("-- untracked\n")
    assert names_since(below, "HEAD") == {"edited.sql": "edited", "below/untracked.sql": "new"}


def test_contents_are_read_in_the_order_asked_for(top: Path) -> None:
    for name in ("edited.sql", "kept.sql"):
        (top / name).write_bytes(b"")
    repository = open_repository(top)
    ids = [one.old or "" for one in repository.list_differences("HEAD")]
    expected = [b"-- edited.sql edited.sql\n", b"-- kept.sql kept.sql\n"]
    assert list(repository.read_contents(ids)) == expected
    assert list(repository.read_contents(reversed(ids))) == expected[::-1]
    assert list(repository.read_contents([])) == []


def test_a_content_that_the_clone_does_not_have_is_empty(top: Path) -> None:
    assert list(open_repository(top).read_contents(["1" * 40])) == [b""]


def test_the_index_is_compared_with_the_last_commit(top: Path) -> None:
    (top / "edited.sql").write_text("-- other\n")
    (top / "kept.sql").write_text("-- not staged\n")
    git(top, "add", "edited.sql")
    (top / "edited.sql").write_text("-- other again\n")
    repository = open_repository(top)
    assert [one.path for one in repository.list_staged()] == [top / "edited.sql"]
    assert repository.list_unstaged() == {top / "edited.sql", top / "kept.sql"}


def test_before_the_first_commit_all_that_is_staged_is_new(tmp_path: Path) -> None:
    git(tmp_path, "init")
    (tmp_path / "1.sql").write_text("SELECT 1;\n")
    (tmp_path / "2.sql").write_text("SELECT 1;\n")
    git(tmp_path, "add", "1.sql")
    (staged,) = open_repository(tmp_path).list_staged()
    assert staged.path.name == "1.sql"
    assert staged.old is None


def test_a_submodule_is_no_file(top: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init")
    git(other, "commit", "--allow-empty", "-m", "first")
    git(top, "-c", "protocol.file.allow=always", "submodule", "add", str(other), "below")
    assert names_since(top, "HEAD") == {".gitmodules": "new"}


def test_a_hook_of_a_linked_working_tree_finds_its_top(
    top: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(top, "worktree", "add", str(tmp_path / "linked"), "-b", "branch")
    linked = (tmp_path / "linked").resolve()
    below = linked / "below"
    below.mkdir()
    # as git sets it for hooks there
    monkeypatch.setenv("GIT_DIR", str(top / ".git" / "worktrees" / "linked"))
    assert open_repository(below).top == linked


def test_a_repository_that_only_the_environment_names_is_found(
    top: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (top / ".git").rename(tmp_path / "kept apart")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "kept apart"))
    monkeypatch.setenv("GIT_WORK_TREE", str(top))
    (top / "edited.sql").write_text("-- other\n")
    assert names_since(top, "HEAD") == {"edited.sql": "edited"}


def test_remotes_are_listed(top: Path) -> None:
    assert open_repository(top).list_remotes() == ()
    git(top, "remote", "add", "origin", "git@example.org:a/b c.git")
    assert open_repository(top).list_remotes() == ("git@example.org:a/b c.git",)


@pytest.mark.parametrize("reference", ["nowhere", "--output=x", "", "HEAD:kept.sql"])
def test_a_reference_git_does_not_know_is_a_usage_error(top: Path, reference: str) -> None:
    with pytest.raises(UsageError) as caught:
        names_since(top, reference)
    assert caught.value.message == f'git knows no commit "{reference}"'
    assert caught.value.hint


def test_outside_a_repository_is_a_source_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        open_repository(tmp_path)
    assert caught.value.message.startswith("git says: ")
    assert "repository" in caught.value.hint


def test_without_git_the_hint_says_what_else_to_do(
    top: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SourceError) as caught:
        open_repository(top)
    assert caught.value.message == "git cannot be started"
    assert "name the files" in caught.value.hint
