"""Settings that a connection starts with, as the arguments of the drivers give them."""

import re
from collections.abc import Iterator, Mapping

from safemigrate.sql import quote_literal

__all__ = ["list_startup_settings"]

# `-c name=value` and `--name=value`, as the server reads them (manual: "postgres", Options).
_OPTION = re.compile(r"(?:-c\s*|--)(?P<name>[\w.-]+)=(?P<value>(?:\\.|\S)*)")
_LISTS = frozenset({"search_path"})
_IDENTIFIERS = re.compile(r'[\w\s",$]+')


def list_startup_settings(arguments: Mapping[str, object]) -> Iterator[str]:
    """Yield a SET for each setting in the arguments of a driver's connect().

    psycopg and psycopg2 take `options` for the server, asyncpg `server_settings`.
    """
    options = arguments.get("options")
    if isinstance(options, str):
        for found in _OPTION.finditer(options):
            value = re.sub(r"\\(.)", r"\1", found["value"])
            yield _set(found["name"].replace("-", "_"), value)
    settings = arguments.get("server_settings")
    if isinstance(settings, Mapping):
        for name, value in settings.items():
            if re.fullmatch(r"[\w.]+", str(name)):
                yield _set(str(name), str(value))


def _set(name: str, value: str) -> str:
    if name.lower() in _LISTS and _IDENTIFIERS.fullmatch(value):
        return f"SET {name} TO {value}"
    return f"SET {name} TO {quote_literal(value)}"
