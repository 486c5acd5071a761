"""Virtual environments, to install a release in."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

OLDEST_MINOR = 11

# What would lead an environment to another one, or to what this one remembers.
_FOREIGN = (
    *("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "SAFEMIGRATE_PG_BINARIES", "SAFEMIGRATE_URL"),
    "PYTHONDONTWRITEBYTECODE",  # each command would compile everything anew
)


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment without pip: the pip of this one installs into it."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def install(self, *arguments: str) -> None:
        """Install what pip is asked for."""
        pip = (sys.executable, "-m", "pip", "--python", str(self.python), "install", "--quiet")
        done = subprocess.run(
            [*pip, "--no-compile", "--only-binary=:all:", *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def list_distributions(self) -> frozenset[str]:
        """Return the names of what is installed."""
        asked = "from importlib.metadata import distributions as all\n"
        asked += "for one in all(): print(one.metadata['Name'])"
        done = subprocess.run(
            [self.python, "-I", "-c", asked], capture_output=True, text=True, check=True
        )
        return frozenset(map(canonicalize_name, done.stdout.split()))

    def run(self, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """Run its safemigrate in a folder, with nothing else of this environment on the PATH."""
        keep = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
        return subprocess.run(
            [self.folder / "bin" / "safemigrate", *arguments],
            cwd=folder,
            env={**keep, "PATH": os.defpath},
            capture_output=True,
            text=True,
            check=False,
        )


def make_environment(python: Path, folder: Path) -> Environment:
    """Make an empty environment for a Python."""
    subprocess.run([python, "-m", "venv", "--without-pip", folder], check=True)
    return Environment(folder)


def find_newest_other_python() -> Path | None:
    """Return the newest other Python of this machine that can make environments, if there is one.

    No more are started than it takes to find it.
    """
    for minor, path in sorted(_candidates(), key=lambda one: one[0], reverse=True):
        if minor != sys.version_info.minor and _is_python(path, minor):
            return path
    return None


def _candidates() -> Iterator[tuple[int, Path]]:
    """Return what is named as a Python that the package is for, with its minor version."""
    for minor in range(OLDEST_MINOR, 30):
        path = shutil.which(f"python3.{minor}")
        if path is not None:
            yield minor, Path(path)
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for folder in sorted(root.glob("versions/3.*")):
        named = re.fullmatch(r"3\.(\d+)\.\d+", folder.name)
        if named is not None and int(named[1]) >= OLDEST_MINOR:
            yield int(named[1]), folder / "bin" / "python"


def _is_python(path: Path, minor: int) -> bool:
    """Return whether it is what its name says, and can make environments."""
    if not path.is_file():
        return False
    asked = "import ensurepip, sys, venv; print(*sys.version_info[:2])"
    done = subprocess.run([path, "-c", asked], capture_output=True, text=True, check=False)
    return done.returncode == 0 and done.stdout.split() == ["3", str(minor)]
