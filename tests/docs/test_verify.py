"""docs/verify.md lists what there is: every property, every key, and commands that run."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from safemigrate.cli.group import group
from safemigrate.config import load_config
from safemigrate.model import Property
from safemigrate.verify.markers import find_markers, judge_markers

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "verify.md").read_text(encoding="utf-8")


def list_blocks(language: str) -> list[str]:
    """Return the code blocks that are in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


def test_every_property_stands_in_the_table() -> None:
    rows = re.findall(r"^\| (\S*) ?\| `([\w-]+)` \| (\w+) \| (.*) \|$", TEXT, re.MULTILINE)

    assert rows == [(one.number, one.value, one.family.value, one.sentence) for one in Property]


@pytest.mark.parametrize("name", [one.value for one in Property])
def test_every_property_is_told_of(name: str) -> None:
    assert len(re.findall(rf"\b{name}\b", TEXT)) >= 2 or name in {
        *("applies", "foreseen-locks", "foreseen-rewrites", "foreseen-scans"),
        "leaves-nothing-invalid",
    }


def test_the_configuration_is_one(tmp_path: Path) -> None:
    (table,) = list_blocks("toml")
    (tmp_path / "pyproject.toml").write_text(table)

    choices = load_config((tmp_path,)).verify

    assert choices.tenants == {"app.tenant": ("1", "2")}
    assert choices.plans == tmp_path / "tests" / "plans.yml"


def test_the_markers_are_some() -> None:
    (code,) = list_blocks("python")

    markers = find_markers(code)

    assert len(markers) == len(code.splitlines())
    assert not judge_markers(markers, "r.py").is_broken


@pytest.mark.parametrize(
    "line", [line for block in list_blocks("sh") for line in block.splitlines()]
)
def test_the_commands_are_understood(line: str) -> None:
    program, *arguments = shlex.split(line)

    result = CliRunner().invoke(group, [*arguments, "--help"])

    assert program == "safemigrate"
    assert result.exit_code == 0
    for option in (one for one in arguments if one.startswith("--")):
        assert option in result.output
