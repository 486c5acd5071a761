"""Drift: how the schema of a database differs from what its history gives."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from psycopg import sql
from sqlalchemy.engine import Connection as SqlAlchemyConnection
from sqlalchemy.exc import DBAPIError

from safemigrate.errors import DatabaseError, LockTimeoutError, RevisionError
from safemigrate.execute import Site, split_unknown
from safemigrate.model import ServerVersion
from safemigrate.model.secrets import hide_sql_passwords
from safemigrate.server import Server
from safemigrate.source import Project, find_sqlstate
from safemigrate.source.sqlstates import LOCK_NOT_AVAILABLE
from safemigrate.trace import describe_fault
from safemigrate.verify.definitions import IDENTIFIER, find_indexed_table, read_attributes
from safemigrate.verify.differences import find_reordered, leave_out_parts, split_identity
from safemigrate.verify.repair import write_repair
from safemigrate.verify.replay import replay
from safemigrate.verify.selection import find_ancestors
from safemigrate.verify.snapshots import Snapshot, VersionTable, read_snapshot

__all__ = [
    "Change",
    "Drift",
    "DriftDifference",
    "compare_schemas",
    "find_drift",
]


# What is set outside of migrations on purpose, and is another on each server.
_OTHER_KINDS = frozenset({"default privileges", "setting"})
_OTHER_ATTRIBUTES = frozenset({"acl", "owner", "tablespace"})

_WITH_INDEX = ("EXCLUDE", "PRIMARY KEY", "UNIQUE")

Key = tuple[str, str]


class Change(Enum):
    """How an object of the database differs from the history's."""

    MISSING = "missing"
    BESIDE = "beside"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class DriftDifference:
    """An object that is not as the history gives it.

    `kind` and `identity`: such as `column` and `public.t.a`. `expected` and `found`: what differs
    of it, by name; of a whole object that is on one side only, everything. `remark`: `INVALID` or
    `NOT VALID`, where the database's own is that. `repair`: SQL that makes it what the history
    gives, "" where that takes thought. `is_destructive`: the SQL loses data.
    """

    kind: str
    identity: str
    change: Change
    expected: Mapping[str, str]
    found: Mapping[str, str]
    remark: str = ""
    repair: str = ""
    is_destructive: bool = False


@dataclass(frozen=True, slots=True)
class Drift:
    """What the comparison gave.

    `revisions`: how many were replayed. `reordered`: tables with the same columns in another
    order, which is no drift. `partitions`: those that are there beside the history's, of tables
    that the history partitions, which is none either.
    """

    server_version: ServerVersion
    revisions: int
    differences: tuple[DriftDifference, ...]
    reordered: tuple[str, ...]
    partitions: tuple[str, ...]


def find_drift(project: Project, site: Site, server: Server, *, schema: str = "") -> Drift:
    """Return how the site's schema differs from what its applied revisions give on `server`.

    A database is made on the server, of the same major, and dropped again; the site is read in
    one read-only transaction. `schema`: the only one to compare, "" for all.
    Raises RevisionError when the version table has a revision that no file has, or the revisions
    cannot be applied to an empty database; LockTimeoutError and DatabaseError when the site cannot
    be read; and what `run_environment` raises for env.py.
    """
    heads = site.read_heads()
    _, unknown = split_unknown(project.script, heads)
    if unknown:
        names = ", ".join(f'"{name}"' for name in unknown)
        raise RevisionError(
            f"the database is at {names}, which no file here has",
            "use the files that brought it there, so that its history can be replayed",
        )
    needed = find_ancestors(project.revisions(), frozenset(heads))
    found = _read_site(site)
    expected = replay(project, site, server, needed, schema)
    if schema:
        found, expected = _choose(found, schema), _choose(expected, schema)
    differences, partitions = compare_schemas(expected, found)
    return Drift(
        site.server_version,
        len(needed),
        differences,
        find_reordered(expected, found),
        partitions,
    )


def compare_schemas(
    expected: Snapshot, found: Snapshot
) -> tuple[tuple[DriftDifference, ...], tuple[str, ...]]:
    """Return the differences by object, and the partitions that are there beside the history's."""
    before, after = _normalise(expected), _normalise(found)
    missing = _leave_out_consequences(before.keys() - after.keys(), before)
    beside = _leave_out_consequences(after.keys() - before.keys(), after)
    partitions = [
        key[1]
        for key in beside
        if "bound" in after[key] and ("table", after[key].get("parents", "")) in before
    ]
    changed = [key for key in before.keys() & after.keys() if before[key] != after[key]]
    # a view's columns come with its definition
    views = {identity for kind, identity in changed if kind.endswith("view")}
    differences = [
        *(_difference(Change.MISSING, key, before[key], None) for key in missing),
        *(
            _difference(Change.BESIDE, key, None, after[key])
            for key in beside
            if key[1] not in partitions
        ),
        *(_difference(Change.DIFFERENT, key, before[key], after[key]) for key in changed),
    ]
    untabled = {one for kind, one in (*before, *after) if kind == "type" or kind.endswith("view")}
    ordered = sorted(differences, key=lambda one: (one.kind, one.identity))
    return (
        tuple(
            replace(one, repair="", is_destructive=False) if _table_of(one) in untabled else one
            for one in ordered
            if _table_of(one) not in views
        ),
        tuple(partitions),
    )


