import subprocess
from pathlib import Path

import pytest

from safemigrate.errors import SourceError, UsageError
from safemigrate.source.git import changed_files


def git(directory: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(("git", *identity, *arguments), cwd=directory, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    top = (tmp_path / "top").resolve()
    top.mkdir()
    git(top, "init", "-b", "main")
    (top / ".gitignore").write_text("ignored.sql\n")
    for name in ("kept.sql", "edited.sql", "deleted.sql", "renamed.sql"):
        (top / name).write_text(f"-- {name} {name}\n")
    git(top, "add", ".")
    git(top, "commit", "-m", "first")
    return top


def test_added_edited_renamed_and_untracked_files_are_changed(repository: Path) -> None:
    git(repository, "switch", "-c", "branch")
    (repository / "edited.sql").write_text("-- other\n")
    git(repository, "rm", "deleted.sql")
    git(repository, "mv", "renamed.sql", "new name é.sql")
    (repository / "added.sql").write_text("-- added\n")
    git(repository, "add", ".")
    git(repository, "commit", "-m", "second")
    (repository / "untracked.sql").write_text("-- untracked\n")
    (repository / "ignored.sql").write_text("-- ignored\n")
    assert changed_files("main", repository) == {
        repository / name for name in ("edited.sql", "new name é.sql", "added.sql", "untracked.sql")
    }


def test_edits_not_yet_committed_are_changed(repository: Path) -> None:
    (repository / "edited.sql").write_text("-- other\n")
    assert changed_files("HEAD", repository) == {repository / "edited.sql"}


def test_what_the_other_branch_changed_since_is_not_ours(repository: Path) -> None:
    git(repository, "switch", "-c", "branch")
    (repository / "added.sql").write_text("-- added\n")
    git(repository, "add", ".")
    git(repository, "commit", "-m", "second")
    git(repository, "switch", "main")
    (repository / "edited.sql").write_text("-- other\n")
    git(repository, "commit", "-a", "-m", "third")
    git(repository, "switch", "branch")
    assert changed_files("main", repository) == {repository / "added.sql"}


def test_a_directory_below_the_top_sees_the_whole_repository(repository: Path) -> None:
    below = repository / "below"
    below.mkdir()
    (repository / "edited.sql").write_text("-- other\n")
    (below / "untracked.sql").write_text("-- untracked\n")
    assert changed_files("HEAD", below) == {
        repository / "edited.sql",
        below / "untracked.sql",
    }


@pytest.mark.parametrize("reference", ["nowhere", "--output=x", "", "HEAD:kept.sql"])
def test_a_reference_git_does_not_know_is_a_usage_error(repository: Path, reference: str) -> None:
    with pytest.raises(UsageError) as caught:
        changed_files(reference, repository)
    assert caught.value.message == f'git knows no commit "{reference}"'
    assert caught.value.hint


def test_outside_a_repository_is_a_source_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        changed_files("HEAD", tmp_path)
    assert caught.value.message.startswith("git says: ")
    assert "repository" in caught.value.hint


def test_without_git_the_hint_says_what_else_to_do(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SourceError) as caught:
        changed_files("HEAD", repository)
    assert caught.value.message == "git cannot be started"
