"""A file that an option would write over by mistake stays as it is."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Git, ProjectFolder, Run

FIRST = "migrations/versions/aaaa.py"


@pytest.fixture
def project(folder: ProjectFolder) -> ProjectFolder:
    """A project with one revision."""
    folder.revise("aaaa", 'op.execute("SELECT 1")')
    return folder


def test_a_baseline_takes_no_revision_s_place(project: ProjectFolder, run: Run) -> None:
    before = project.read(FIRST)
    result = run("lint", "--write-baseline", FIRST)

    assert result.exit_code == 2, result.output
    assert result.stderr == (
        f'error: --write-baseline would write to "{FIRST}", which is code or a configuration\n'
        "hint: what stands behind the option is the file to write; name one, such as "
        "--write-baseline safemigrate-baseline.json\n"
    )
    assert project.read(FIRST) == before


@pytest.mark.parametrize("text", ["a list\n", '{"name": "web", "version": "1.0"}', "\udcff"])
def test_a_baseline_takes_the_place_of_no_other_file(
    project: ProjectFolder, run: Run, text: str
) -> None:
    content = text.encode("utf-8", "surrogateescape")
    (project.path / "other.json").write_bytes(content)
    result = run("lint", "--write-baseline", "other.json")

    assert result.exit_code == 2, result.output
    assert '"other.json" is there, and is not a baseline' in result.stderr
    assert "hint: name another file for --write-baseline, or delete this one first" in (
        result.stderr
    )
    assert (project.path / "other.json").read_bytes() == content


@pytest.mark.parametrize(
    "text",
    ["", "\n", '<<<<<<< HEAD\n{\n"version": 1,\n"findings": [\n', '{"version": 9, "findings": 7}'],
)
def test_a_baseline_takes_the_place_of_an_empty_or_a_broken_one(
    project: ProjectFolder, run: Run, text: str
) -> None:
    project.path.joinpath("known.json").write_text(text)

    assert run("lint", "--write-baseline", "known.json").exit_code == 0
    assert json.loads(project.read("known.json"))["findings"] == []


@pytest.mark.usefixtures("project")
def test_a_baseline_may_go_to_no_file_at_all(run: Run) -> None:
    assert run("lint", "--write-baseline", "/dev/null", "--baseline", "/dev/null").exit_code == 2
    assert Path("/dev/null").is_char_device()


@pytest.mark.usefixtures("project")
def test_a_dash_is_no_file(run: Run) -> None:
    for option, command in (("--write-baseline", "lint"), ("--sarif", "pull-request")):
        result = run(command, option, "-")

        assert result.exit_code == 2, result.output
        assert result.stderr.startswith(f'error: {option} takes the name of a file, and not "-"\n')
        assert not Path("-").exists()


@pytest.mark.parametrize("option", ["--sarif", "--junit", "--code-quality", "--comment-file"])
@pytest.mark.parametrize("name", ["migrations/env.py", "alembic.ini", "new.toml"])
def test_a_report_takes_the_place_of_no_code(
    project: ProjectFolder, run: Run, option: str, name: str
) -> None:
    before = project.path.joinpath(name).read_bytes() if name != "new.toml" else b""
    result = run("pull-request", "--base", "main", option, name)

    assert result.exit_code == 2, result.output
    assert f'{option} would write to "{name}", which is code or a configuration' in result.stderr
    if before:
        assert project.path.joinpath(name).read_bytes() == before
    else:
        assert not project.path.joinpath(name).exists()


def test_two_reports_do_not_go_to_one_file(project: ProjectFolder, run: Run, git: Git) -> None:
    git("init", "-b", "main")
    git("add", ".")
    git("commit", "-m", "first")
    result = run("pull-request", "--base", "main", "--sarif", "same", "--junit", "./x/../same")

    assert result.exit_code == 2, result.output
    assert result.stderr.startswith('error: --sarif and --junit would write to one file, "same"\n')
    assert not project.path.joinpath("same").exists()
    both = ("--sarif", "/dev/null", "--junit", "/dev/null", "--no-verify")
    assert run("pull-request", "--base", "main", *both).exit_code == 0


@pytest.mark.parametrize("arguments", [("review", "--write-baseline"), ("snapshot", "--output")])
def test_no_other_command_writes_over_a_revision(
    project: ProjectFolder, run: Run, arguments: tuple[str, ...]
) -> None:
    before = project.read(FIRST)
    result = run(*arguments, FIRST)

    assert result.exit_code == 2, result.output
    assert f'{arguments[1]} would write to "{FIRST}"' in result.stderr
    assert project.read(FIRST) == before
