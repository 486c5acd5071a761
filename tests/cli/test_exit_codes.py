"""Every row of docs/exit-codes.md: one scenario, and the code it ends in."""

import re
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from safemigrate.execute.deploylock import deploy_lock_key
from tests.cli.conftest import ProjectFolder, Run
from tests.cli.interrupts import interrupt_reading
from tests.cli.streams import Start, connect, wait_for

DOCS = Path(__file__).parents[2] / "docs" / "exit-codes.md"
ROWS = {
    scenario: int(code)
    for code, scenario in re.findall(
        r"^\| (\d) \| `([^`]+)` \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE
    )
}

CREATE = 'op.execute("CREATE TABLE recipe (id int PRIMARY KEY)")'
INDEX = 'op.execute("CREATE INDEX recipe_id ON old (id)")'
BUILD = (
    "with op.get_context().autocommit_block():\n"
    "        op.execute('CREATE INDEX CONCURRENTLY recipe_id ON old (id)')"
)
FAIL = 'op.execute("SELECT 1 / 0")'
SLEEP = 'op.execute("SELECT pg_sleep(600)")'


class Stage:
    """A project and its database, and what a scenario does with them."""

    def __init__(self, folder: ProjectFolder, run: Run, start: Start, url: str) -> None:
        self.folder = folder
        self.url = url
        self.stack = ExitStack()
        self._run = run
        self._start = start

    def upgrade(self, *arguments: str, url: str = "") -> int:
        """Return the code that it ends in."""
        code: int = self._run("upgrade", *arguments, "--url", url or self.url).exit_code
        return code

    def stop(self, event: str, count: int = 1) -> int:
        """Return the code, when the signal comes with the event, or with the one after so many."""
        process = self._start()
        for _ in range(count):
            wait_for(process, event)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        return process.returncode

    def execute(self, statement: str) -> None:
        with connect(self.url) as session:
            session.execute(statement.encode())


def applied(stage: Stage) -> int:
    stage.folder.revise("1111", CREATE)
    return stage.upgrade()


def nothing_to_do(stage: Stage) -> int:
    applied(stage)
    return stage.upgrade()


def dry_run(stage: Stage) -> int:
    stage.folder.revise("1111", CREATE)
    return stage.upgrade("--dry-run")


def unsafe(stage: Stage) -> None:
    stage.execute("CREATE TABLE old (id int)")
    stage.folder.revise("1111", INDEX)


def refused_by_the_gate(stage: Stage) -> int:
    unsafe(stage)
    return stage.upgrade()


def dry_run_refused(stage: Stage) -> int:
    unsafe(stage)
    return stage.upgrade("--dry-run")


def refused_by_a_hook(stage: Stage) -> int:
    stage.folder.revise("1111", CREATE)
    stage.folder.write("safemigrate.toml", '[run]\nbefore = ["exit 7"]\n')
    return stage.upgrade()


def revision_failed(stage: Stage) -> int:
    stage.folder.revise("1111", FAIL)
    return stage.upgrade()


def wrong_url(stage: Stage) -> int:
    stage.folder.revise("1111", CREATE)
    return stage.upgrade(url="somebody@localhost")


def no_server(stage: Stage) -> int:
    stage.folder.revise("1111", CREATE)
    return stage.upgrade(url="postgresql://somebody@localhost:1/nothing")


def no_such_revision(stage: Stage) -> int:
    stage.folder.revise("1111", CREATE)
    return stage.upgrade("nope")


def unsafe_env(stage: Stage) -> int:
    stage.folder.revise("1111", CREATE)
    env = stage.folder.read("migrations/env.py")
    stage.folder.write("migrations/env.py", env.replace("engine.connect()", "engine.begin()"))
    return stage.upgrade()


def table_busy(stage: Stage) -> int:
    stage.execute("CREATE TABLE old (id int)")
    stage.folder.revise("1111", 'op.execute("ALTER TABLE old ADD COLUMN note text")')
    holder = stage.stack.enter_context(connect(stage.url, autocommit=False))
    holder.execute("SELECT FROM old")
    return stage.upgrade("--deadline", "0.2")


