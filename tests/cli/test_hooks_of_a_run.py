"""The hooks of a configuration, around `upgrade` and `downgrade`."""

import json
from pathlib import Path

from tests.cli.conftest import ProjectFolder, Run
from tests.cli.streams import check_line, has

CREATE = 'op.execute("CREATE TABLE recipe (id int PRIMARY KEY)")'
FAIL = 'op.execute("SELECT 1 / 0")'
NOTE = "echo $SAFEMIGRATE_EVENT $SAFEMIGRATE_DIRECTION $SAFEMIGRATE_REVISIONS to"
NOTE += " $SAFEMIGRATE_HEADS $SAFEMIGRATE_OUTCOME >> notes; cat >> stdin"


def write_hooks(folder: ProjectFolder, before: str = NOTE, after: str = NOTE) -> None:
    folder.write(
        "safemigrate.toml",
        f"[run]\nbefore = [{json.dumps(before)}]\nafter = [{json.dumps(after)}]\n",
    )


def notes() -> list[str]:
    path = Path("notes")
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def test_they_are_told_what_runs_and_how_it_went(
    folder: ProjectFolder, run: Run, database: str
) -> None:
    folder.revise("1111", CREATE, 'op.execute("DROP TABLE recipe")')
    write_hooks(folder)
    assert run("upgrade", "--url", database).exit_code == 0
    assert notes() == ["before upgrade 1111 to planned", "after upgrade 1111 to 1111 done"]
    planned, done = map(check_line, Path("stdin").read_text(encoding="utf-8").splitlines())
    assert planned["event"] == "run_planned"
    assert planned["revisions"] == [{"revision": "1111", "message": ""}]
    assert done["event"] == "finished"
    assert done["current"] == ["1111"]
    assert run("upgrade", "--url", database).exit_code == 0
    assert len(notes()) == 2
    assert run("downgrade", "base", "--url", database).exit_code == 0
    assert notes()[2:] == ["before downgrade 1111 to 1111 planned", "after downgrade 1111 to done"]


def test_the_one_behind_is_told_of_a_failure(
    folder: ProjectFolder, run: Run, database: str
) -> None:
    folder.revise("1111", CREATE)
    folder.revise("2222", FAIL, after="1111")
    write_hooks(folder)
    assert run("upgrade", "--url", database).exit_code == 4
    assert notes()[1] == "after upgrade 1111 2222 to part-way"
    *_, failed = map(check_line, Path("stdin").read_text(encoding="utf-8").splitlines())
    assert failed["exit_code"] == 4


def test_the_one_behind_changes_no_exit_code(
    folder: ProjectFolder, run: Run, database: str
) -> None:
    folder.revise("1111", CREATE)
    write_hooks(folder, before="true", after="echo no >&2; exit 5")
    result = run("upgrade", "--url", database)
    assert result.exit_code == 0
    assert "      | no\n" in result.stderr
    warning = 'warning: the hook "echo no >&2; exit 5" ended with exit code 5; what was done stays'
    assert warning in result.stderr
    assert has(database, "recipe")


def test_the_one_before_refuses_the_run(folder: ProjectFolder, run: Run, database: str) -> None:
    folder.revise("1111", CREATE)
    write_hooks(folder, before="echo not now; exit 2", after=NOTE)
    result = run("upgrade", "--url", database)
    assert result.exit_code == 1
    assert "      | not now\n" in result.stderr
    assert 'error: the hook "echo not now; exit 2" refused the run' in result.stderr
    assert not has(database, "alembic_version")
    assert notes() == ["after upgrade 1111 to refused"]


def test_what_the_gate_refuses_reaches_no_hook(
    folder: ProjectFolder, run: Run, database: str
) -> None:
    folder.revise("1111", 'op.execute("DROP TABLE recipe")\nop.execute("not SQL")')
    write_hooks(folder)
    assert run("upgrade", "--url", database).exit_code == 1
    assert notes() == []


def test_they_are_in_the_stream_of_events(folder: ProjectFolder, run: Run, database: str) -> None:
    folder.revise("1111", CREATE)
    write_hooks(folder, before="echo hello", after="true")
    result = run("upgrade", "--format", "json", "--url", database)
    lines = [check_line(line) for line in result.stdout.splitlines()]
    names = [line["event"] for line in lines]
    assert names[:3] == ["hook_started", "hook_printed", "hook_finished"]
    assert lines[1]["text"] == "hello"
    assert names[-3:] == ["hook_started", "hook_finished", "finished"]


def test_a_timeout_of_the_configuration_holds(
    folder: ProjectFolder, run: Run, database: str
) -> None:
    folder.revise("1111", CREATE)
    folder.write("safemigrate.toml", '[run]\nbefore = ["sleep 600"]\nhook-timeout-s = 0.2\n')
    result = run("upgrade", "--url", database)
    assert result.exit_code == 1
    assert 'the hook "sleep 600" refused the run: it was ended after 200 ms' in result.stderr
