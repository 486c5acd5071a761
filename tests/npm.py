"""Packages of npm, each fixed by its version and the digest of what npm hands over."""

import base64
import shutil
import subprocess
from hashlib import sha512
from pathlib import Path

__all__ = ["FetchError", "pack", "unpack"]


class FetchError(Exception):
    """Why a package cannot be had."""


def pack(package: str, version: str, digest: str, folder: Path) -> Path:
    """Have npm put the package's archive into the folder, and return it once it is the right one.

    npm takes it from wherever this machine's npm takes packages.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise FetchError("npm is not installed; on Debian and Ubuntu: apt-get install npm")
    command = [npm, "pack", "--ignore-scripts", "--silent", f"{package}@{version}"]
    run = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    archives = list(folder.glob("*.tgz"))
    if run.returncode != 0 or len(archives) != 1:
        raise FetchError(f"npm has no {package} {version}: {run.stderr.strip() or 'no reason'}")
    found = base64.b64encode(sha512(archives[0].read_bytes()).digest()).decode()
    if f"sha512-{found}" != digest:
        raise FetchError(f"{package} {version} is not what it was: sha512-{found}")
    return archives[0]


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack the archive, known by its digest, and return the folder of its content."""
    shutil.unpack_archive(archive, folder)
    return folder / "package"