def another_runner(stage: Stage) -> int:
    stage.folder.revise("1111", CREATE)
    other = stage.stack.enter_context(connect(stage.url))
    ((name,),) = other.execute("SELECT current_database()").fetchall()
    other.execute("SELECT pg_advisory_lock(%s, %s)", deploy_lock_key(str(name)))
    return stage.upgrade("--deadline", "0.2")


def stopped(stage: Stage) -> int:
    stage.folder.revise("1111", SLEEP)
    return stage.stop("statement_started")


def stopped_while_it_judges(stage: Stage) -> int:
    code, _ = interrupt_reading(stage.folder, "lint")
    return code


def failed_later(stage: Stage) -> int:
    stage.folder.revise("1111", CREATE)
    stage.folder.revise("2222", FAIL, after="1111")
    return stage.upgrade()


def stopped_later(stage: Stage) -> int:
    stage.folder.revise("1111", CREATE)
    stage.folder.revise("2222", SLEEP, after="1111")
    return stage.stop("statement_started", 2)


def index_left(stage: Stage) -> int:
    stage.execute("CREATE TABLE old (id int)")
    stage.folder.revise("1111", BUILD)
    writer = stage.stack.enter_context(connect(stage.url, autocommit=False))
    writer.execute("INSERT INTO old VALUES (1)")
    return stage.upgrade("--deadline", "0.2")


SCENARIOS: dict[str, Callable[[Stage], int]] = {
    "applied": applied,
    "nothing to do": nothing_to_do,
    "dry run": dry_run,
    "refused by the gate": refused_by_the_gate,
    "dry run refused": dry_run_refused,
    "refused by a hook": refused_by_a_hook,
    "revision failed": revision_failed,
    "wrong url": wrong_url,
    "no server": no_server,
    "no such revision": no_such_revision,
    "unsafe env.py": unsafe_env,
    "table busy": table_busy,
    "another runner": another_runner,
    "stopped": stopped,
    "stopped while it judges": stopped_while_it_judges,
    "failed later": failed_later,
    "stopped later": stopped_later,
    "index left": index_left,
}


@pytest.fixture
def stage(folder: ProjectFolder, run: Run, start: Start, database: str) -> Iterator[Stage]:
    made = Stage(folder, run, start, database)
    with made.stack:
        yield made


def test_every_row_of_the_docs_has_a_scenario() -> None:
    assert set(ROWS) == set(SCENARIOS)
    assert set(ROWS.values()) == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_the_code_is_the_one_of_the_docs(stage: Stage, name: str) -> None:
    assert SCENARIOS[name](stage) == ROWS[name]


@pytest.mark.parametrize("name", ["dry run", "refused by the gate", "refused by a hook"])
def test_what_runs_nothing_changes_nothing(stage: Stage, name: str) -> None:
    SCENARIOS[name](stage)
    with connect(stage.url) as session:
        found = session.execute(
            "SELECT to_regclass('recipe'), to_regclass('recipe_id'), to_regclass('alembic_version')"
        ).fetchall()
    assert found == [(None, None, None)]


def test_a_dry_run_writes_the_plan(stage: Stage, run: Run) -> None:
    stage.folder.revise("1111", CREATE, 'op.execute("DROP TABLE recipe")')
    plan = run("plan", "--url", stage.url)
    assert "CREATE TABLE recipe" in plan.stdout
    assert run("upgrade", "--dry-run", "--url", stage.url).stdout == plan.stdout
    stage.upgrade()
    back = run("downgrade", "base", "--dry-run", "--url", stage.url)
    assert back.exit_code == 0, back.stderr
    assert "DROP TABLE recipe" in back.stdout
    with connect(stage.url) as session:
        assert session.execute("SELECT to_regclass('recipe')").fetchall() != [(None,)]
