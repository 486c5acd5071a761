import json
from typing import Protocol

import pytest
from click.testing import Result

from safemigrate.lint import rules


class Run(Protocol):
    def __call__(self, *arguments: str) -> Result: ...


def test_without_a_name_every_rule_has_a_line(run: Run) -> None:
    result = run("rule")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines[:-2]] == list(rules())
    assert lines[-1].startswith(f"{len(rules())} rules")
    assert lines[-1].endswith('; "safemigrate rule NAME" shows one.')


@pytest.mark.parametrize("name", list(rules()))
def test_every_page_has_what_a_reader_needs(run: Run, name: str) -> None:
    result = run("rule", name)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{name}   ")
    assert f"ignore[{name}] the reason" in result.stdout
    assert rules()[name].page in result.stdout
    assert "Cases of the rule book that are found:\n\n- " in result.stdout


def test_json_has_one_rule_or_all(run: Run) -> None:
    everything = json.loads(run("rule", "--format", "json").stdout)
    assert [rule["name"] for rule in everything["rules"]] == list(rules())
    one = json.loads(run("rule", "non-concurrent-index", "--format", "json").stdout)
    assert one["version"] == 1
    assert [rule["name"] for rule in one["rules"]] == ["non-concurrent-index"]


@pytest.mark.parametrize("name", ["non-concurent-index", "Non_Concurrent_Index"])
def test_an_unknown_name_gets_the_closest(run: Run, name: str) -> None:
    result = run("rule", name)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == (
        f'error: there is no rule "{name}"\n'
        'hint: did you mean "non-concurrent-index"? "safemigrate rule" lists them all\n'
    )


def test_a_name_like_no_other_gets_the_list(run: Run) -> None:
    result = run("rule", "zzz")
    assert result.exit_code == 2
    assert result.stderr.endswith('hint: "safemigrate rule" lists them all\n')
