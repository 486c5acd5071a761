"""Our findings in sqlfluff, through its own API and its own command."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import sqlfluff
from sqlfluff.core import FluffConfig, Linter

from safemigrate.lint import rules
from safemigrate.style import plugin_rules

INDEX = "CREATE INDEX cook_name ON cook (name);\n"
CONFIG = "[sqlfluff]\ndialect = postgres\nrules = safemigrate\n"


def lint(sql: str, path: Path, config: str = CONFIG) -> list[tuple[str, int, int, bool]]:
    """Return the code, line and column of each violation, and whether it is a warning."""
    settings = FluffConfig.from_string(config)
    linted = Linter(config=settings).lint_string(sql, fname=str(path), config=settings)
    return [
        (one.rule_code(), one.line_no, one.line_pos, one.warning)
        for one in linted.get_violations(filter_warning=False)
    ]


def test_sqlfluff_knows_the_plugin() -> None:
    (point,) = [one for one in entry_points(group="sqlfluff") if one.name == "safemigrate"]

    assert point.value == "safemigrate.style.plugin"


def test_each_rule_of_ours_is_one_of_sqlfluff_s() -> None:
    ours = {one.code: one for one in Linter(dialect="postgres").rule_tuples()}

    assert set(rules()) <= set(ours)
    assert ours["non-concurrent-index"].name == "safemigrate.non_concurrent_index"
    assert set(ours["non-concurrent-index"].groups) == {"all", "safemigrate"}


def test_the_class_of_a_rule_is_known_by_its_name() -> None:
    for made in plugin_rules.make_rules():
        assert getattr(plugin_rules, made.__name__) is made
    with pytest.raises(AttributeError):
        _ = plugin_rules.no_such_thing


@pytest.mark.usefixtures("here")
def test_a_finding_is_a_violation_with_its_name_and_place() -> None:
    found = sqlfluff.lint(f"-- one\n{INDEX}", dialect="postgres", rules=["safemigrate"])

    (violation,) = found
    assert violation["code"] == "non-concurrent-index"
    assert (violation["start_line_no"], violation["start_line_pos"]) == (2, 1)
    assert violation["description"].startswith(
        'building index "cook_name" blocks writes to "public.cook": CREATE INDEX holds SHARE'
    )


def test_a_warning_of_ours_is_one_of_sqlfluff_s(here: Path) -> None:
    found = lint('CREATE TABLE a (id int PRIMARY KEY, "user" text);', here / "a.sql")

    assert ("reserved-name", 1, 37, True) in found


def test_other_dialects_are_not_judged(here: Path) -> None:
    assert lint(INDEX, here / "a.sql", CONFIG.replace("postgres", "mysql")) == []


@pytest.mark.parametrize(
    "comment",
    [
        "noqa",
        "noqa: non-concurrent-index",
        "noqa: safemigrate.non_concurrent_index",
        "noqa: safemigrate",
        "safemigrate: ignore[non-concurrent-index] nobody writes",
    ],
)
def test_comments_silence_a_finding(here: Path, comment: str) -> None:
    text = f"{INDEX.strip()}  -- {comment}\n{INDEX.replace('cook_name', 'b')}"

    assert [one[:2] for one in lint(text, here / "a.sql") if not one[3]] == [
        ("non-concurrent-index", 2)
    ]


def test_what_sqlfluff_does_not_read_is_judged_all_the_same(here: Path) -> None:
    found = lint(f"ALTER TABLE cook FROBNICATE;\n{INDEX}", here / "a.sql")

    assert ("non-concurrent-index", 2, 1, False) in found


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_places_hold_behind_wide_letters_and_tabs(here: Path, newline: str) -> None:
    text = f"SELECT '🦉';{newline}\tSELECT 'é';\t{INDEX}"

    assert ("non-concurrent-index", 2, 14, False) in lint(text, here / "a.sql")


def test_the_places_of_a_template_are_those_of_the_file(here: Path) -> None:
    config = f"{CONFIG}[sqlfluff:templater:jinja:context]\nnames = ['one', 'two']\n"
    text = (
        "{# nothing runs here, and it is long #}\n"
        "{% for name in names %}\n"
        "SELECT 1;  CREATE INDEX {{ name }} ON cook (id);\n"
        "{% endfor %}\n"
        "{% set last = 'DROP TABLE cook;' %}\n"
        "  {{ last }}\n"
    )

    found = lint(text, here / "a.sql", config)
    assert ("non-concurrent-index", 3, 12, False) in found
    assert [one[1] for one in found if one[0] == "dropped-table"] == [6]


def test_the_files_before_it_say_what_is_there(here: Path) -> None:
    first, second = here / "1_one.up.sql", here / "2_two.up.sql"
    first.write_text("CREATE TABLE cook (id bigint PRIMARY KEY, name text);\n", encoding="utf-8")
    text = "ALTER TABLE cook ALTER COLUMN id TYPE bigint;\n"
    second.write_text(text, encoding="utf-8")
    (here / "1_one.down.sql").write_text("DROP TABLE cook;\n", encoding="utf-8")
    (here / "2_two.down.sql").write_text("SELECT 1;\n", encoding="utf-8")

    assert [one[0] for one in lint(text, here / "alone" / "a.sql")] == ["column-type-rewrite"]
    assert lint(text, second) == []
    # what an editor has, and the disk has not yet
    changed = lint("\nALTER TABLE cook ALTER COLUMN id TYPE int;\n", second)
    assert [one[:2] for one in changed] == [("column-type-narrowing", 2)]


def test_a_schema_says_what_is_there(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "schema.sql").write_text("CREATE TABLE cook (name varchar(5));", encoding="utf-8")
    text = "ALTER TABLE cook ALTER COLUMN name TYPE varchar(9);\n"
    config = f"{CONFIG}[sqlfluff:safemigrate]\nschema_path = schema.sql\n"
    (here / ".sqlfluff").write_text(config, encoding="utf-8")
    (here / "a.sql").write_text(text, encoding="utf-8")

    (here / "below").mkdir()
    monkeypatch.chdir(here / "below")

    known = Linter(config=FluffConfig.from_path(str(here))).lint_path(str(here / "a.sql"))
    assert [one.rule_code() for one in known.get_violations()] == []
    assert "column-type-rewrite" in [one[0] for one in lint(text, here / "other.sql")]


def test_the_configuration_of_the_project_holds(here: Path) -> None:
    config = '[tool.safemigrate]\nignore = ["reserved-name"]\nrules.dropped-table = "error"\n'
    (here / "pyproject.toml").write_text(config, encoding="utf-8")
    (here / "deep/down").mkdir(parents=True)

    text = 'CREATE TABLE a (id int PRIMARY KEY, "user" text);\nDROP TABLE b;\n'
    found = lint(text, here / "deep/down/a.sql")

    assert "reserved-name" not in [one[0] for one in found]
    assert ("dropped-table", 2, 1, False) in found


def test_what_is_wrong_with_the_configuration_is_a_violation(here: Path) -> None:
    (here / "safemigrate.toml").write_text("nonsense = 1\n", encoding="utf-8")
    settings = FluffConfig.from_string(CONFIG)

    linted = Linter(config=settings).lint_string(INDEX, fname="a.sql", config=settings)

    (violation,) = linted.get_violations()
    assert violation.rule_code() == "not-judged"
    assert violation.desc().startswith("safemigrate could not judge this: ")
    assert "nonsense" in violation.desc()


def test_a_failure_of_ours_is_a_violation(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr("safemigrate.lint.judge", fail)

    assert lint(INDEX, here / "a.sql") == [("not-judged", 1, 1, False)]


def test_rules_that_cannot_be_made_leave_sqlfluff_its_own(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from safemigrate.style.plugin import get_rules  # noqa: PLC0415 - beside what it is about

    def fail() -> None:
        raise ImportError("a newer sqlfluff")

    monkeypatch.setattr("safemigrate.style.plugin_rules.make_rules", fail)

    assert get_rules() == []
    assert "a newer sqlfluff" in caplog.text


def test_the_command_of_sqlfluff_shows_them_in_other_processes_too(here: Path) -> None:
    (here / ".sqlfluff").write_text(CONFIG, encoding="utf-8")
    for name in ("a", "b"):
        (here / f"{name}.sql").write_text(INDEX, encoding="utf-8")

    command = (sys.executable, "-m", "sqlfluff", "lint", "--processes", "2", "--format")
    ran = subprocess.run(
        (*command, "github-annotation-native", "."),
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 1
    assert ran.stdout.count("title=SQLFluff") == 2
    assert ran.stdout.count("non-concurrent-index: building index") == 2


def test_sqlfluff_imports_little_of_ours_to_list_its_rules() -> None:
    code = (
        "import sys, sqlfluff; sqlfluff.list_rules();"
        "print(*sorted(m for m in sys.modules if m.startswith('safemigrate')))"
    )
    ran = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, check=True)

    assert ran.stdout.split() == [
        "safemigrate",
        "safemigrate.errors",
        "safemigrate.style",
        "safemigrate.style.plugin",
        "safemigrate.style.plugin_rules",
        "safemigrate.style.remarks",
    ]


def test_what_is_wrong_with_a_folder_above_is_no_matter(here: Path) -> None:
    for folder in ("one", "two"):
        (here / folder).mkdir()
        (here / folder / "V1__one.sql").write_text("SELECT 1;\n", encoding="utf-8")

    (found,) = lint(INDEX, here / "mine" / "a.sql")

    assert found[0] == "non-concurrent-index"


def test_a_folder_above_that_may_be_several_tools_is_no_matter(here: Path) -> None:
    for folder in ("1_one", "20240102030405_two"):
        (here / folder).mkdir()
        (here / folder / "migration.sql").write_text("SELECT 1;\n", encoding="utf-8")
    (here / "V1__one.sql").write_text("SELECT 1;\n", encoding="utf-8")
    (here / "001_one.up.sql").write_text("SELECT 1;\n", encoding="utf-8")

    (found,) = lint(INDEX, here / "mine" / "a.sql")

    assert found[0] == "non-concurrent-index"
