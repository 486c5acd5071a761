"""Files that options name to be written to, and that are surely not meant."""

from collections.abc import Mapping
from pathlib import Path

from safemigrate.errors import UsageError

__all__ = ["check_destinations"]

_SOURCES = frozenset({".cfg", ".ini", ".mako", ".py", ".sql", ".toml"})


def check_destinations(files: Mapping[str, Path | None], example: str) -> None:
    """Raise UsageError for a file that is no place to write to; looks, and opens none.

    That is code or a configuration, where somebody has taken the option for one without a value;
    "-"; and the same file for two options, of which the second would write over the first.
    `files`: by the option that names it. `example`: an option with a file, for the hint.
    """
    taken: dict[Path, str] = {}
    for option, path in files.items():
        if path is None:
            continue
        if str(path) == "-":
            raise UsageError(
                f'{option} takes the name of a file, and not "-"',
                f"name one, such as {example}; what is for standard output is written there anyway",
            )
        target = path.resolve()
        if _SOURCES.intersection((path.suffix.lower(), target.suffix.lower())):
            raise UsageError(
                f'{option} would write to "{path}", which is code or a configuration',
                f"what stands behind the option is the file to write; name one, such as {example}",
            )
        # what is no file, such as /dev/null, takes them all
        if target.exists() and not target.is_file():
            continue
        if target in taken:
            raise UsageError(
                f'{taken[target]} and {option} would write to one file, "{target.name}"',
                "name a file for each",
            )
        taken[target] = option
