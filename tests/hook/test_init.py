"""The hook that `safemigrate init` writes is one that pre-commit runs."""

import os
import sys
from pathlib import Path

import pytest

from tests.hook.conftest import CONFIG, Shop

# as wide as pre-commit writes it
PASSED = f"safemigrate lint{'.' * 57}Passed"


@pytest.fixture
def user(shop: Shop) -> Shop:
    """Somebody who has run init, and committed what it wrote."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{shop.env['PATH']}"
    user = Shop(shop.path, {**shop.env, "PATH": path})
    user.check("safemigrate", "init")
    user.check("pre-commit", "validate-config", CONFIG)
    user.check("pre-commit", "install")
    user.git("add", ".")
    user.git("commit", "--quiet", "-m", "second")
    return user


def test_the_hook_of_init_refuses_an_unsafe_commit(user: Shop) -> None:
    index = 'op.create_index("by_name", "recipe", ["name"])'
    revision = user.revise("0002", index, "pass", after="0001")
    user.git("add", revision)

    done = user.commit()

    assert done.returncode == 1
    assert "error[non-concurrent-index]" in done.stderr
    assert f"--> {revision}:11:5 " in done.stderr
    assert user.git("log", "--format=%s").splitlines() == ["second", "first"]


def test_the_hook_of_init_judges_a_commit_that_only_deletes(user: Shop) -> None:
    user.git("add", user.revise("0002", "pass", "pass", after="0001"))
    user.git("add", user.revise("0003", "pass", "pass", after="0002"))
    user.git("commit", "--quiet", "-m", "third")
    user.git("rm", "--quiet", "migrations/versions/0002.py")

    done = user.commit()

    assert done.returncode == 1, done.stderr
    assert "0002" in done.stderr


def test_the_hook_of_init_says_nothing_of_other_commits(user: Shop) -> None:
    user.git("add", user.write("notes.txt", "soup\n"))

    done = user.commit()

    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if line] == [f"{PASSED}"]
