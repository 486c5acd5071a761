"""SQL that makes an object what the history gives, where that is plain."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from safemigrate.verify.differences import split_identity

__all__ = ["Repair", "write_repair"]

Attributes = Mapping[str, str]

# To drop one of these loses rows.
_HOLDS_DATA = frozenset({"column", "foreign table", "schema", "sequence", "table"})
_STANDS_ALONE = frozenset(
    {
        "aggregate",
        "domain",
        "event trigger",
        "extension",
        "foreign table",
        "function",
        "materialized view",
        "procedure",
        "publication",
        "schema",
        "sequence",
        "statistics",
        "table",
        "type",
        "view",
    }
)
_ON_TABLE = frozenset({"policy", "rule", "trigger"})
_BY_DEFINITION = frozenset({"function", "procedure", "rule", "statistics", "trigger"})
_AT_ONCE = ("EXCLUDE", "PRIMARY KEY", "UNIQUE", "NOT NULL")


@dataclass(frozen=True, slots=True)
class Repair:
    """Statements on one or more lines, "" for none; `is_destructive`: they lose data."""

    sql: str = ""
    is_destructive: bool = False


def write_repair(
    kind: str, identity: str, expected: Attributes | None, found: Attributes | None
) -> Repair:
    """Return the SQL for an object, by what `snapshot.sql` says of it.

    `expected` is None for one that is too many, `found` for one that is missing. `identity` is
    quoted as `quote_ident` does.
    """
    if expected is None:
        return _drop(kind, identity)
    if found is None:
        return Repair(_create(kind, identity, expected))
    return Repair(_alter(kind, identity, expected, found))


def _drop(kind: str, identity: str) -> Repair:
    is_destructive = kind in _HOLDS_DATA
    if kind == "index":
        return Repair(f"DROP INDEX CONCURRENTLY {identity};")
    if kind in {"column", "constraint"}:
        table, name = split_identity(identity)
        return Repair(f"ALTER TABLE {table} DROP {kind.upper()} {name};", is_destructive)
    if kind in _ON_TABLE:
        table, name = split_identity(identity)
        return Repair(f"DROP {kind.upper()} {name} ON {table};")
    if kind == "enum":
        return Repair(f"DROP TYPE {identity};")
    if kind in _STANDS_ALONE:
        return Repair(f"DROP {kind.upper()} {identity};", is_destructive)
    return Repair()


def _create(kind: str, identity: str, expected: Attributes) -> str:
    definition = expected.get("definition", "").rstrip().rstrip(";")
    if kind == "index":
        return f"{_concurrently(definition)};"
    if kind == "constraint":
        return _add_constraint(identity, expected)
    if kind == "column" and "identity" not in expected and "generated" not in expected:
        return _add_column(identity, expected)
    if kind in _BY_DEFINITION:
        return f"{definition};"
    if kind in {"view", "materialized view"}:
        return f"CREATE {kind.upper()} {identity} AS {definition};"
    if kind in {"schema", "extension"}:
        return f"CREATE {kind.upper()} {identity};"
    if kind == "enum":
        return f"CREATE TYPE {identity} AS ENUM ({expected['labels']});"
    return ""


def _alter(kind: str, identity: str, expected: Attributes, found: Attributes) -> str:
    changed = {name for name in {**expected, **found} if expected.get(name) != found.get(name)}
    if kind == "column":
        return _alter_column(identity, expected, changed)
    if kind == "index":
        return _alter_index(identity, expected, changed)
    if kind == "constraint":
        return _alter_constraint(identity, expected, found, changed)
    if kind == "trigger" and changed == {"enabled"}:
        return _switch_trigger(identity, expected)
    if kind in {"function", "procedure"} and changed == {"definition"}:
        return _create(kind, identity, expected)
    if kind == "view" and changed == {"definition"}:
        definition = expected["definition"].rstrip().rstrip(";")
        return f"CREATE OR REPLACE VIEW {identity} AS {definition};"
    return ""


def _alter_column(identity: str, expected: Attributes, changed: set[str]) -> str:
    table, name = split_identity(identity)
    head = f"ALTER TABLE {table} ALTER COLUMN {name}"
    lines = []
    if "type" in changed:
        lines.append(f"{head} TYPE {expected['type']};")
    if "default" in changed and "default" in expected:
        lines.append(f"{head} SET DEFAULT {expected['default']};")
    elif "default" in changed:
        lines.append(f"{head} DROP DEFAULT;")
    if "not null" in changed:
        lines.append(f"{head} {'SET' if 'not null' in expected else 'DROP'} NOT NULL;")
    # what else differs is not in these lines, so they would promise too much
    return "\n".join(lines) if changed <= {"type", "default", "not null"} else ""


def _alter_index(identity: str, expected: Attributes, changed: set[str]) -> str:
    if changed == {"valid"}:
        return f"REINDEX INDEX CONCURRENTLY {identity};" if "valid" not in expected else ""
    if changed <= {"definition", "valid"}:
        return f"DROP INDEX CONCURRENTLY {identity};\n{_concurrently(expected['definition'])};"
    return ""


def _alter_constraint(
    identity: str, expected: Attributes, found: Attributes, changed: set[str]
) -> str:
    table, name = split_identity(identity)
    if not changed <= {"definition", "valid"}:
        return ""
    if _bare(expected) != _bare(found):
        return f"ALTER TABLE {table} DROP CONSTRAINT {name};\n{_add_constraint(identity, expected)}"
    return "" if "valid" in expected else f"ALTER TABLE {table} VALIDATE CONSTRAINT {name};"


def _bare(attributes: Attributes) -> str:
    return attributes["definition"].removesuffix(" NOT VALID")


def _add_constraint(identity: str, expected: Attributes) -> str:
    table, name = split_identity(identity)
    definition = expected["definition"]
    head = f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}"
    if definition.startswith(_AT_ONCE) or definition.endswith((" NOT VALID", " NOT ENFORCED")):
        return f"{head};"
    return f"{head} NOT VALID;\nALTER TABLE {table} VALIDATE CONSTRAINT {name};"


def _add_column(identity: str, expected: Attributes) -> str:
    table, name = split_identity(identity)
    line = f"ALTER TABLE {table} ADD COLUMN {name} {expected['type']}"
    if "collation" in expected:
        line += f" COLLATE {expected['collation']}"
    if "default" in expected:
        line += f" DEFAULT {expected['default']}"
    if "not null" in expected:
        line += " NOT NULL"
    return f"{line};"


def _switch_trigger(identity: str, expected: Attributes) -> str:
    table, name = split_identity(identity)
    words = {
        None: "ENABLE",
        "no": "DISABLE",
        "replica": "ENABLE REPLICA",
        "always": "ENABLE ALWAYS",
    }
    return f"ALTER TABLE {table} {words[expected.get('enabled')]} TRIGGER {name};"


def _concurrently(definition: str) -> str:
    return re.sub(r"^CREATE (UNIQUE )?INDEX ", r"CREATE \1INDEX CONCURRENTLY ", definition)
