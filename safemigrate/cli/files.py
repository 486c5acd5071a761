"""Files that a command writes."""

from pathlib import Path

from safemigrate.errors import UsageError

__all__ = ["write_file"]


def write_file(path: Path, text: str) -> None:
    """Write a text as UTF-8, over what is there; raises UsageError when that cannot be."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise UsageError(
            f'"{path}" cannot be written: {reason}', "name a file in a folder that can be written"
        ) from error
