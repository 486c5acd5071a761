"""docs/explanation says what there is: commands run, SQL is sent, outputs and names are real."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import psycopg
import pytest
from click.testing import CliRunner

from safemigrate.cli.group import group
from safemigrate.lint import rules
from safemigrate.model import Property
from safemigrate.server import Server
from safemigrate.trace import Connection, open_connection
from tests.docs.explanation import PAGES, ROOT, list_blocks, list_rows, read_page
from tests.postgres.versions import ProofServers, proof_versions
from tests.verify.conftest import Scaffold

EXPLANATION = ROOT / "docs" / "explanation"
DRAWINGS = [
    (page.stem, name, body)
    for page in PAGES
    for name, body in re.findall(
        r"^```\{drawing\} (\S+)\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE
    )
]
OUTPUT = re.compile(r"<!-- output: (?P<command>.*) -->\n```text\n(?P<text>.*?)```\n", re.DOTALL)
JUDGING = read_page("how-it-judges")
ROLLING = read_page("rolling-deploys")


def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "safemigrate", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1", **variables},
    )


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The project that the pages' commands are run in."""
    folder = tmp_path / "example"
    shutil.copytree(ROOT / "docs" / "example", folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_rules_properties_and_commands_that_are_named_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    known = set(rules()) | {one.value for one in Property}
    words = {"lock-timeout-ms", "lock-conflicts"}
    named = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", text)) - words
    commands = set(re.findall(r"`safemigrate ([a-z-]+)", text))

    assert named <= known
    for command in commands:
        assert CliRunner().invoke(group, [command, "--help"]).exit_code == 0, command


@pytest.mark.parametrize(("page", "name", "body"), DRAWINGS)
def test_a_drawing_is_there_and_told_in_words(page: str, name: str, body: str) -> None:
    (alt,) = re.findall(r"^:alt: (.+)$", body, re.MULTILINE)
    diagram = EXPLANATION / "diagrams" / f"{name}.svg"
    measured = ROOT / "docs" / "measured" / f"{name}.json"

    assert len(alt) > 40, page
    assert name == "lock-conflicts" or diagram.exists() != measured.exists()


def test_every_diagram_and_measurement_is_on_a_page() -> None:
    diagrams = {path.stem for path in (EXPLANATION / "diagrams").glob("*.svg")}
    measured = {path.stem for path in (ROOT / "docs" / "measured").glob("*.json")}

    assert diagrams | measured | {"lock-conflicts"} == {name for _, name, _ in DRAWINGS}


@pytest.mark.parametrize(
    "path", sorted((EXPLANATION / "diagrams").glob("*.svg")), ids=lambda path: path.stem
)
def test_a_diagram_has_the_colours_of_the_page_and_fits_a_telephone(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    root = ET.fromstring(text)  # noqa: S314 - our own file
    classes = set(re.findall(r"\.(\w+) \{", STYLES))

    assert not re.search(r"#[0-9a-fA-F]{3,6}\b|rgb\(", text)
    assert set(" ".join(re.findall(r'class="([^"]*)"', text)).split()) <= classes
    # 12 units of text are 10 pixels or more where the page is 358 pixels wide
    _, _, width, _ = map(float, root.attrib["viewBox"].split())
    assert width <= 12 * 358 / 10


STYLES = (ROOT / "docs" / "_static" / "drawings.css").read_text(encoding="utf-8")


def test_the_outputs_shown_are_what_commands_write(example: Path) -> None:
    def fill(match: re.Match[str]) -> str:
        done = run(example, *shlex.split(match["command"])[1:])
        assert done.returncode == 0, done.stderr
        return match[0].replace(match["text"], done.stdout)

    expected = OUTPUT.sub(fill, JUDGING)
    if os.environ.get("SAFEMIGRATE_WRITE_DOCS") == "1":
        (EXPLANATION / "how-it-judges.md").write_text(expected, encoding="utf-8")

    shown = [match["command"] for match in OUTPUT.finditer(JUDGING)]
    assert shown == [line for one in list_blocks(JUDGING, "sh") for line in one.splitlines()]
    assert read_page("how-it-judges") == expected


def test_certainties_are_those_of_the_table(tmp_path: Path) -> None:
    rows = list_rows(JUDGING, "statement", "certainty", "why")
    (tmp_path / "before.sql").write_text(list_blocks(JUDGING, "sql")[0])
    (tmp_path / "change.sql").write_text("".join(f"{row[0].strip('`')};\n" for row in rows))

    done = run(tmp_path, "explain", "--schema", "before.sql", "change.sql", "--format", "json")

    statements = json.loads(done.stdout)["statements"]
    assert [one["certainty"] for one in statements] == [row[1] for row in rows]
    assert [bool(one["rewrites"]) for one in statements] == [row[1] == "unknown" for row in rows]


@pytest.mark.parametrize(
    "line", [line for one in list_blocks(read_page("runner"), "sh") for line in one.splitlines()]
)
def test_a_command_of_the_runner_does_what_it_is_shown_for(
    line: str, example: Path, database: str
) -> None:
    (example / "versions" / "0002_find_recipes_by_name.py").unlink()
    program, *arguments = shlex.split(line)

    done = run(example, *arguments, SAFEMIGRATE_URL=database)

    assert program == "safemigrate"
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout


def list_parts(kind: str) -> dict[str, str]:
    """Return the blocks of SQL that a comment names as a phase, or as those of a release."""
    found = re.findall(
        rf"<!-- {kind}: (\w+) -->\n```(?:sql|postgresql)\n(.*?)^```$",
        ROLLING,
        re.DOTALL | re.MULTILINE,
    )
    return dict(found)


PHASES, RELEASES = list_parts("phase"), list_parts("release")


@pytest.fixture(params=proof_versions())
def users(request: pytest.FixtureRequest, proof_servers: ProofServers) -> Iterator[Connection]:
    """A session on an empty database of each version that facts are proved on."""
    server = proof_servers[request.param]
    name = server.create_database()
    with open_connection(server.url(name)) as connection:
        yield connection
    server.drop_database(name)


def can_serve(session: Connection, release: str) -> bool:
    """Return whether each statement of the release works; what it does is undone."""
    try:
        with session.transaction(force_rollback=True):
            session.execute(RELEASES[release].encode())
    except psycopg.errors.UndefinedColumn:
        return False
    return True


def test_both_releases_work_from_expand_to_contract(users: Connection) -> None:
    served = {}
    for phase, text in PHASES.items():
        users.execute(text.encode())
        served[phase] = {release for release in RELEASES if can_serve(users, release)}
        if phase == "expand":
            unfilled = users.execute("SELECT count(*) FROM users WHERE email IS NULL").fetchone()
        if phase == "move":
            filled = users.execute("SELECT count(*) FROM users WHERE email IS NULL").fetchone()

    assert served == {
        "before": {"old"},
        "expand": {"old", "new"},
        "move": {"old", "new"},
        "contract": {"new"},
    }
    assert (unfilled, filled) == ((1,), (0,))


def test_columns_are_kept_in_step_whichever_release_writes(users: Connection) -> None:
    for phase in ("before", "expand", "move"):
        users.execute(PHASES[phase].encode())
    for release in RELEASES.values():
        users.execute(release.encode())

    rows = users.execute("SELECT mail, email FROM users ORDER BY id").fetchall()

    assert rows == [
        ("very.new.ada@example.com",) * 2,
        ("old@example.com",) * 2,
        ("new@example.com",) * 2,
    ]


def test_a_prepared_statement_does_not_outlive_a_new_column(users: Connection) -> None:
    users.execute(PHASES["before"].encode())
    users.execute("PREPARE everything AS SELECT * FROM users")
    users.execute("EXECUTE everything")
    users.execute(PHASES["expand"].encode())

    with pytest.raises(psycopg.errors.FeatureNotSupported, match="cached plan must not change"):
        users.execute("EXECUTE everything")


def test_verify_tells_expanding_from_dropping(tmp_path: Path, embedded_server: Server) -> None:
    scaffold = Scaffold(tmp_path, embedded_server)
    scaffold.write()
    ((line,),) = [one.splitlines() for one in list_blocks(ROLLING, "sh")]
    (marker,) = list_blocks(ROLLING, "python")
    mail, email = (f"ALTER TABLE users ADD COLUMN {name} text" for name in ("mail", "email"))
    scaffold.add("0001", "CREATE TABLE users (id bigint, mail text)", "DROP TABLE users")
    scaffold.add("0002", email, "ALTER TABLE users DROP COLUMN email")
    scaffold.add("0003", "ALTER TABLE users DROP COLUMN mail", mail)

    def verify() -> subprocess.CompletedProcess[str]:
        server = embedded_server.url("postgres")
        return run(tmp_path, *shlex.split(line)[1:], "--server", server, "--format", "json")

    contracted = verify()
    path = scaffold.path("0003")
    path.write_text(marker + path.read_text())
    accepted = verify()

    assert contracted.returncode == 1, contracted.stdout + contracted.stderr
    assert read_standings(contracted.stdout) == {"0002": "holds", "0003": "broken"}
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    assert read_standings(accepted.stdout) == {"0002": "holds", "0003": "accepted"}


def read_standings(text: str) -> dict[str, str]:
    """Return how the property stands for the revisions that change the table."""
    return {
        one["revision"]: check["standing"]
        for one in json.loads(text)["revisions"][1:]
        for check in one["checks"]
        if check["property"] == "old-statements-work"
    }
