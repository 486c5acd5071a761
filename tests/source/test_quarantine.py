"""Foreign code, and where its output goes."""

import os
import subprocess
import sys

import pytest

from safemigrate.source.quarantine import quarantine
from tests.source.conftest import ProjectFolder

WRITE = """\
import os, subprocess, sys
os.write(1, b"descriptor\\n")
subprocess.run([sys.executable, "-c", "print('child')"], check=True)
print("stream")
print("original", file=sys.__stdout__)
"""


def run(code: str, *, redirect: str = "") -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own."""
    return subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" {redirect}', sys.executable, code],
        capture_output=True,
        text=True,
        check=False,
    )


AROUND = f"""
import sys
from safemigrate.source.quarantine import quarantine
print("before")
with quarantine():
    exec({WRITE!r})
    with quarantine():
        print("inner")
    exec({WRITE!r})
print("after", flush=True)
"""


def test_all_output_goes_to_standard_error() -> None:
    done = run(AROUND)

    assert (done.returncode, done.stdout) == (0, "before\nafter\n")
    lines = sorted(done.stderr.split())
    assert lines == sorted(["descriptor", "child", "stream", "original"] * 2 + ["inner"])


def test_the_order_stays_where_both_are_one() -> None:
    done = run(AROUND, redirect="2>&1")

    assert done.returncode == 0
    lines = done.stdout.split()
    assert (lines[0], lines[-1]) == ("before", "after")


@pytest.mark.parametrize("redirect", [">&-", "2>&-", ">&- 2>&-", ">/dev/full"])
def test_closed_or_full_streams_do_no_harm(redirect: str) -> None:
    code = """
import os
from safemigrate.source.quarantine import quarantine
def find(number):
    try:
        return os.fstat(number).st_ino
    except OSError:
        return None
before = find(1), find(2)
try:
    with quarantine():
        print("x")
        raise KeyError("passes")
except KeyError:
    os._exit(0 if (find(1), find(2)) == before else 3)
"""
    assert run(code, redirect=redirect).returncode == 0


def test_streams_that_are_no_files_are_put_back(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with quarantine():
        print("foreign")  # noqa: T201 - what a user's code does
        os.write(1, b"descriptor\n")
    assert sys.stdout is None
    os.write(1, b"ours\n")

    output = capfd.readouterr()
    assert output.out == "ours\n"
    assert sorted(output.err.split()) == ["descriptor", "foreign"]


def test_the_environment_and_the_revisions_write_to_standard_error(
    folder: ProjectFolder, capfd: pytest.CaptureFixture[str]
) -> None:
    env = folder.root / "migrations" / "env.py"
    env.write_text("import os\nos.write(1, b'env ')\n" + env.read_text())
    folder.add("one", "os.write(1, b'upgrade ')", head="import os\nos.write(1, b'revision ')\n\n\n")

    folder.record()

    output = capfd.readouterr()
    assert output.out == ""
    assert output.err.split() == ["revision", "env", "upgrade"]
