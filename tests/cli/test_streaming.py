"""`--format json`: the events on standard output, from a process of its own."""

import signal
import subprocess
import sys

from tests.cli.conftest import ProjectFolder, Run
from tests.cli.streams import Start, check_line, has

CREATE = 'op.create_table("recipe", sa.Column("id", sa.BigInteger(), primary_key=True))'
SLEEP = 'op.execute("SELECT pg_sleep(600)")'

# What writes to standard output in every way there is, at the end of the process too.
TALKATIVE = """\
import atexit, os, subprocess, sys
print("env.py says")
os.write(1, b"env.py writes\\n")
subprocess.run(["echo", "env.py's child says"])
sys.__stdout__.write("env.py knows the first one\\n")
atexit.register(print, "env.py says goodbye")
atexit.register(os.write, 1, b"env.py writes goodbye\\n")
"""


def test_standard_output_carries_nothing_else(folder: ProjectFolder, start: Start) -> None:
    folder.write("migrations/env.py", TALKATIVE + folder.read("migrations/env.py"))
    folder.revise("1111", f'print("a revision says")\n{CREATE}')
    out, err = start().communicate(timeout=60)
    lines = [check_line(line) for line in out.splitlines()]
    assert lines[0]["event"] == "run_planned"
    assert lines[-1]["event"] == "finished"
    for said in ("env.py says", "env.py writes", "env.py's child says", "a revision says"):
        assert said in err
    assert "env.py writes goodbye" in err


def test_the_lines_come_while_the_run_goes_on(folder: ProjectFolder, start: Start) -> None:
    folder.revise("1111", SLEEP)
    process = start()
    assert process.stdout is not None
    for line in process.stdout:
        document = check_line(line)
        if document["event"] == "statement_started":
            break
    assert document["statement"] == "SELECT pg_sleep(600)"
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    rest = [check_line(line) for line in out.splitlines()]
    assert [one["event"] for one in rest] == ["stop_requested", "statement_finished", "failed"]
    assert rest[1]["sqlstate"] == "57014"
    assert rest[2]["exit_code"] == process.returncode == 3


def test_a_reader_that_went_away_does_not_stop_the_run(
    folder: ProjectFolder, start: Start, database: str
) -> None:
    folder.revise("1111", CREATE)
    folder.revise("2222", 'op.execute("CREATE TABLE other (id int)")', after="1111")
    process = start()
    assert process.stdout is not None
    check_line(process.stdout.readline())
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()
    assert process.wait(60) == 0, err
    assert has(database, "other")
    assert "error" not in err


def test_a_full_disk_does_not_stop_the_run_and_is_told(
    folder: ProjectFolder, database: str
) -> None:
    folder.revise("1111", CREATE)
    command = (sys.executable, "-m", "safemigrate", "upgrade", "--format", "json")
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123 - a device
        done = subprocess.run(
            (*command, "--url", database),
            cwd=folder.path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert has(database, "recipe")
    assert done.returncode == 2
    assert "standard output cannot be written: no space left on device" in done.stderr


def test_an_error_of_the_options_is_the_only_line(folder: ProjectFolder, run: Run) -> None:
    folder.revise("1111", CREATE)
    for wrong, said in (("x=y", 'knows no kind of objection "x"'), ("findings=", "is empty")):
        result = run("upgrade", "--format", "json", "--allow", wrong)
        assert result.exit_code == 2
        line = check_line(result.stdout)
        assert line["event"] == "failed"
        assert line["exit_code"] == 2
        assert line["direction"] == "upgrade"
        assert said in line["error"]["message"]
        assert said in result.stderr
    folder.write("safemigrate.toml", "nonsense = 1\n")
    result = run("downgrade", "base", "--format", "json")
    assert check_line(result.stdout)["direction"] == "downgrade"


def test_what_is_no_command_line_writes_no_line(folder: ProjectFolder, run: Run) -> None:
    folder.revise("1111", CREATE)
    result = run("upgrade", "--format", "json", "--deadline", "soon")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "soon" in result.stderr
    for arguments in (("plan",), ("upgrade", "--dry-run")):
        result = run(*arguments, "--format", "json", "--allow", "x=y")
        assert result.exit_code == 2
        assert result.stdout == ""
        assert 'no kind of objection "x"' in result.stderr
