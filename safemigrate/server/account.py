"""The account a server runs under: PostgreSQL refuses to run as root."""

import os
import pwd
import tempfile
from dataclasses import dataclass
from pathlib import Path

from safemigrate.errors import ServerError

__all__ = ["Account", "choose_account"]

_CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """An operating system account; `is_other` when it is not the one we run under."""

    name: str
    uid: int
    gid: int
    is_other: bool

    def can_enter(self, folder: Path) -> bool:
        """Say whether the account may pass through `folder` and all above it, by their modes."""
        return all(self._may_pass(part) for part in (folder, *folder.resolve().parents))

    def _may_pass(self, folder: Path) -> bool:
        status = folder.stat()
        if status.st_uid == self.uid:
            return bool(status.st_mode & 0o100)
        if status.st_gid == self.gid:
            return bool(status.st_mode & 0o010)
        return bool(status.st_mode & 0o001)

    def temporary_folder(self) -> str:
        """Return the folder for temporary files, or /tmp if the account may not enter it."""
        usual = tempfile.gettempdir()
        if not self.is_other or self.can_enter(Path(usual)):
            return usual
        return "/tmp"  # noqa: S108 - private folders are made in it

    def make_private_folder(self, parent: str) -> Path:
        """Make a folder of random name in `parent` that belongs to the account alone."""
        folder = Path(tempfile.mkdtemp(prefix="safemigrate-", dir=parent))
        if self.is_other:
            os.chown(folder, self.uid, self.gid)
        return folder


def choose_account() -> Account:
    """Return our own account, or as root the first unprivileged one that exists.

    No account is added. Raises ServerError when root has none to change to.
    """
    uid = os.geteuid()
    if uid != 0:
        return Account(str(uid), uid, os.getegid(), is_other=False)
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid, is_other=True)
    raise ServerError(
        "PostgreSQL does not run as root, and there is no other account to run it under",
        f"add one of these accounts: {', '.join(_CANDIDATES)}; or run as an ordinary user",
    )
