"""The checks of a schema, each a file of SQL in the folder `checks`, found without a registry.

A file's name is the check's. Its first lines are comments: number, severity and category, then
`verify` where a revision must not add such a finding, or `live` where it says something of a
database in use only; the check in one sentence; and what to do. The query answers object, detail,
key and fix: the key tells findings of one object apart and has no figures in it, so that the same
finding is known again; a fix of its own may be code with the user's names.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib.resources import files

from safemigrate.errors import ConfigError
from safemigrate.model import Severity

__all__ = ["SchemaCategory", "SchemaCheck", "list_checks"]

_HEADER = re.compile(
    r"-- (?P<number>R\d{3}) (?P<severity>\w+) (?P<category>\w+)(?P<words>(?: \w+)*)\n"
    r"-- (?P<sentence>[^\n]+)\.\n"
    r"-- fix: (?P<fix>[^\n]+)\n"
)


class SchemaCategory(Enum):
    """What a check is about; the values are what `--select` takes."""

    KEYS = "keys"
    INDEXES = "indexes"
    TYPES = "types"
    CONSTRAINTS = "constraints"
    SECURITY = "security"
    TABLES = "tables"
    NAMING = "naming"
    LIVE = "live"


@dataclass(frozen=True, slots=True)
class SchemaCheck:
    """A question about a schema whose answers are findings.

    `sentence`: what is wrong where it finds something. `fix`: what to do, as a rule.
    `is_live`: it goes by rows and statistics, and says nothing of a database without them.
    `is_gate`: `verify` lets no revision add such a finding.
    """

    name: str
    number: str
    severity: Severity
    category: SchemaCategory
    sentence: str
    fix: str
    sql: str
    is_live: bool = False
    is_gate: bool = False


@cache
def list_checks() -> Mapping[str, SchemaCheck]:
    """Return every check by its name, in the order of their numbers."""
    folder = files("safemigrate.review") / "checks"
    found = [
        _read(entry.name.removesuffix(".sql"), entry.read_text("utf-8"))
        for entry in folder.iterdir()
        if entry.name.endswith(".sql")
    ]
    return {one.name: one for one in sorted(found, key=lambda one: one.number)}


def _read(name: str, text: str) -> SchemaCheck:
    header = _HEADER.match(text)
    if header is None:
        raise ConfigError(f'the check "{name}" does not begin with its header')
    words = header["words"].split()
    return SchemaCheck(
        name=name,
        number=header["number"],
        severity=Severity(header["severity"]),
        category=SchemaCategory(header["category"]),
        sentence=header["sentence"],
        fix=header["fix"],
        sql=text[header.end() :].strip(),
        is_live="live" in words,
        is_gate="verify" in words,
    )
