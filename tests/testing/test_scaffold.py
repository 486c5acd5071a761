from pathlib import Path

import pytest

from safemigrate import __version__
from safemigrate.errors import ExitCode, UsageError
from safemigrate.rulekit import Context
from safemigrate.testing import load_rule_cases, scaffold
from safemigrate.testing.scaffold import check_rule_name, write_rule


def test_a_new_rule_is_two_files_that_work_together(tmp_path: Path) -> None:
    code, book = write_rule("odd-column", rules=tmp_path, cases=tmp_path, version="9.9")
    assert (code.name, book.name) == ("odd_column.py", "odd-column.yml")
    namespace: dict[str, object] = {}
    exec(compile(code.read_text(encoding="utf-8"), code, "exec"), namespace)  # noqa: S102 - our own
    rule = namespace["odd_column"]
    assert getattr(rule, "name", None) == load_rule_cases(book).rule == "odd-column"
    assert getattr(rule, "since", None) == "9.9"
    assert callable(getattr(rule, "check", None))
    assert Context.__name__ in code.read_text(encoding="utf-8")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "odd-column.yml").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match=r'"odd-column\.yml" is already there'):
        write_rule("odd-column", rules=tmp_path, cases=tmp_path, version="9.9")
    assert [path.name for path in tmp_path.iterdir()] == ["odd-column.yml"]
    assert (tmp_path / "odd-column.yml").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("name", ["Odd", "odd_column", "odd--column", "-odd", "odd2", "", "ödd"])
def test_a_name_is_lower_case_words_joined_by_dashes(name: str) -> None:
    with pytest.raises(UsageError, match="is not a name for a rule"):
        check_rule_name(name)


@pytest.mark.parametrize("name", ["no-column", "require-index", "use-text", "ban-char"])
def test_a_name_that_says_the_cure_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="names the cure"):
        check_rule_name(name)


def test_a_wrong_call_ends_with_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    assert scaffold.main([]) == ExitCode.USAGE
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "error: one name is needed\nhint: make rule NAME=lower-case-words\n"


def test_a_rule_that_is_there_is_not_made_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert scaffold.main(["dropped-table"]) == ExitCode.USAGE
    assert '"dropped_table.py" is already there' in capsys.readouterr().err


def test_the_version_written_is_the_packages(tmp_path: Path) -> None:
    code, _ = write_rule("odd-column", rules=tmp_path, cases=tmp_path, version=__version__)
    assert f'since="{__version__}"' in code.read_text(encoding="utf-8")
