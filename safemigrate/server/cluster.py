"""The freshly initialised cluster that every embedded server starts from a copy of."""

import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

from safemigrate.errors import ServerError
from safemigrate.server.account import Account
from safemigrate.server.binaries import Binaries
from safemigrate.server.cache import cached_folder, find_cache

__all__ = ["SUPERUSER", "find_cluster"]

SUPERUSER = "postgres"

_OPTIONS: tuple[str, ...] = (
    f"--username={SUPERUSER}",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C",
    "--no-sync",
    "--no-instructions",
    "--wal-segsize=1",  # in MB: 15 less to copy at every start
)
# Upper and lower case beyond ASCII, without a locale of the operating system (locale, 24.1.4).
_BUILTIN_LOCALE: tuple[str, ...] = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8")
_FIRST_WITH_BUILTIN_LOCALE = 17
_TIMEOUT_SECONDS = 120
_SHOWN_LINES = 5


def find_cluster(binaries: Binaries, account: Account) -> Path:
    """Return the cached data folder of a new cluster, initialised once for these binaries.

    It belongs to us, not to `account`, who can read it; nothing may be started on it.
    Raises ServerError with initdb's last lines when it cannot be made.
    """
    options = _OPTIONS
    if binaries.version.major >= _FIRST_WITH_BUILTIN_LOCALE:
        options += _BUILTIN_LOCALE
    key = f"{binaries.identity}-{sha256(' '.join(options).encode()).hexdigest()[:8]}"

    def build(target: Path) -> None:
        _initialise(target, binaries, account, options)

    return cached_folder(find_cache(account) / "clusters" / key, build)


def _initialise(
    target: Path, binaries: Binaries, account: Account, options: tuple[str, ...]
) -> None:
    """Run initdb as `account` in a folder of its own and copy the outcome to `target`."""
    scratch = account.make_private_folder(account.temporary_folder())
    try:
        data = scratch / "data"
        _run_initdb(data, binaries, account, options)
        shutil.copytree(data, target, dirs_exist_ok=True)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    for entry in (target, *target.rglob("*")):
        entry.chmod(0o755 if entry.is_dir() else 0o644)


def _run_initdb(data: Path, binaries: Binaries, account: Account, options: tuple[str, ...]) -> None:
    try:
        run = subprocess.run(  # noqa: S603 - the programs we were told to run
            [binaries.bin / "initdb", f"--pgdata={data}", *options],
            cwd=data.parent,
            env=binaries.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            timeout=_TIMEOUT_SECONDS,
            user=account.uid if account.is_other else None,
            group=account.gid if account.is_other else None,
            extra_groups=[] if account.is_other else None,
        )
    except (OSError, subprocess.TimeoutExpired) as err:
        raise ServerError(
            f'"{binaries.bin}/initdb" does not run as account "{account.name}"', str(err)
        ) from err
    if run.returncode != 0:
        lines = run.stdout.strip().splitlines()[-_SHOWN_LINES:]
        raise ServerError(
            f'"{binaries.bin}/initdb" ended with code {run.returncode}',
            "its last lines: " + " | ".join(lines),
        )
