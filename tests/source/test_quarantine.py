"""Foreign code, and where its output goes."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from safemigrate.source.fence import Attempt
from safemigrate.source.fence_surroundings import keeping_imports
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


def attempt_nothing(attempt: Attempt) -> None:
    raise AssertionError(attempt)


def test_questions_find_the_end_of_the_input() -> None:
    code = """
import os, sys
from safemigrate.source.quarantine import quarantine
stdin = sys.stdin
with quarantine(on_attempt=print):
    for ask in (input, sys.stdin.readline, sys.__stdin__.read, lambda: os.read(0, 9)):
        try:
            assert not ask()
        except EOFError:
            pass
assert sys.stdin is sys.__stdin__ is stdin
print(input())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], input="kept\n", capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "kept\n", "")


@pytest.mark.parametrize("redirect", ["<&-", "<&- >&-", "<&- >&- 2>&-"])
def test_a_closed_input_stays_closed(redirect: str) -> None:
    code = """
import os
from safemigrate.source.quarantine import quarantine
def is_open(number):
    try:
        return bool(os.fstat(number))
    except OSError:
        return False
before = [is_open(number) for number in range(8)]
with quarantine(on_attempt=lambda attempt: None):
    pass
os._exit(0 if [is_open(number) for number in range(8)] == before else 3)
"""
    assert run(code, redirect=redirect).returncode == 0


CHANGES: dict[str, tuple[str, str]] = {
    "directory": ("os.getcwd()", "os.chdir('/')"),
    "handler": (
        "signal.getsignal(signal.SIGTERM)",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
    ),
    "alarm": ("signal.getitimer(signal.ITIMER_REAL)", "signal.alarm(1000)"),
    "locale": ("locale.setlocale(locale.LC_ALL)", "locale.setlocale(locale.LC_ALL, 'C.UTF-8')"),
    "excepthook": ("sys.excepthook", "sys.excepthook = print"),
    "thread hook": ("threading.excepthook", "threading.excepthook = print"),
    "stderr": ("sys.stderr", "sys.stderr = None"),
    "stdin": ("sys.stdin", "sys.stdin = None"),
    "stdout": ("sys.stdout", "sys.stdout = None"),
    "arguments": ("list(sys.argv)", "sys.argv.append('x')"),
    "collector": ("gc.isenabled()", "gc.disable()"),
    "recursion": ("sys.getrecursionlimit()", "sys.setrecursionlimit(5000)"),
    "warnings": ("list(warnings.filters)", "warnings.simplefilter('error')"),
    "captured warnings": ("warnings.showwarning", "logging.captureWarnings(True)"),
    "records": ("logging.getLogRecordFactory()", "logging.setLogRecordFactory(print)"),
    "log level": ("logging.root.level", "logging.root.setLevel(1)"),
    "disabled log": ("logging.root.manager.disable", "logging.disable(50)"),
    "silent log": ("logging.raiseExceptions", "logging.raiseExceptions = 3"),
}


def test_the_process_goes_on_as_before() -> None:
    # in a process that has changed nothing yet
    code = f"""
import gc, locale, logging, os, signal, sys, threading, warnings
from safemigrate.source.quarantine import quarantine
for name, (question, change) in {CHANGES!r}.items():
    before = eval(question)
    with quarantine(is_silent=True, on_attempt=lambda attempt: None):
        inside = eval(question)
        exec(change)
        assert eval(question) != inside, "no change of " + name
    assert eval(question) == before, name
"""
    done = run(code)
    assert (done.returncode, done.stderr) == (0, "")


def test_imports_and_variables_last_until_the_whole_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEPT", "before")
    monkeypatch.setenv("REMOVED", "before")
    monkeypatch.delenv("ADDED", raising=False)
    path, before = sys.path, list(sys.path)
    with keeping_imports():
        with quarantine(on_attempt=attempt_nothing):
            sys.path.insert(0, str(tmp_path))
            os.environ.update(KEPT="after", ADDED="after")
            del os.environ["REMOVED"]
        assert sys.path[0] == str(tmp_path)
        assert (os.environ["KEPT"], os.environ["ADDED"]) == ("after", "after")
        sys.path = []

    assert sys.path is path
    assert sys.path == before
    assert (os.environ["KEPT"], os.environ["REMOVED"]) == ("before", "before")
    assert "ADDED" not in os.environ
    assert os.getenvb(b"KEPT") == b"before"


FAREWELL = """
import atexit, os, sys
from pathlib import Path
from safemigrate.source.quarantine import quarantine
def leave():
    print("stream")
    os.write(1, b"descriptor\\n")
    print("told", file=sys.stderr)
    Path(sys.argv[1]).write_text("x")
def forget():
    raise AssertionError("was unregistered")
with quarantine(on_attempt=print):
    @atexit.register
    def first():
        print("decorated")
    assert first.__name__ == "first"
    atexit.register(leave)
    atexit.register(sys.exit, 7)
    atexit.register(forget)
    atexit.unregister(forget)
print("report", flush=True)
"""


def test_what_is_left_for_the_end_does_not_reach_the_report(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    done = subprocess.run(
        [sys.executable, "-c", FAREWELL, str(trace)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "report\n")
    assert sorted(done.stderr.split()) == ["decorated", "descriptor", "stream", "told"]
    assert not trace.exists()


def test_what_python_does_at_the_end_is_done(tmp_path: Path) -> None:
    # the finalizer is weakref's, and removes a folder of ours
    code = f"""
import tempfile
from safemigrate.source.quarantine import quarantine
with quarantine(on_attempt=print):
    import weakref
    weakref.finalize(print, print, "finalized")
folder = tempfile.TemporaryDirectory(dir={str(tmp_path)!r})
"""
    done = run(code)
    assert (done.returncode, done.stdout) == (0, "finalized\n")
    assert list(tmp_path.iterdir()) == []


REDIRECTED = """
import os, sys
from safemigrate.source.quarantine import quarantine
attempts = []
sys.stderr.write("log\\n")
sys.stderr.flush()
with quarantine(on_attempt=attempts.append):
    for path in ("/dev/stdout", "/dev/stderr", "/proc/self/fd/1", "/dev/fd/2"):
        for mode in ("w", "r+", "a"):
            try:
                open(path, mode).close()
            except PermissionError:
                continue
            except OSError:
                # what a pipe says to "r+"
                pass
print(*dict.fromkeys(map(str, attempts)), sep="\\n")
"""


def test_a_log_that_standard_error_leads_to_is_not_cut(tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    with log.open("w") as stream:
        done = subprocess.run(
            [sys.executable, "-c", REDIRECTED],
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
            check=False,
        )
    assert log.read_text() == "log\n"
    paths = ("/dev/stdout", "/dev/stderr", "/proc/self/fd/1", "/dev/fd/2")
    assert done.stdout.splitlines() == [f'writes "{path}"' for path in paths]


def test_a_stream_that_is_no_file_can_be_opened() -> None:
    done = run(REDIRECTED)
    assert (done.returncode, done.stdout, done.stderr) == (0, "\n", "log\n")


INTERRUPTED = """
import os, signal, sys
from safemigrate.source.quarantine import quarantine
handler = signal.getsignal(signal.SIGINT)
try:
    with quarantine(on_attempt=print):
        print("ready", file=sys.stderr, flush=True)
        try:
            while True:
                signal.pause()
        except BaseException:
            pass
except KeyboardInterrupt:
    print("interrupted", signal.getsignal(signal.SIGINT) is handler)
"""


def test_an_interrupt_that_is_hidden_is_not_lost() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        assert process.communicate() == ("interrupted True\n", "")
