"""Upgrades run twice, on two databases and in two processes."""

import os
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from safemigrate.model import Check, Property, Standing
from safemigrate.verify import witness
from safemigrate.verify.witness import may_know_process
from tests.verify.conftest import Scaffold

CREATE = "CREATE TABLE t (id int PRIMARY KEY, a int)"
BY_DATABASE = (
    "DO $$ BEGIN EXECUTE format('CREATE INDEX %I ON t (a)', 'i_' || current_database()); END $$"
)


def check(scaffold: Scaffold) -> Check:
    return scaffold.check(Property.IS_DETERMINISTIC)


def test_a_name_made_of_the_databases_is_found(anywhere: Scaffold) -> None:
    anywhere.add("one", CREATE, "DROP TABLE t")
    anywhere.add("two", BY_DATABASE, "pass")

    found = check(anywhere)

    assert found.standing is Standing.BROKEN
    assert "+ index public.i_safemigrate_" in found.reason
    assert "- index public.i_safemigrate_" in found.reason
    assert len(found.details) == 2


def test_fixed_names_are_right(anywhere: Scaffold) -> None:
    anywhere.add("one", CREATE, "DROP TABLE t")
    anywhere.add("two", "CREATE INDEX i ON t (a)", "DROP INDEX i")

    found = check(anywhere)

    assert found.standing is Standing.HOLDS
    assert found.reason == "it was run on another database"


