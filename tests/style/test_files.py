"""The style of files of SQL."""

import sys
from pathlib import Path

import pytest
from sqlfluff.core.templaters import RawTemplater

from safemigrate.config import PathChoice, RuleChoice, RuleSettings
from safemigrate.errors import ConfigError, SourceError
from safemigrate.model import Severity
from tests.style.conftest import Style, only_style, places


def test_a_file_is_judged_at_its_own_places(style_sql: Style) -> None:
    result = style_sql("-- one\nSELECT  1;\n\nselect 2;\n")

    assert places(result) == [("LT01", 2, 7), ("CP01", 4, 1)]
    assert {one.severity for one in only_style(result)} == {Severity.INFO}
    assert [one.ordinal for one in only_style(result)] == [1, 2]
    assert [one.sql for one in only_style(result)] == ["SELECT  1", "select 2"]


def test_line_ends_and_marks_of_other_systems_do_not_shift_places(style_sql: Style) -> None:
    result = style_sql("\ufeffSELECT 1;\r\n\r\nSELECT\t'🦉'  AS a;\r\n".encode())

    assert places(result) == [("LT01", 3, 7), ("LT01", 3, 11)]


def test_a_file_that_is_not_utf_8_is_an_error_that_names_the_byte(style_sql: Style) -> None:
    with pytest.raises(SourceError, match="byte 9 cannot be decoded"):
        style_sql(b"SELECT '\xff'")


def test_the_end_of_a_file_is_judged(style_sql: Style) -> None:
    assert places(style_sql("SELECT 1;")) == [("LT12", 1, 9)]


def test_an_empty_file_has_no_style(style_sql: Style) -> None:
    assert places(style_sql("")) == []


@pytest.mark.parametrize(
    "text",
    [
        "-- safemigrate: ignore[style/LT01] because\nSELECT  1;\n",
        "SELECT  1; -- safemigrate: ignore[style/LT01] because\n",
        "SELECT 1,\n  -- safemigrate: ignore[style/LT01] because\n  2  AS a;\n",
    ],
)
def test_an_ignore_silences_the_style_of_a_statement(style_sql: Style, text: str) -> None:
    result = style_sql(text)

    assert [one for one in places(result) if one[0] == "LT01"] == []
    assert result.suppressed == 1
    assert [one.rule for one in result.findings if "ignore" in one.rule] == []


def test_noqa_silences_it_too(style_sql: Style) -> None:
    text = "SELECT  1;  -- noqa: LT01\nSELECT  2;\n-- noqa: disable=all\nSELECT  3;\n"

    assert places(style_sql(text)) == [("LT01", 2, 7)]


def test_what_sqlfluff_does_not_read_is_said_and_the_rest_is_judged(style_sql: Style) -> None:
    result = style_sql("SELECT  1;\nALTER TABLE cook ADD a int, FROBNICATE b;\n")

    assert places(result)[0] == ("LT01", 1, 7)
    (entry,) = [one for one in result.unjudged if one.reason.startswith("style")]
    assert (entry.line, entry.hides_statements) == (2, False)
    assert "FROBNICATE" in entry.reason


def test_a_file_that_is_too_large_is_said_to_be(style_sql: Style) -> None:
    result = style_sql("SELECT  1;\n" * 2000)

    assert places(result) == []
    (entry,) = result.unjudged
    assert entry.reason == (
        "style: 22000 bytes are more than the 20000 that sqlfluff is asked about "
        "(large_file_skip_byte_limit)"
    )
    assert not entry.hides_statements


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".sqlfluff", "[sqlfluff]\nrules = CP01\n"),
        ("setup.cfg", "[sqlfluff]\nrules = CP01\n"),
        ("pyproject.toml", '[tool.sqlfluff.core]\nrules = "CP01"\n'),
    ],
)
def test_the_project_s_own_configuration_holds(
    here: Path, style_sql: Style, name: str, text: str
) -> None:
    (here / name).write_text(text, encoding="utf-8")

    assert places(style_sql("SELECT  1;\nselect 2;\n")) == [("CP01", 2, 1)]


