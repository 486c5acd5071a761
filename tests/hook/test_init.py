"""The hook that `safemigrate init` writes is one that pre-commit runs."""

import os
import sys
from pathlib import Path

from tests.hook.conftest import CONFIG, Shop


def test_the_hook_of_init_refuses_an_unsafe_commit(shop: Shop) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{shop.env['PATH']}"
    shop = Shop(shop.path, {**shop.env, "PATH": path})
    shop.check("safemigrate", "init")
    shop.check("pre-commit", "validate-config", CONFIG)
    shop.check("pre-commit", "install")
    shop.git("add", ".")
    shop.git("commit", "--quiet", "-m", "second")
    index = 'op.create_index("by_name", "recipe", ["name"])'
    revision = shop.revise("0002", index, "pass", after="0001")
    shop.git("add", revision)

    done = shop.commit()

    assert done.returncode == 1
    assert "error[non-concurrent-index]" in done.stderr
    assert f"--> {revision}:11:5 " in done.stderr
    assert shop.git("log", "--format=%s").splitlines() == ["second", "first"]
