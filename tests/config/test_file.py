import re
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from safemigrate.config import (
    Config,
    PathChoice,
    RuleChoice,
    RuleOptions,
    RuleSettings,
    check_rule_names,
    load_config,
)
from safemigrate.config.file import _EXAMPLES, _Table
from safemigrate.config.tables import list_keys
from safemigrate.errors import ConfigError
from safemigrate.model import ServerVersion, Severity


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def load_text(directory: Path, text: str, name: str = "pyproject.toml") -> Config:
    write(directory / name, text)
    return load_config((directory,))


def refuse_text(directory: Path, text: str, name: str = "pyproject.toml") -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_text(directory, text, name)
    return caught.value


def test_no_file_leaves_everything_unset(tmp_path: Path) -> None:
    assert load_config((tmp_path,)) == Config()


def test_a_pyproject_without_our_table_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "a" / "pyproject.toml", "[tool.other]\nx = 1\n")
    write(tmp_path / "b" / "pyproject.toml", "[tool.safemigrate]\npg-version = 15\n")
    config = load_config((tmp_path / "a", tmp_path / "b"))
    assert config.pg_version == ServerVersion(15)


def test_every_key_is_read(tmp_path: Path) -> None:
    config = load_text(
        tmp_path,
        """
        [tool.safemigrate]
        pg-version = 16
        default-schema = "app"
        select = ["naming"]
        ignore = ["types", "rename-table"]
        small-table-rows = 1000
        start-after = "abc1"
        baseline = "known.json"
        imports = ["app.models", "geoalchemy2"]
        lock-timeout-ms = 250
        lock-attempts = 7
        deadline-s = 1.5

        [tool.safemigrate.rules]
        float-money = "info"
        drop-column = "off"

        [tool.safemigrate.options]
        most-columns = 60

        [tool.safemigrate.per-path."legacy/**"]
        select = ["all"]
        ignore = ["naming"]
        rules = { float-money = "error" }

        [tool.safemigrate.per-path."legacy/0001_*.sql"]
        rules = { float-money = "off" }
        """,
    )
    assert config == Config(
        path=str(tmp_path / "pyproject.toml"),
        prefix="tool.safemigrate.",
        pg_version=ServerVersion(16),
        default_schema="app",
        baseline=str(tmp_path / "known.json"),
        imports=("app.models", "geoalchemy2"),
        rules=RuleSettings(
            severities={"float-money": Severity.INFO},
            disabled=frozenset({"drop-column"}),
            selected=frozenset({"naming"}),
            ignored=frozenset({"types", "rename-table"}),
            per_path=(
                PathChoice(
                    "legacy/**",
                    RuleChoice(
                        severities={"float-money": Severity.ERROR},
                        selected=frozenset({"all"}),
                        ignored=frozenset({"naming"}),
                    ),
                ),
                PathChoice("legacy/0001_*.sql", RuleChoice(disabled=frozenset({"float-money"}))),
            ),
            folder=str(tmp_path),
            here=str(Path.cwd()),
            options=RuleOptions(most_columns=60),
            small_table_rows=1000,
            start_after="abc1",
        ),
        lock_timeout=timedelta(milliseconds=250),
        lock_attempts=7,
        deadline=timedelta(seconds=1.5),
    )


def test_the_first_directory_wins(tmp_path: Path) -> None:
    write(tmp_path / "a" / "pyproject.toml", "[tool.safemigrate]\npg-version = 14\n")
    write(tmp_path / "b" / "safemigrate.toml", "pg-version = 15\n")
    assert load_config((tmp_path / "a", tmp_path / "b")).pg_version == ServerVersion(14)


def test_safemigrate_toml_wins_over_pyproject_beside_it(tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", "[tool.safemigrate]\npg-version = 14\n")
    assert load_text(tmp_path, "pg-version = 15\n", "safemigrate.toml").pg_version == (
        ServerVersion(15)
    )


def test_an_unknown_key_is_named_with_its_path_and_the_closest_key(tmp_path: Path) -> None:
    error = refuse_text(tmp_path, "[tool.safemigrate]\npg_version = 16\n")
    assert error.message == (
        f'unknown key "tool.safemigrate.pg_version" in "{tmp_path / "pyproject.toml"}"'
    )
    assert error.hint == (
        'did you mean "pg-version"? known keys: baseline, deadline-s, default-schema, ignore, '
        "imports, lock-attempts, lock-timeout-ms, options, per-path, pg-version, rules, run, "
        "select, small-table-rows, start-after, verify"
    )


def test_an_unknown_key_of_a_path_is_named_with_its_path(tmp_path: Path) -> None:
    error = refuse_text(tmp_path, '[tool.safemigrate.per-path."a/**"]\npg-version = 16\n')
    assert error.message.startswith('unknown key "tool.safemigrate.per-path."a/**".pg-version" in')
    assert error.hint == "known keys: ignore, rules, select"


def test_paths_match_from_the_folder_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = '[per-path."db/**/*.sql"]\nignore = ["types"]\n'
    write(tmp_path / "project" / "safemigrate.toml", text)
    (tmp_path / "project" / "db").mkdir()
    monkeypatch.chdir(tmp_path / "project" / "db")
    settings = load_config((Path(".."),)).rules
    (layer,) = settings.per_path
    assert settings.choices("1.sql") == (settings, layer.choice)
    assert settings.choices("a/b/1.sql") == (settings, layer.choice)
    assert settings.choices(str(tmp_path / "project" / "db" / "1.sql")) == (settings, layer.choice)
    assert settings.choices("../1.sql") == (settings,)
    assert settings.choices(str(tmp_path / "db" / "1.sql")) == (settings,)


def test_an_unknown_key_like_no_other_still_gets_the_list(tmp_path: Path) -> None:
    error = refuse_text(tmp_path, "[tool.safemigrate.lint]\nfoo = 1\n")
    assert 'unknown key "tool.safemigrate.lint"' in error.message
    assert error.hint.startswith("known keys: ")


def test_the_long_table_name_in_safemigrate_toml_is_explained(tmp_path: Path) -> None:
    error = refuse_text(tmp_path, "[tool.safemigrate]\npg-version = 16\n", "safemigrate.toml")
    assert 'unknown key "tool"' in error.message
    assert "at the top" in error.hint


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('pg-version = "16"', '"tool.safemigrate.pg-version" in FILE: expected int, got str'),
        ("pg-version = 9", '"tool.safemigrate.pg-version" in FILE: expected int >= 14'),
        ("pg-version = true", '"tool.safemigrate.pg-version" in FILE: expected int, got bool'),
        (
            "lock-attempts = 1.5",
            '"tool.safemigrate.lock-attempts" in FILE: expected int, got float',
        ),
        ("rules = 1", '"tool.safemigrate.rules" in FILE: expected table, got int'),
        ("deadline-s = 0", '"tool.safemigrate.deadline-s" in FILE: expected float > 0.0'),
        (
            'rules.drop-column = "no"',
            "\"tool.safemigrate.rules.drop-column\" in FILE: 'no' is not a severity",
        ),
        (
            "rules.drop-column = false",
            '"tool.safemigrate.rules.drop-column" in FILE: False is not a severity',
        ),
    ],
)
def test_a_wrong_value_is_named_with_its_path(tmp_path: Path, line: str, problem: str) -> None:
    error = refuse_text(tmp_path, f"[tool.safemigrate]\n{line}\n")
    assert error.message == problem.replace("FILE", f'"{tmp_path / "pyproject.toml"}"')
    assert re.match(r"(for example: |one of: error, warning, info, off$)", error.hint)


