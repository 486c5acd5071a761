"""Scripts of the project's own workload read and drawn."""

from pathlib import Path
from random import Random

from safemigrate.verify.traffic import read_workload
from safemigrate.verify.traffic.work import read_mark


def draw(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - a workload is no secret


def texts(tmp_path: Path, script: str, seed: int = 0) -> list[str]:
    path = tmp_path / "w.sql"
    path.write_text(script)
    return [text.partition("*/ ")[2] for _, text in read_workload(path).round(draw(seed))]


def test_values_stand_where_their_names_stood(tmp_path: Path) -> None:
    script = "\\set a 7\n\\set b :a\nSELECT :a, ':b', 1::int, :unknown;\n"

    assert texts(tmp_path, script) == ["SELECT 7, '7', 1::int, :unknown"]


def test_a_random_number_stays_the_same_for_a_round(tmp_path: Path) -> None:
    script = "\\set a random(5, 9)\nSELECT :a;\nSELECT :a;\n"
    rounds = [texts(tmp_path, script, seed) for seed in range(40)]

    assert all(first == second for first, second in rounds)
    assert {first for first, _ in rounds} == {f"SELECT {number}" for number in range(5, 10)}


def test_a_statement_may_span_lines_and_a_variable_change(tmp_path: Path) -> None:
    script = "\\set a 1\nSELECT\n  :a;\n\\set a 2\nSELECT :a"

    assert texts(tmp_path, script) == ["SELECT\n  1", "SELECT 2"]


def test_a_command_is_named_by_its_text_and_place(tmp_path: Path) -> None:
    path = tmp_path / "w.sql"
    path.write_text("-- first\n\nSELECT 1,\n   2;\nALTER ROLE x PASSWORD 'hunter2';\n")
    work = read_workload(path)

    first, second = (command.name for command in work.commands)
    assert first.startswith("SELECT 1, 2 (")
    assert first.endswith("w.sql:3)")
    assert "hunter2" not in second


def test_only_a_script_without_values_is_prepared(tmp_path: Path) -> None:
    path = tmp_path / "w.sql"
    path.write_text("SELECT 1;")
    assert read_workload(path).is_prepared
    path.write_text("\\set a 1\nSELECT :a;")
    assert not read_workload(path).is_prepared


def test_each_text_carries_the_number_of_its_command(tmp_path: Path) -> None:
    path = tmp_path / "w.sql"
    path.write_text("SELECT 1; SELECT 2;")
    sent = list(read_workload(path).round(draw(0)))

    assert [(number, read_mark(text)) for number, text in sent] == [(0, 0), (1, 1)]
    assert read_mark("SELECT 1") is None
