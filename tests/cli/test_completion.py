"""`safemigrate completion`: what a shell offers, asked of the shell itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from safemigrate.cli.group import group
from tests.cli.conftest import ProjectFolder, Run

BIN = Path(sys.executable).parent

# A line of bash is completed as readline does it: the words, the number of the last, and a call.
ASK = """\
source "$1"
shift
complete -p safemigrate >/dev/null || exit 9
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_safemigrate_completion safemigrate "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("completion") / "safemigrate.bash"
    asked = (BIN / "safemigrate", "completion", "bash")
    path.write_text(subprocess.run(asked, check=True, capture_output=True, text=True).stdout)
    return path


def press_tab(script: Path, folder: Path, *words: str) -> list[str]:
    """Return what bash offers for the last word; nothing else may reach the terminal."""
    done = subprocess.run(
        ["bash", "--norc", "-c", ASK, "bash", script, "safemigrate", *words],
        cwd=folder,
        env={**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.fixture
def project(folder: ProjectFolder) -> ProjectFolder:
    """A project with two revisions, which leave a file behind when they are run."""
    spy = "open('was_run', 'w').close()"
    folder.revise("ab12", spy, "pass")
    folder.revise("cd34", spy, "pass", "ab12")
    for path in folder.path.rglob("*.py"):
        path.write_text(f"{path.read_text('utf-8')}\n{spy}\n", encoding="utf-8")
    return folder


def offer(*words: str) -> list[str]:
    """Return what any shell is told for the last word."""
    *before, last = words
    shell = ShellComplete(group, {}, "safemigrate", "_SAFEMIGRATE_COMPLETE")
    return [one.value for one in shell.get_completions(before, last)]


def test_bash_offers_commands_and_values(script: Path, tmp_path: Path) -> None:
    assert press_tab(script, tmp_path, "up") == ["upgrade"]
    assert press_tab(script, tmp_path, "rule", "non-concurrent-i") == ["non-concurrent-index"]


def test_bash_offers_revisions_and_runs_none(script: Path, project: ProjectFolder) -> None:
    assert press_tab(script, project.path, "verify", "cd") == ["cd34"]
    assert set(offer("upgrade", "")) == {"heads", "base", "ab12", "cd34"}
    assert not (project.path / "was_run").exists()


def test_options_and_their_values_are_offered() -> None:
    assert offer("verify", "--prop") == ["--properties"]
    assert offer("lint", "--format", "j") == ["json", "junit"]
    assert offer("--ver") == ["--version"]


def test_names_of_properties_and_checks_are_offered_with_their_families() -> None:
    assert offer("verify", "--select", "resum") == ["resumable"]
    assert offer("review", "--ignore", "duplicate-") == ["duplicate-index"]
    assert "indexes" in offer("review", "--select", "")


def test_recipes_and_what_a_new_revision_follows_are_offered(
    project: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.path)
    assert offer("new", "--recipe", "add-in") == ["add-index"]
    assert {"ab12", "cd34"} <= set(offer("new", "--head", ""))
    assert offer("new", "--depends-on", "cd") == ["cd34"]
    assert not (project.path / "was_run").exists()


def test_the_project_that_is_named_is_taken(
    project: ProjectFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    assert offer("downgrade", "-c", f"{project.path}/alembic.ini", "ab") == ["ab12"]
    assert "ab12" not in offer("downgrade", "")
    monkeypatch.setenv("ALEMBIC_CONFIG", f"{project.path}/alembic.ini")
    assert offer("downgrade", "ab") == ["ab12"]


def test_references_of_git_are_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments in (
        ["init", "--quiet", "--initial-branch=trunk"],
        ["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "a", "--allow-empty"],
    ):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)

    assert offer("lint", "--changed-since", "tr") == ["trunk"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("alembic.ini", "[alembic\nnonsense"),
        ("alembic.ini", "[alembic]\nscript_location = nowhere\n"),
        ("alembic.ini", "[alembic]\nscript_location = pkg:migrations\n"),
        ("other.txt", ""),
    ],
    ids=["broken", "gone", "of a package", "none"],
)
def test_what_cannot_be_read_offers_nothing_and_says_nothing(
    name: str,
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / name).write_text(text)
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "__init__.py").write_text("open('was_run', 'w').close()")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))

    assert set(offer("upgrade", "")) <= {"heads", "base"}
    assert offer("lint", "--changed-since", "x") == []
    assert capfd.readouterr() == ("", "")
    assert not (tmp_path / "was_run").exists()


@pytest.mark.parametrize(
    ("shell", "sign"),
    [
        ("bash", "complete -o nosort -F _safemigrate_completion safemigrate"),
        ("zsh", "#compdef safemigrate"),
        ("fish", "complete --no-files --command safemigrate"),
    ],
)
def test_each_shell_has_a_script_that_asks_safemigrate(run: Run, shell: str, sign: str) -> None:
    result = run("completion", shell)

    assert result.exit_code == 0
    assert sign in result.stdout
    assert f"_SAFEMIGRATE_COMPLETE={shell}_complete" in result.stdout


def test_an_unknown_shell_is_refused(run: Run) -> None:
    result = run("completion", "tcsh")

    assert result.exit_code == 2
    assert "bash" in result.stderr
