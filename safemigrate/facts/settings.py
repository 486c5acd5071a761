"""Facts about how tables are kept: storage, owners, triggers, parents. Manual: "ALTER TABLE"."""

from collections.abc import Iterator

from safemigrate.facts.situation import Situation, join_facts
from safemigrate.model import (
    AlterConstraint,
    AlterTableOption,
    AttachIndex,
    Catalog,
    Certainty,
    CreateRule,
    Facts,
    Lock,
    LockMode,
    Persistence,
    RelationKind,
    SetAccessMethod,
    SetInheritance,
    SetPersistence,
    SetTablespace,
    SetTriggerState,
    Table,
    TableOption,
)

__all__ = [
    "alter_constraint",
    "alter_table_option",
    "attach_index",
    "create_rule",
    "set_access_method",
    "set_inheritance",
    "set_persistence",
    "set_tablespace",
    "set_trigger_state",
]

_OPTION_MODES = {
    TableOption.PARAMETERS: LockMode.SHARE_UPDATE_EXCLUSIVE,
    TableOption.CLUSTER_INDEX: LockMode.SHARE_UPDATE_EXCLUSIVE,
    TableOption.INDEX_STATISTICS: LockMode.SHARE_UPDATE_EXCLUSIVE,
    TableOption.REPLICA_IDENTITY: LockMode.ACCESS_EXCLUSIVE,
    TableOption.OWNER: LockMode.ACCESS_EXCLUSIVE,
    TableOption.TYPE: LockMode.ACCESS_EXCLUSIVE,
    TableOption.VIEW: LockMode.ACCESS_EXCLUSIVE,
}

# The only table access method that PostgreSQL brings along.
_DEFAULT_METHOD = "heap"


def alter_table_option(action: AlterTableOption, situation: Situation) -> Facts:
    """Return the facts of the settings of a relation; a new owner owns the indexes as well."""
    mode = _OPTION_MODES[action.option]
    parts = [Facts(locks=(situation.lock(action.table, mode),))]
    if action.option is TableOption.OWNER:
        # Unless it is the old owner again, who has them already.
        indexes = situation.index_locks(action.table, mode)
        certainty = Certainty.UNKNOWN if indexes else Certainty.KNOWN
        parts.append(Facts(locks=indexes, certainty=certainty))
    if action.index is not None:
        index = situation.catalog.beside(action.table, action.index)
        parts.append(Facts(locks=(situation.lock(index, mode),)))
    return join_facts(parts)


def alter_constraint(action: AlterConstraint, situation: Situation) -> Facts:
    """Return the facts of ALTER CONSTRAINT, which changes triggers on the far table as well."""
    near = tuple(situation.parts(action.table))
    parts = [Facts(locks=situation.locks(near, LockMode.ACCESS_EXCLUSIVE))]
    table = situation.catalog.table(action.table)
    constraint = None if table is None else table.constraints.get(action.name)
    if constraint is None:
        return join_facts([*parts, Facts(certainty=Certainty.UNKNOWN)])
    is_changed = action.is_enforced not in {None, constraint.is_enforced}
    if is_changed and constraint.references is not None:
        # Measured on 18: triggers go under the stronger lock, and come under the weaker one.
        mode = LockMode.SHARE_ROW_EXCLUSIVE if action.is_enforced else LockMode.ACCESS_EXCLUSIVE
        far = tuple(situation.parts(constraint.references))
        parts.append(Facts(locks=situation.locks(far, mode)))
        if action.is_enforced and any(situation.has_rows(table) for table in near):
            parts.append(Facts(scans=situation.scanned(*near, *far)))
    return join_facts(parts)


def set_persistence(action: SetPersistence, situation: Situation) -> Facts:
    """Return the facts of SET LOGGED and SET UNLOGGED: the table is copied."""
    situation = situation.alone()
    table = situation.catalog.table(action.table)
    if table is None:
        # What it was made as is not known.
        return join_facts([situation.rewrite(action.table), Facts(certainty=Certainty.UNKNOWN)])
    if table.persistence is action.persistence:
        return situation.exclusive(action.table)
    errors = tuple(_ties(table, action.persistence, situation.catalog))
    return join_facts([situation.rewrite(action.table), Facts(errors=errors)])


