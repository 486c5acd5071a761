"""The built documentation, once a session."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.site import Site

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The site as `make docs` builds it, a warning being an error.

    $SAFEMIGRATE_SITE names one that `make docs` has just built. Any other is built of a copy:
    building writes the reference among the sources, which other sessions read at the same time.
    """
    if built := os.environ.get("SAFEMIGRATE_SITE"):
        return Site(Path(built), ROOT / "docs")
    folder = tmp_path_factory.mktemp("site")
    left_out = shutil.ignore_patterns("__pycache__", "reference")
    sources = Path(shutil.copytree(ROOT / "docs", folder / "docs", ignore=left_out))
    shutil.copytree(ROOT / "rules", folder / "rules")  # a page leads to a file of it
    command = [
        *(sys.executable, "-m", "sphinx", "--fail-on-warning", "--nitpicky", "--quiet"),
        *("--jobs", "auto", "--builder", "html", "--doctree-dir", f"{folder}/doctrees"),
        *(str(sources), f"{folder}/html"),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return Site(folder / "html", sources)