def test_a_project_s_templates_are_rendered(here: Path, style_sql: Style) -> None:
    config = "[sqlfluff]\nrules = LT01\n[sqlfluff:templater:jinja:context]\nname = cook\n"
    (here / ".sqlfluff").write_text(config, encoding="utf-8")

    assert places(style_sql("SELECT id FROM {{ name }};\nSELECT  1;\n")) == [("LT01", 2, 7)]


LIBRARY = "library_path = lib"
EVIL = "from pathlib import Path\nPath('touched').touch()\ndef name(): return 'cook'\n"


@pytest.mark.parametrize(
    ("config", "head"),
    [
        (f"[sqlfluff:templater:jinja]\n{LIBRARY}\n", ""),
        (f"[sqlfluff]\n{LIBRARY}\n", ""),
        ("[sqlfluff]\ntemplater = jinja\n", "-- sqlfluff:templater:jinja:library_path:lib\n"),
        ("[sqlfluff]\ntemplater = jinja\n", "--sqlfluff:library_path:lib\n"),
    ],
)
def test_the_modules_of_a_project_s_templates_are_not_run(
    here: Path, style_sql: Style, config: str, head: str
) -> None:
    (here / "lib").mkdir()
    (here / "lib" / "evil_of_style.py").write_text(EVIL, encoding="utf-8")
    (here / ".sqlfluff").write_text(config, encoding="utf-8")

    result = style_sql(f"{head}SELECT  {{{{ evil_of_style.name() }}}};\n")

    assert not (here / "touched").exists()
    assert "evil_of_style" not in sys.modules
    assert [one for one in result.unjudged if "library_path are not loaded" in one.reason]


def test_a_library_is_no_matter_for_sql_without_templates(here: Path, style_sql: Style) -> None:
    (here / ".sqlfluff").write_text(
        f"[sqlfluff]\nrules = LT01\n[sqlfluff:templater:jinja]\n{LIBRARY}\n", encoding="utf-8"
    )

    result = style_sql("SELECT  1;\n")

    assert (places(result), result.unjudged) == ([("LT01", 1, 7)], ())


def test_a_templater_that_may_run_programs_is_not_used(
    here: Path, style_sql: Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    # every plugin's templater is one with a name that sqlfluff itself does not know
    monkeypatch.setattr(RawTemplater, "name", "dbt")
    monkeypatch.setattr(RawTemplater, "process", lambda *_, **__: pytest.fail("it was used"))
    (here / ".sqlfluff").write_text("[sqlfluff]\ntemplater = dbt\n", encoding="utf-8")

    result = style_sql("SELECT  1;\n")

    assert places(result) == []
    (entry,) = result.unjudged
    assert entry.reason == 'style: the templater "dbt" is not used, for it may run programs'


def test_what_a_file_says_of_its_style_is_for_that_file(here: Path, style_sql: Style) -> None:
    (here / ".sqlfluff").write_text("[sqlfluff]\nrules = LT01\n", encoding="utf-8")

    assert places(style_sql("-- sqlfluff:rules:CP01\nSELECT  1;\nselect 2;\n")) == [("CP01", 3, 1)]
    assert places(style_sql("SELECT  1;\nselect 2;\n")) == [("LT01", 1, 7)]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".sqlfluff", b"[sqlfluff\nrul"),
        (".sqlfluff", b"rules = LT01\n"),
        (".sqlfluff", b"[sqlfluff]\nrules = LT01\nrules = LT02\n"),
        (".sqlfluff", b"[sqlfluff]\nrules = \xff\n"),
        ("setup.cfg", b"[metadata\n"),
        ("tox.ini", b"[tox]\n[tox]\n"),
        ("pep8.ini", b"nothing"),
        ("pyproject.toml", b"[tool.sqlfluff"),
        ("pyproject.toml", b"[tool]\nsqlfluff = 3\n"),
        ("pyproject.toml", b"[tool.sqlfluff.core]\nlibrary_path = 3\n"),
    ],
)
@pytest.mark.parametrize("folder", ["", "home"])
def test_a_file_of_configuration_that_cannot_be_read_is_named(
    here: Path, style_sql: Style, name: str, text: bytes, folder: str
) -> None:
    (here / folder / name).write_bytes(text)

    with pytest.raises(ConfigError) as caught:
        style_sql("SELECT 1;\n")
    shown = str(here / folder / name)
    assert f'sqlfluff cannot read "{shown}": ' in caught.value.message
    assert "<string>" not in caught.value.message
    assert caught.value.hint == "correct the file; sqlfluff is configured there"