def _ties(table: Table, persistence: Persistence, catalog: Catalog) -> Iterator[str]:
    """Yield why the table cannot change: a logged table may not reference an unlogged one."""
    if persistence is Persistence.UNLOGGED:
        others = [other for other, _ in catalog.foreign_keys_to(table.name)]
        bound = Persistence.PERMANENT
    else:
        names = [constraint.references for constraint in table.constraints.values()]
        others = [found for name in names if name and (found := catalog.table(name))]
        bound = Persistence.UNLOGGED
    for other in others:
        if other.name != table.name and other.persistence is bound:
            yield f'"{table.name}" and "{other.name}" are tied by a foreign key'


def set_access_method(action: SetAccessMethod, situation: Situation) -> Facts:
    """Return the facts of SET ACCESS METHOD: the table is copied unless it has the method."""
    if action.method in {None, _DEFAULT_METHOD}:
        # Another method comes from an extension, and is set by SET ACCESS METHOD or a setting.
        return situation.alone().exclusive(action.table)
    return situation.alone().rewrite(action.table)


def set_tablespace(action: SetTablespace, situation: Situation) -> Facts:
    """Return the facts of SET TABLESPACE: the files are copied under ACCESS EXCLUSIVE.

    Not where they are in the tablespace already, which no history shows.
    """
    mode = LockMode.ACCESS_EXCLUSIVE
    name = situation.catalog.resolve(action.relation)
    lock = situation.lock(action.relation, mode)
    if situation.catalog.names_index(action.relation):
        return Facts(locks=(lock,))
    is_there = situation.is_preexisting(name)
    table = situation.catalog.table(name)
    has_files = table is None or table.kind is not RelationKind.PARTITIONED_TABLE
    if not is_there or not has_files:
        return Facts(locks=(lock,))
    return Facts(locks=(lock,), rewrites=(name,), certainty=Certainty.UNKNOWN)


def set_trigger_state(action: SetTriggerState, situation: Situation) -> Facts:
    """Return the facts of ENABLE and DISABLE TRIGGER or RULE."""
    if action.is_rule:
        return situation.alone().exclusive(action.table)
    parts = situation.parts(action.table)
    return Facts(locks=situation.locks(parts, LockMode.SHARE_ROW_EXCLUSIVE))


def set_inheritance(action: SetInheritance, situation: Situation) -> Facts:
    """Return the facts of INHERIT and NO INHERIT: the child is shut, the parent is not."""
    mode = LockMode.ACCESS_SHARE if action.is_ended else LockMode.SHARE_UPDATE_EXCLUSIVE
    return Facts(
        locks=(
            situation.lock(action.table, LockMode.ACCESS_EXCLUSIVE),
            situation.lock(action.parent, mode),
        )
    )


def attach_index(action: AttachIndex, situation: Situation) -> Facts:
    """Return the facts of ALTER INDEX … ATTACH PARTITION."""
    index, part = situation.catalog.index(action.index), situation.catalog.index(action.partition)
    locks: tuple[Lock, ...] = (
        situation.lock(action.index, LockMode.SHARE_UPDATE_EXCLUSIVE),
        situation.lock(action.partition, LockMode.ACCESS_EXCLUSIVE),
    )
    if index is not None and part is not None:
        locks += (
            situation.lock(index.table, LockMode.ACCESS_SHARE),
            situation.lock(part.table, LockMode.ACCESS_SHARE),
        )
    certainty = Certainty.KNOWN if index is not None and part is not None else Certainty.UNKNOWN
    return Facts(locks=locks, certainty=certainty)


def create_rule(action: CreateRule, situation: Situation) -> Facts:
    """Return the facts of CREATE RULE; its statements are read as if they ran."""
    return join_facts(
        [
            Facts(locks=(situation.lock(action.table, LockMode.ACCESS_EXCLUSIVE),)),
            Facts(locks=situation.locks(action.writes, LockMode.ROW_EXCLUSIVE)),
            Facts(locks=situation.locks(action.reads, LockMode.ACCESS_SHARE)),
        ]
    )
