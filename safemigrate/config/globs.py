"""Globs of paths, with `**` for any number of folders."""

from fnmatch import fnmatchcase

__all__ = ["matches_glob"]


def matches_glob(path: str, glob: str) -> bool:
    """Return whether the whole of a path, its parts joined by `/`, matches.

    `*` and `?` stand for anything within one part, `[…]` for one of its characters, and `**` as a
    part of its own for any number of parts, also none. A glob that ends in `/` matches all that is
    below. Upper and lower case differ.
    """
    return _match(_split(path), _split(glob + "**" if glob.endswith("/") else glob))


def _split(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in {"", "."}]


def _match(parts: list[str], globs: list[str]) -> bool:
    if not globs:
        return not parts
    first, *rest = globs
    if first == "**":
        return any(_match(parts[start:], rest) for start in range(len(parts) + 1))
    return bool(parts) and fnmatchcase(parts[0], first) and _match(parts[1:], rest)
