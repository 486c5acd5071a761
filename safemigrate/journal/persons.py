"""Who runs this."""

import getpass
import os
import socket
from functools import cache
from importlib.metadata import version

__all__ = ["find_host", "find_os_user", "find_package_version"]


def find_os_user() -> str:
    """Return the name of the account that runs this process, or its number."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # a container may run under a number that no account has
        return str(os.getuid())


@cache
def find_host() -> str:
    """Return the name of this machine."""
    return socket.gethostname()


@cache
def find_package_version() -> str:
    """Return the version of this package."""
    return version("safemigrate")
