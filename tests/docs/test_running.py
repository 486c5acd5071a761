"""docs/running.md says what there is: its commands run, its settings are those of the code."""

import dataclasses
import os
import re
import shlex
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from safemigrate.config import load_config
from safemigrate.execute import RunSettings, WhenBusy
from safemigrate.gate import ObjectionKind

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "running.md").read_text(encoding="utf-8")
REVISION = """\
revision = "0001"
down_revision = None

from alembic import op


def upgrade():
    op.execute("CREATE TABLE recipe (name text)")
"""


def list_blocks(language: str) -> list[str]:
    """Return the code blocks that are in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


def list_cells(*heads: str) -> list[list[str]]:
    """Return the rows of the tables with these heads."""
    head = re.escape("| " + " | ".join(heads) + " |")
    bodies = re.findall(rf"^{head}\n\|[-|]+\n((?:\|.*\n)+)", TEXT, re.MULTILINE)
    assert bodies
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for body in bodies
        for line in body.splitlines()
    ]


COMMANDS = [line for block in list_blocks("sh") for line in block.splitlines()]
(CONFIGURATION,) = list_blocks("toml")
SETTINGS = list_cells("key", "option", "unless set", "what it is")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one pending revision, configured as the page shows."""
    folder = tmp_path / "project"
    shutil.copytree(
        ROOT / "docs" / "example", folder, ignore=shutil.ignore_patterns("__pycache__", "versions")
    )
    (folder / "versions").mkdir()
    (folder / "versions" / "0001_recipe.py").write_text(REVISION, encoding="utf-8")
    (folder / "pyproject.toml").write_text(CONFIGURATION, encoding="utf-8")
    return folder


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "safemigrate", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_does_what_it_is_shown_for(
    line: str, project: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAFEMIGRATE_URL", database)
    program, *arguments = shlex.split(line)

    done = run(project, *arguments)

    assert program == "safemigrate"
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout


def test_commands_named_in_the_text_exist() -> None:
    commands = set(re.findall(r"`safemigrate ([a-z]+)", TEXT))

    assert {"explain", "resolve", "status", "upgrade"} <= commands
    for command in commands:
        assert run(ROOT, command, "--help").returncode == 0, command


def test_the_configuration_is_one(project: Path) -> None:
    settings = load_config((project,)).run

    assert settings.when_busy == WhenBusy.TERMINATE.value
    assert settings.expendable_applications == ("nightly-report",)


def test_every_setting_of_a_run_is_in_the_tables(tmp_path: Path) -> None:
    keys = [row[0].strip("`") for row in SETTINGS]
    values = {
        "after": '["true"]',
        "before": '["true"]',
        "expendable-applications": '["a"]',
        "expendable-roles": '["a"]',
        "production": "true",
        "when-busy": '"ramp"',
    }
    above = {"lock-timeout-ms", "lock-attempts", "deadline-s"}
    lines = [f"{key} = {values.get(key, '7')}" for key in keys]
    text = "\n".join(
        [
            "[tool.safemigrate]",
            *(line for line in lines if line.split()[0] in above),
            "[tool.safemigrate.run]",
            *(line for line in lines if line.split()[0] not in above),
        ]
    )
    (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")

    config = load_config((tmp_path,))

    unset = [
        field.name
        for field in dataclasses.fields(config.run)
        if getattr(config.run, field.name) in (None, (), False)
    ]
    assert unset == []
    assert (config.lock_timeout, config.lock_attempts, config.deadline) == (
        timedelta(milliseconds=7),
        7,
        timedelta(seconds=7),
    )


def test_options_and_defaults_in_the_tables_are_those_of_the_code() -> None:
    options = {row[1].strip("`") for row in SETTINGS if row[1]}
    help_text = run(ROOT, "upgrade", "--help").stdout
    defaults = {row[0].strip("`"): row[2].strip("`") for row in SETTINGS}
    standard, ramp = RunSettings(), RunSettings(when_busy=WhenBusy.RAMP)
    millisecond = timedelta(milliseconds=1)

    assert [option for option in options if option not in help_text] == []
    assert defaults["lock-timeout-ms"] == str(standard.lock_timeout // millisecond)
    assert defaults["deadline-s"] == str(round(standard.deadline.total_seconds()))
    assert defaults["when-busy"] == standard.when_busy.value
    assert defaults["stall-budget-ms"] == (
        f"{standard.stall_limit // millisecond}; {ramp.stall_limit // millisecond} for `ramp"
    )


def test_every_policy_and_every_kind_of_objection_is_explained() -> None:
    policies = list_cells("`when-busy`", "what happens", "what the application feels")
    kinds = list_cells("kind", "what it is")

    assert [row[0].strip("`") for row in policies] == [one.value for one in WhenBusy]
    assert [row[0].strip("`") for row in kinds] == [one.value for one in ObjectionKind]
