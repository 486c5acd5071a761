"""The plots: what is measured has the form that is drawn, and measuring works, here in little."""

import re
import shlex
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import psycopg
import pytest

from docs.measured import constraints, hot_table, index_build, table_size
from docs.measured.application import Application, connect
from docs.measured.draw import draw
from docs.measured.figures import FOLDER, Experiment, read_experiment
from docs.measured.measure import EXPERIMENTS
from safemigrate.server import Server
from tests.docs.explanation import ROOT, list_blocks, read_page

(LINE,) = [line for block in list_blocks(read_page("locks"), "sh") for line in block.splitlines()]
SMALL = shlex.split("--rows 300 --repeats 1 --held-seconds 0.3 --calm-seconds 0.05")


@pytest.fixture(scope="session")
def measured_here(tmp_path_factory: pytest.TempPathFactory, embedded_server: Server) -> Path:
    """What the command of the page measures on very small tables; the server must be possible."""
    del embedded_server
    folder = tmp_path_factory.mktemp("measured")
    program, *arguments = shlex.split(LINE)
    assert program == "python"
    done = subprocess.run(
        [sys.executable, *arguments, *SMALL, "--to", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


def check(experiment: Experiment, name: str) -> None:
    """Fail unless the experiment has everything that its kind has."""
    assert (experiment.version, experiment.name) == (1, name)
    match name:
        case hot_table.NAME:
            titles = [one.title for one in experiment.timelines]
            assert titles == ["alembic upgrade head", "safemigrate upgrade"]
        case index_build.NAME:
            assert [one.title for one in experiment.timelines] == [
                one.title for one in index_build.WAYS
            ]
        case constraints.NAME:
            assert [(one.group, one.title) for one in experiment.bars] == [
                (one.group, one.title) for one in constraints.WAYS
            ]
            assert all(one.worst_read_ms > 0 < one.worst_write_ms for one in experiment.bars)
        case table_size.NAME:
            assert {one.title: one.statement for one in experiment.lines} == table_size.STATEMENTS
            assert all(len(one.rows) == len(one.took_ms) == 4 for one in experiment.lines)
    for timeline in experiment.timelines:
        assert len(timeline.reads_ms) == len(timeline.writes_ms)
        assert timeline.requests > 0
        assert all(0 <= span.from_s < span.to_s for span in timeline.spans)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_what_is_shown_has_the_form_that_is_drawn(name: str) -> None:
    check(read_experiment(FOLDER / f"{name}.json"), name)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_measuring_in_little_gives_the_same_form(name: str, measured_here: Path) -> None:
    experiment = read_experiment(measured_here / f"{name}.json")

    check(experiment, name)
    assert experiment.about.repeats == 1
    assert "<svg" in draw(experiment)


def test_neither_tool_is_done_before_the_reader_is(measured_here: Path) -> None:
    for timeline in read_experiment(measured_here / "hot-table.json").timelines:
        reader, run = timeline.spans
        assert run.to_s > reader.to_s


def test_a_request_that_fails_ends_the_measuring(database: str) -> None:
    with closing(connect(database)) as connection:
        connection.execute("CREATE TABLE accounts (id bigint, balance bigint)")
        with Application(database, keys=1) as application:
            connection.execute("DROP TABLE accounts")
            with pytest.raises(psycopg.errors.UndefinedTable):
                application.stop()


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_drawing_is_the_same_each_time_and_has_the_colours_of_the_page(name: str) -> None:
    experiment = read_experiment(FOLDER / f"{name}.json")

    svg = draw(experiment)

    root = ET.fromstring(svg)  # noqa: S314 - our own text
    ids = [one.attrib["id"] for one in root.iter() if "id" in one.attrib]
    assert svg == draw(experiment)
    assert not re.search(r"#[0-9a-f]{6}\b", svg)
    assert "<style" not in svg
    assert "var(--drawing-read)" in svg
    assert all(one.startswith(f"{name}-") for one in ids)
    assert len(ids) == len(set(ids))
    assert {"width", "height"}.isdisjoint(root.attrib)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("hot-table", "alembic upgrade head: at worst"),
        ("index-build", "CREATE INDEX CONCURRENTLY: at worst"),
        ("constraints", "FOREIGN KEY, NOT VALID, then VALIDATE"),
        ("table-size", "ADD COLUMN, constant default"),
    ],
)
def test_a_drawing_says_what_it_shows(name: str, words: str) -> None:
    svg = draw(read_experiment(FOLDER / f"{name}.json"))

    assert words in "".join(ET.fromstring(svg).itertext())  # noqa: S314 - our own text


def test_a_key_too_many_is_refused(tmp_path: Path) -> None:
    text = (FOLDER / "table-size.json").read_text().replace('"rows"', '"row"', 1)
    (tmp_path / "table-size.json").write_text(text)

    with pytest.raises(msgspec.ValidationError, match="row"):
        read_experiment(tmp_path / "table-size.json")