def test_that_property_alone_is_broken(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add(
        "two",
        """
        import os
        op.create_index(f"i_{os.getpid()}", "t", ["a"])
        """,
        """
        import os
        op.drop_index(f"i_{os.getpid()}", "t")
        """,
    )

    assert scaffold.broken() == {Property.IS_DETERMINISTIC}


@pytest.mark.parametrize(
    "upgrade",
    [
        pytest.param('op.create_index(f"i_{hash(\'i\') % 10**9}", "t", ["a"])', id="hash"),
        pytest.param(
            'import uuid\nop.create_index(f"i_{uuid.uuid4().hex}", "t", ["a"])', id="chance"
        ),
        pytest.param(
            'import datetime\nop.create_index(f"i_{datetime.date.today()}", "t", ["a"])',
            id="today",
        ),
        pytest.param(
            "from datetime import datetime\n"
            'op.create_index(f"i_{datetime.now():%Y_%m}", "t", ["a"])',
            id="this month",
        ),
        pytest.param(
            'import time\nop.create_index(time.strftime("i_%Y_%m"), "t", ["a"])', id="strftime"
        ),
        pytest.param('op.create_index(f"i_{id(op)}", "t", ["a"])', id="an address"),
    ],
)
def test_what_is_other_in_another_process_or_month_is_found(
    scaffold: Scaffold, upgrade: str
) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    code = upgrade if upgrade.startswith(("import", "op.")) else "import sys\n" + upgrade
    scaffold.add("two", code, "pass")

    found = check(scaffold)

    assert found.standing is Standing.BROKEN
    assert "run in another process, it makes another schema" in found.reason
    assert [line.split("i_")[0].strip('"') for line in found.details] == [
        "+ index public.",
        "- index public.",
    ]


def test_what_a_module_of_the_project_makes_up_when_it_is_loaded_is_found(
    scaffold: Scaffold, monkeypatch: pytest.MonkeyPatch
) -> None:
    scaffold.config.write_text(scaffold.config.read_text() + "prepend_sys_path = %(here)s\n")
    name = f"naming_{scaffold.folder.name}"
    (scaffold.folder / f"{name}.py").write_text("import uuid\nSUFFIX = uuid.uuid4().hex\n")
    monkeypatch.setattr(sys, "path", [*sys.path])
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", f'import {name}\nop.create_index("i_" + {name}.SUFFIX, "t", ["a"])', "pass")

    assert check(scaffold).standing is Standing.BROKEN


def test_a_clock_that_is_only_stored_is_no_difference(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE + "; CREATE TABLE log (at timestamptz)", "DROP TABLE t, log")
    scaffold.add(
        "two",
        """
        import datetime
        now = datetime.datetime.now(datetime.UTC)
        assert isinstance(now, datetime.datetime)
        op.get_bind().execute(sa.text("INSERT INTO log VALUES (:now)"), {"now": now})
        """,
        "pass",
    )

    found = check(scaffold)

    assert (found.standing, found.reason) == (Standing.HOLDS, "it was run in another process")


def test_an_upgrade_that_fails_in_another_process_is_found(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add("two", f'import os\nassert os.getpid() == {os.getpid()}, "elsewhere"', "pass")

    found = check(scaffold)

    assert found.standing is Standing.BROKEN
    assert "AssertionError: elsewhere" in found.reason


def test_a_process_that_a_revision_ends_leaves_it_unknown(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add(
        "two",
        f"import os\nos.kill(os.getpid(), 9) if os.getpid() != {os.getpid()} else None",
        "pass",
    )

    found = check(scaffold)

    assert found.standing is Standing.UNKNOWN
    assert "has ended" in found.reason


def test_an_upgrade_that_hangs_there_is_ended(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add(
        "two",
        f"import os, threading\nthreading.Event().wait() if os.getpid() != {os.getpid()} else None",
        "pass",
    )

    found = scaffold.check(Property.IS_DETERMINISTIC, time_limit=timedelta(seconds=3))

    assert found.standing is Standing.BROKEN
    assert "it did not end within 3 s" in found.reason


def test_the_limit_holds_for_the_revision_there_as_here(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    scaffold.add(
        "two",
        f"import os\nop.execute('SELECT pg_sleep(600)') if os.getpid() != {os.getpid()} else None",
        "pass",
    )
    scaffold.add("three", "import os\nop.create_index('i', 't', ['a'])", "DROP INDEX i")

    proof = scaffold.verify(
        selected=(Property.IS_DETERMINISTIC.value,), time_limit=timedelta(seconds=2)
    )

    _, (two,), (three,) = (one.checks for one in proof.revisions)
    assert "it did not end within 2 s; --timeout gives it more time" in two.reason
    assert (three.standing, three.reason) == (Standing.HOLDS, "it was run in another process")


def test_a_role_that_the_revision_makes_is_made_there_too(anywhere: Scaffold) -> None:
    anywhere.add("one", CREATE, "DROP TABLE t")
    anywhere.add(
        "two",
        """
        import os
        op.execute("CREATE ROLE witnessed_maker NOLOGIN")
        op.execute("GRANT SELECT ON t TO witnessed_maker")
        """,
        """
        op.execute("REVOKE SELECT ON t FROM witnessed_maker")
        op.execute("DROP ROLE witnessed_maker")
        """,
    )

    found = check(anywhere)

    assert (found.standing, found.reason) == (Standing.HOLDS, "it was run in another process")


def test_the_network_is_refused_there_too_and_can_be_allowed(scaffold: Scaffold) -> None:
    scaffold.add("one", CREATE, "DROP TABLE t")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        host, port = listener.getsockname()
        scaffold.add(
            "two",
            f"""
            import os, socket
            if os.getpid() != {os.getpid()}:
                socket.create_connection(({host!r}, {port})).close()
            """,
            "pass",
        )

        refused = check(scaffold)
        with pytest.raises(BlockingIOError):
            listener.accept()
        allowed = scaffold.check(Property.IS_DETERMINISTIC, allowed_hosts=(host,))
        listener.accept()[0].close()

    assert refused.standing is Standing.BROKEN
    assert f'connecting to "{host}:{port}" is refused' in refused.reason
    assert allowed.standing is Standing.HOLDS


def test_one_process_serves_a_history_and_ends_with_it(
    scaffold: Scaffold, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def start() -> Any:
        started.append(_start())
        return started[-1]

    _start = witness._start
    monkeypatch.setattr(witness, "_start", start)
    scaffold.add("one", "import os\nop.execute('CREATE TABLE t (id int)')", "DROP TABLE t")
    scaffold.add("two", "import os\nop.execute('CREATE TABLE u (id int)')", "DROP TABLE u")

    scaffold.verify(selected=(Property.IS_DETERMINISTIC.value,))

    (process,) = started
    assert process.poll() == 0


@pytest.mark.parametrize(
    ("code", "may"),
    [
        ("from alembic import op\nimport sqlalchemy as sa\nx = {'a': 1}", False),
        ("from collections.abc import Sequence\nfrom typing import Union", False),
        ("import uuid", True),
        ("from app.types import Money", True),
        ("from . import names", True),
        ("names = {'a', 'b'}", True),
        ("names = {one for one in 'ab'}", True),
        ("name = hash('a')", True),
        ("import sqlalchemy.dialects.postgresql as pg", False),
        ("no python", True),
    ],
)
def test_code_that_may_know_its_process_is_told_apart(
    tmp_path: Path, code: str, *, may: bool
) -> None:
    path = tmp_path / "revision.py"
    path.write_text(code)

    assert may_know_process(path) is may


def test_code_that_cannot_be_read_may_know_anything(tmp_path: Path) -> None:
    assert may_know_process(tmp_path / "gone.py")