def test_settings_of_a_path_are_a_table(tmp_path: Path) -> None:
    error = refuse_text(tmp_path, '[tool.safemigrate.per-path]\n"a/**" = "off"\n')
    assert error.message.startswith('"tool.safemigrate.per-path."a/**"" in')
    assert error.message.endswith(": expected table, got str")
    assert error.hint == "its keys are: ignore, rules, select"


def test_every_key_has_an_example_that_is_right() -> None:
    assert set(_EXAMPLES) == set(list_keys(_Table))
    for key, example in _EXAMPLES.items():
        read = msgspec.toml.decode(example, type=_Table)
        assert getattr(read, key.replace("-", "_"))


def test_broken_toml_is_named_with_its_line(tmp_path: Path) -> None:
    error = refuse_text(tmp_path, "[tool.safemigrate]\npg-version = \n")
    assert f'"{tmp_path / "pyproject.toml"}" is not valid TOML: ' in error.message
    assert "line 2" in error.message


def test_a_file_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    path = tmp_path / "safemigrate.toml"
    path.write_bytes(b"# \xff\n")
    with pytest.raises(ConfigError) as caught:
        load_config((tmp_path,))
    assert caught.value.message == f'"{path}" is not UTF-8 (byte 3)'


def test_a_rule_nobody_knows_is_named_with_the_closest() -> None:
    config = Config(
        path="pyproject.toml",
        prefix="tool.safemigrate.",
        rules=RuleSettings(disabled=frozenset({"drop-colum"})),
    )
    with pytest.raises(ConfigError) as caught:
        check_rule_names(config, ["drop-column", "rename-table"])
    assert caught.value.message == (
        'unknown rule "tool.safemigrate.rules.drop-colum" in "pyproject.toml"'
    )
    assert caught.value.hint.startswith('did you mean "drop-column"?')


def test_known_rules_pass_the_check() -> None:
    settings = RuleSettings({"drop-column": Severity.INFO}, frozenset({"rename-table"}))
    config = Config(rules=settings)
    check_rule_names(config, ["drop-column", "rename-table"])
    with pytest.raises(ConfigError):
        check_rule_names(config, ["drop-column"])


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        (RuleSettings(selected=frozenset({"typs"})), "tool.safemigrate.select"),
        (RuleSettings(ignored=frozenset({"typs"})), "tool.safemigrate.ignore"),
        (
            RuleSettings(per_path=(PathChoice("a/*", RuleChoice(selected=frozenset({"typs"}))),)),
            'tool.safemigrate.per-path."a/*".select',
        ),
    ],
)
def test_a_word_that_is_neither_rule_nor_family_is_named_with_the_closest(
    settings: RuleSettings, place: str
) -> None:
    config = Config(path="pyproject.toml", prefix="tool.safemigrate.", rules=settings)
    with pytest.raises(ConfigError) as caught:
        check_rule_names(config, ["drop-column"], ["locks", "types"])
    assert caught.value.message == (
        f'"{place}" in "pyproject.toml" names "typs", which is neither a rule nor a family of rules'
    )
    assert caught.value.hint.startswith('did you mean "types"?')
    assert "the families are locks, types" in caught.value.hint


def test_rules_families_and_all_can_be_selected_and_ignored() -> None:
    words = frozenset({"drop-column", "types", "all"})
    check_rule_names(Config(rules=RuleSettings(selected=words)), ["drop-column"], ["types"])
    check_rule_names(Config(rules=RuleSettings(ignored=words)), ["drop-column"], ["types"])
    with pytest.raises(ConfigError):
        check_rule_names(Config(rules=RuleSettings(selected=words)), ["drop-column"])
