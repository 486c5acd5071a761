"""Targets: the databases, and the schemas in one, that one command migrates."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from safemigrate.errors import NotPostgresError, UsageError
from safemigrate.source.url import parse_url

__all__ = ["Target", "check_targets", "make_schema_targets", "parse_target", "read_targets"]

# A name has nothing that a URL begins with, so that `eu=postgresql://…?a=b` is told from a URL.
_NAMED = re.compile(r"(?P<name>[^\s=:/@?#$]+)\s*=\s*(?P<url>\S.*)", re.DOTALL)
_VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}")
_CREDENTIALS = re.compile(r"(?P<scheme>[^:/]+://)(?P<credentials>.*)(?P<rest>@.*)", re.DOTALL)
_FIRST_LINE_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class Target:
    """A database, or a schema in one, with the name that tells it from the others.

    `url`: where it is, with its password, so it is not shown; None for where env.py leads.
    `schema`: the one to migrate in a database that has one for each tenant, "" for none.
    """

    name: str
    url: str | None = field(default=None, repr=False)
    schema: str = ""


def parse_target(text: str, variables: Mapping[str, str], *, place: str = "") -> Target:
    """Return the target that `URL` or `NAME=URL` says, each `${NAME}` replaced by its variable.

    In the place of the user and the password a value is taken as it is; anywhere else it has to
    be written as in a URL. `place`: where the text stands, for the error.
    Raises UsageError for a variable that is not set and a URL that cannot be read, and
    NotPostgresError for another kind of database; neither shows the URL.
    """
    found = _NAMED.fullmatch(text.strip())
    given, written = ("", text.strip()) if found is None else (found["name"], found["url"])
    at = "".join((f"{place}: " if place else "", f'target "{given}": ' if given else ""))
    try:
        url = _expand(written, variables)
        parsed = parse_url(url)
    except (NotPostgresError, UsageError) as error:
        raise type(error)(f"{at}{error.message}", error.hint) from None
    if not parsed.database:
        raise UsageError(f"{at}the URL names no database", "it ends in /database")
    hosts = parsed.query.get("host", ())
    host = parsed.host or ",".join((hosts,) if isinstance(hosts, str) else hosts)
    address = f"{host}:{parsed.port}" if host and parsed.port else host
    name = given or (f"{parsed.database}@{address}" if address else parsed.database)
    return Target(name, url)


def read_targets(path: Path, variables: Mapping[str, str]) -> tuple[Target, ...]:
    """Return the targets of a file: one a line, empty lines and those that begin with # left out.

    Raises UsageError for a file that cannot be read, holds no target, or a line that is none.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        reason = (err.strerror or "").lower() if isinstance(err, OSError) else "it is not UTF-8"
        raise UsageError(
            f'"{path}" cannot be read: {reason}',
            "--targets takes a file with one URL a line",
        ) from err
    lines = enumerate(text.removeprefix(_FIRST_LINE_MARK).splitlines(), 1)
    targets = tuple(
        parse_target(line, variables, place=f'"{path}" line {number}')
        for number, line in lines
        if line.strip() and not line.lstrip().startswith("#")
    )
    if not targets:
        raise UsageError(f'"{path}" names no target', "write one URL a line, such as eu=${EU_URL}")
    return targets


def make_schema_targets(schemas: Iterable[str], url: str | None) -> tuple[Target, ...]:
    """Return a target for each schema of the database at `url`, None for where env.py leads."""
    return tuple(Target(schema, url, schema) for schema in schemas)


def check_targets(targets: Iterable[Target]) -> tuple[Target, ...]:
    """Return the targets.

    Raises UsageError when one is there twice, or two have the same name.
    """
    listed = tuple(targets)
    places = Counter((target.url, target.schema) for target in listed)
    twice = [one.name for one in listed if places[one.url, one.schema] > 1]
    if twice:
        raise UsageError(f'target "{twice[0]}" is named more than once', "name every database once")
    names = Counter(target.name for target in listed)
    shared = [name for name, number in names.items() if number > 1]
    if shared:
        raise UsageError(
            f'{names[shared[0]]} targets are named "{shared[0]}"',
            "give each a name of its own: NAME=URL",
        )
    return listed


def _expand(text: str, variables: Mapping[str, str]) -> str:
    """Return the text with the values of its variables."""

    def fill(part: str, *, is_quoted: bool) -> str:
        def value(found: re.Match[str]) -> str:
            name = found["name"]
            if name not in variables:
                raise UsageError(
                    f'the variable "{name}" is not set', "set it in the environment, and run again"
                )
            return quote(variables[name], safe="") if is_quoted else variables[name]

        return _VARIABLE.sub(value, part)

    parts = _CREDENTIALS.fullmatch(text)
    if parts is None:
        return fill(text, is_quoted=False)
    scheme, credentials, rest = parts["scheme"], parts["credentials"], parts["rest"]
    return (
        fill(scheme, is_quoted=False)
        + fill(credentials, is_quoted=True)
        + fill(rest, is_quoted=False)
    )
