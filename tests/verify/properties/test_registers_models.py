"""env.py imports every model of the application."""

import selectors
import shutil
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from safemigrate.model import Property, Standing
from safemigrate.verify.models import registration
from tests.verify.conftest import Scaffold
from tests.verify.models import write_models

SUBJECT = Property.REGISTERS_MODELS

MODEL = """
class Item(Base):
    __tablename__ = "item"
    id = orm.mapped_column(sa.Integer, primary_key=True)
"""
FURTHER = """
from sqlalchemy import orm
import sqlalchemy as sa
from PACKAGE.models import Base

class Forgotten(Base):
    __tablename__ = "forgotten"
    id = orm.mapped_column(sa.Integer, primary_key=True)
"""


def add(scaffold: Scaffold) -> None:
    scaffold.add("one", "CREATE TABLE item (id serial PRIMARY KEY)", "DROP TABLE item")


def test_a_model_that_env_py_does_not_import_is_named(anywhere: Scaffold) -> None:
    package = write_models(anywhere, MODEL, further={"billing/tables": FURTHER})
    add(anywhere)
    bad = anywhere.check(SUBJECT)
    env = anywhere.folder / "migrations" / "env.py"
    env.write_text(
        env.read_text().replace(
            "import models", "import models\nimport " + package + ".billing.tables"
        )
    )
    good = anywhere.check(SUBJECT)

    module = f"{package}.billing.tables"
    assert bad.standing is Standing.BROKEN
    assert bad.reason == f"env.py does not import {module}: table forgotten of module {module}"
    assert bad.path == str(env)
    assert f"import {module}" in bad.help
    assert (good.standing, good.reason) == (
        Standing.HOLDS,
        f"3 modules of {package} bring no further table",
    )


def test_exactly_this_property_is_broken(scaffold: Scaffold) -> None:
    write_models(scaffold, MODEL, further={"forgotten": FURTHER})
    add(scaffold)

    assert scaffold.broken() == {SUBJECT}


def test_modules_that_fail_or_reach_out_are_remarks(scaffold: Scaffold) -> None:
    package = write_models(
        scaffold,
        MODEL,
        further={
            "broken": "raise RuntimeError('no configuration')",
            "leaving": "raise SystemExit(3)",
            "network": "import socket\nsocket.create_connection(('127.0.0.1', 9))",
            "process": "import subprocess\nsubprocess.run(['true'], check=True)",
            "writing": "import pathlib\npathlib.Path(__file__ + '.out').write_text('x')",
            "zz_last": FURTHER,
        },
    )
    add(scaffold)

    check = scaffold.check(SUBJECT)

    assert check.reason.startswith(f"env.py does not import {package}.zz_last: ")
    remarks = [line for line in check.details if " was left out: " in line]
    assert [line.split()[0].rpartition(".")[2] for line in remarks] == [
        "broken",
        "leaving",
        "network",
        "process",
        "writing",
    ]
    assert not list(scaffold.folder.glob("*/*.out"))


def test_a_module_that_cannot_be_imported_leaves_it_unknown(scaffold: Scaffold) -> None:
    package = write_models(
        scaffold, MODEL, further={"optional": "import not_installed_here", "plain": "x = 1"}
    )
    add(scaffold)

    check = scaffold.check(SUBJECT)

    assert check.standing is Standing.UNKNOWN
    assert check.reason.startswith(
        f"{package}.optional cannot be imported, and may have tables: "
        f"{package}.optional was left out: ModuleNotFoundError: "
    )
    assert 'ignore = ["registers-models"]' in check.help
    assert SUBJECT not in {one.subject for one in scaffold.verify(ignored=(SUBJECT.value,)).checks}


def test_a_process_that_ends_at_once_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which("false"))

    # more than fits in a pipe that nobody reads
    assert registration._ask(b"x" * 1_000_000, 10) == (b"", "exit code 1")


def test_an_interrupt_kills_the_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho\nexec sleep 600\n")
    program.chmod(0o700)
    started: list[subprocess.Popen[bytes]] = []

    class Recorded(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            started.append(self)

    class Interrupted(selectors.SelectSelector):
        def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
            super().select(timeout)
            raise KeyboardInterrupt

    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(subprocess, "Popen", Recorded)
    monkeypatch.setattr(selectors, "DefaultSelector", Interrupted)

    with pytest.raises(KeyboardInterrupt):
        registration._ask(b"{}", 10)

    (process,) = started
    try:
        assert process.wait(timeout=60) == -signal.SIGKILL
    finally:
        process.kill()


@pytest.mark.parametrize("name", ["tests/test_it", "conftest", "test_models", "__main__"])
def test_tests_and_programs_are_no_part_of_the_application(name: str, scaffold: Scaffold) -> None:
    write_models(scaffold, MODEL, further={name: FURTHER})
    add(scaffold)

    assert scaffold.check(SUBJECT).standing is Standing.HOLDS


def test_a_module_that_goes_on_for_ever_is_given_up(scaffold: Scaffold) -> None:
    package = write_models(
        scaffold, MODEL, further={"slow": "import threading\nthreading.Event().wait()"}
    )
    add(scaffold)

    check = scaffold.check(SUBJECT, time_limit=timedelta(seconds=10))

    assert check.standing is Standing.UNKNOWN
    assert check.reason == f"importing {package}.slow took longer than 10 s"


def test_a_module_that_ends_the_process_is_named(scaffold: Scaffold) -> None:
    package = write_models(scaffold, MODEL, further={"gone": "import ctypes\nctypes.string_at(0)"})
    add(scaffold)

    check = scaffold.check(SUBJECT)

    assert check.standing is Standing.UNKNOWN
    assert check.reason.startswith(f"importing {package}.gone ended the process, exit code -11")


def test_an_empty_metadata_leads_to_its_package(scaffold: Scaffold) -> None:
    package = write_models(scaffold, "", further={"forgotten": FURTHER})
    add(scaffold)

    check = scaffold.check(SUBJECT)

    assert check.standing is Standing.BROKEN
    assert f"{package}.forgotten" in check.reason


def test_a_model_that_only_a_revision_imports_is_not_imported(scaffold: Scaffold) -> None:
    package = write_models(scaffold, MODEL, further={"forgotten": FURTHER})
    scaffold.add(
        "one",
        f"import sys\nsys.path.insert(0, {str(scaffold.folder)!r})\n"
        f"import {package}.forgotten\nop.execute('CREATE TABLE item (id serial PRIMARY KEY)')",
        "DROP TABLE item",
    )

    assert scaffold.check(SUBJECT).standing is Standing.BROKEN


def test_models_in_no_package_have_nothing_beside_them(scaffold: Scaffold) -> None:
    package = write_models(scaffold, MODEL)
    (scaffold.folder / package / "models.py").rename(scaffold.folder / f"{package}_models.py")
    env = scaffold.folder / "migrations" / "env.py"
    env.write_text(
        env.read_text().replace(
            f"from {package} import models", f"import {package}_models as models"
        )
    )
    add(scaffold)

    check = scaffold.check(SUBJECT)

    assert check.standing is Standing.HOLDS
    assert check.reason.startswith("the models are in no package")