@pytest.mark.parametrize("rules", ["NOPE", "LT01,NOPE"])
def test_a_configuration_of_a_rule_that_is_not_there_is_an_error(
    here: Path, style_sql: Style, rules: str
) -> None:
    (here / ".sqlfluff").write_text(f"[sqlfluff]\nrules = {rules}\n", encoding="utf-8")

    with pytest.raises(ConfigError, match='sqlfluff has no rule "NOPE"'):
        style_sql("-- safemigrate: ignore[style/LT01] because\nSELECT  1;\n")
    (here / ".sqlfluff").unlink()
    with pytest.raises(ConfigError, match='sqlfluff has no rule "NOPE"'):
        style_sql(f"-- sqlfluff:rules:{rules}\nSELECT  1;\n")


@pytest.mark.parametrize("rules", ["all", "core", "LT*", "layout", "layout.spacing", "L001"])
def test_rules_are_chosen_by_any_name_that_sqlfluff_takes(
    here: Path, style_sql: Style, rules: str
) -> None:
    (here / ".sqlfluff").write_text(f"[sqlfluff]\nrules = {rules}\n", encoding="utf-8")

    assert ("LT01", 1, 7) in places(style_sql("SELECT  1;\n"))


def test_a_configuration_that_sqlfluff_does_not_take_is_an_error(
    here: Path, style_sql: Style
) -> None:
    (here / ".sqlfluff").write_text("[sqlfluff]\ntemplater = none-such\n", encoding="utf-8")

    with pytest.raises(ConfigError, match="none-such"):
        style_sql("SELECT 1;\n")


def test_the_configuration_says_how_loud_style_is(here: Path, style_sql: Style) -> None:
    def loudness(settings: RuleSettings) -> list[Severity]:
        return [one.severity for one in only_style(style_sql("SELECT  1;\n", settings))]

    off = RuleChoice(disabled=frozenset({"style"}))
    quiet = RuleChoice(ignored=frozenset({"style"}))
    warning = {"style": Severity.WARNING}

    def below(glob: str, choice: RuleChoice) -> list[Severity]:
        per_path = (PathChoice(glob, choice),)
        return loudness(RuleSettings(folder=str(here), here=str(here), per_path=per_path))

    assert loudness(RuleSettings(severities=warning)) == [Severity.WARNING]
    assert loudness(RuleSettings(disabled=frozenset({"style"}))) == []
    assert below("*.sql", off) == []
    assert below("*.sql", quiet) == []
    assert below("old/*", off) == [Severity.INFO]


def test_the_default_style_is_that_of_our_own_migrations(style_sql: Style) -> None:
    result = style_sql(
        "create TABLE cook (Id BIGINT, name text);\n"
        "SELECT COUNT(*) AS n FROM cook WHERE name = '{{ x }}';\n"
        "COMMENT ON TABLE cook IS\n    'Who cooks';\n"
    )

    assert sorted({one[:2] for one in places(result)}) == [
        ("CP01", 1),
        ("CP02", 1),
        ("CP03", 2),
        ("CP05", 1),
        ("LT14", 2),
    ]
