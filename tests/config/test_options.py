import re
from dataclasses import fields
from pathlib import Path

import pytest

from safemigrate.config import RuleOptions, load_config
from safemigrate.errors import ConfigError


def load_options(directory: Path, text: str) -> RuleOptions:
    (directory / "pyproject.toml").write_text(f"[tool.safemigrate.options]\n{text}\n")
    return load_config((directory,)).rules.options


def refuse_options(directory: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_options(directory, text)
    return caught.value


def test_every_kind_of_option_is_read(tmp_path: Path) -> None:
    options = load_options(
        tmp_path,
        """
        naming = { table = "[a-z_]+", ix = "ix_%(table_name)s_%(column_0_N_name)s" }
        forbidden-types = ["xml"]
        required-columns = { created_at = "timestamp with time zone", id = "" }
        most-columns = 60
        """,
    )
    assert options == RuleOptions(
        naming={"table": "[a-z_]+", "ix": "ix_%(table_name)s_%(column_0_N_name)s"},
        forbidden_types=("xml",),
        required_columns={"created_at": "timestamp with time zone", "id": ""},
        most_columns=60,
    )


def test_what_is_not_said_keeps_its_default(tmp_path: Path) -> None:
    assert load_options(tmp_path, "") == RuleOptions()


def test_every_option_is_a_key(tmp_path: Path) -> None:
    error = refuse_options(tmp_path, "no-such-option = 1")
    assert 'unknown key "tool.safemigrate.options.no-such-option"' in error.message
    for field in fields(RuleOptions):
        assert field.name.replace("_", "-") in error.hint


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("most-columns = 0", '"tool.safemigrate.options.most-columns" in FILE: expected int >= 1'),
        ("most-columns = '9'", '"tool.safemigrate.options.most-columns" in FILE: expected int, '),
        ("naming = 'a'", '"tool.safemigrate.options.naming" in FILE: expected table, got str'),
        (
            "forbidden-types = [1]",
            '"tool.safemigrate.options.forbidden-types[0]" in FILE: expected str, got int',
        ),
        (
            "naming.index = 'a'",
            '"tool.safemigrate.options.naming.index" in FILE is a pattern for no kind of object',
        ),
        (
            "naming.table = '('",
            '"tool.safemigrate.options.naming.table" in FILE is no regular expression: ',
        ),
    ],
)
def test_a_wrong_option_is_named_with_its_path(tmp_path: Path, line: str, problem: str) -> None:
    error = refuse_options(tmp_path, line)
    assert error.message.startswith(problem.replace("FILE", f'"{tmp_path / "pyproject.toml"}"'))
    assert error.hint


def test_the_example_in_a_hint_is_right(tmp_path: Path) -> None:
    for field in fields(RuleOptions):
        key = field.name.replace("_", "-")
        hint = refuse_options(tmp_path, f"{key} = 1.5").hint
        example = re.sub(r"^for example: ", "", hint).replace("name =", "table =")
        assert load_options(tmp_path, example) != RuleOptions()