def _table_of(one: DriftDifference) -> str:
    """Return the relation or type that a column is of, "" for another kind of object."""
    if one.kind != "column":
        return ""
    return split_identity(one.identity)[0]


def _difference(
    change: Change,
    key: Key,
    expected: Mapping[str, str] | None,
    found: Mapping[str, str] | None,
) -> DriftDifference:
    kind, identity = key
    repair = write_repair(kind, identity, expected, found)
    expected, found = expected or {}, found or {}
    remark = ""
    if found.get("valid") == "no":
        remark = "INVALID" if kind == "index" else "NOT VALID"
    names = [name for name in {**expected, **found} if expected.get(name) != found.get(name)]
    return DriftDifference(
        kind,
        identity,
        change,
        {name: hide_sql_passwords(expected[name]) for name in names if name in expected},
        {name: hide_sql_passwords(found[name]) for name in names if name in found},
        remark,
        hide_sql_passwords(repair.sql),
        repair.is_destructive,
    )


def _normalise(snapshot: Snapshot) -> dict[Key, dict[str, str]]:
    """Return the attributes by object, without what no migration says."""
    objects = {}
    for key, definition in snapshot.objects.items():
        attributes = {
            name: value
            for name, value in read_attributes(definition).items()
            if name not in _OTHER_ATTRIBUTES
        }
        if key[0] == "extension":
            # the newest that the server has, unless the history says which
            attributes.pop("version", None)
        if key[0] not in _OTHER_KINDS and not _is_plain_not_null(key, attributes):
            objects[key] = attributes
    return objects


def _is_plain_not_null(key: Key, attributes: Mapping[str, str]) -> bool:
    """Return whether it says what its column says too; only from version 18 on is it there."""
    # https://www.postgresql.org/docs/18/catalog-pg-constraint.html
    is_not_null = key[0] == "constraint" and attributes["definition"].startswith("NOT NULL ")
    return is_not_null and "valid" not in attributes


def _leave_out_consequences(
    keys: Collection[Key], objects: Mapping[Key, Mapping[str, str]]
) -> list[Key]:
    """Return the objects without what belongs to another one among them."""
    kept = leave_out_parts(keys)
    wholes = {identity for _, identity in keys}
    with_index = {
        _index_of(identity)
        for kind, identity in keys
        if kind == "constraint" and objects[kind, identity]["definition"].startswith(_WITH_INDEX)
    }
    return [
        key
        for key in kept
        if not _belongs(key, objects[key], wholes)
        and not (key[0] == "index" and key[1] in with_index)
    ]


def _index_of(constraint: str) -> str:
    """Return the identity of the index that stands behind a constraint."""
    table, name = split_identity(constraint)
    return f"{split_identity(table)[0]}.{name}"


def _belongs(key: Key, attributes: Mapping[str, str], wholes: Collection[str]) -> bool:
    kind, identity = key
    if kind == "index":
        return find_indexed_table(attributes["definition"]) in wholes
    if kind == "sequence":
        owner = attributes.get("owned by")
        return owner is not None and split_identity(owner)[0] in wholes
    if kind == "comment":
        words = re.findall(rf"(?:{IDENTIFIER}\.)*{IDENTIFIER}", identity)
        return any(word in wholes or word.rpartition(".")[0] in wholes for word in words)
    return False


def _choose(snapshot: Snapshot, schema: str) -> Snapshot:
    """Return what is in the schema."""
    name = sql.Identifier(schema).as_string()
    quoted = schema if re.fullmatch(r"[a-z_][a-z0-9_]*", schema) else name
    places = (f"{quoted}.", f"{name}.")
    return Snapshot(
        {
            key: definition
            for key, definition in snapshot.objects.items()
            if key[1].startswith(places) or (key[0] == "comment" and f" {quoted}." in key[1])
        },
        {
            table: order
            for table, order in snapshot.column_orders.items()
            if table.startswith(places)
        },
    )


def _read_site(site: Site) -> Snapshot:
    table = VersionTable(site.version_table.name, site.version_table.schema)

    def read(connection: SqlAlchemyConnection) -> Snapshot:
        def ask(query: str) -> Sequence[Sequence[object]]:
            # without parameters, or the driver takes percent signs for places of some
            found = connection.exec_driver_sql(query, execution_options={"no_parameters": True})
            return [tuple(row) for row in found] if found.returns_rows else ()

        ask("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        # what shows a view takes ACCESS SHARE on it, and would queue behind DDL
        ask("SET LOCAL lock_timeout = '2s'")
        snapshot = read_snapshot(ask, table)
        ask("ROLLBACK")
        return snapshot

    try:
        return site.act(read)
    except DBAPIError as err:
        if find_sqlstate(err) == LOCK_NOT_AVAILABLE:
            raise LockTimeoutError(
                "gave up waiting for a lock: something holds ACCESS EXCLUSIVE on what is compared",
                "nothing was changed; run it again when the migration, or VACUUM FULL, has ended",
            ) from err
        raise DatabaseError(
            f"the schema cannot be read: {describe_fault(err)}", "look into the server's log"
        ) from err
