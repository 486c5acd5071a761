"""Where an action meets the server: what facts depend on, and how they are put together."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain

from safemigrate.model import (
    Catalog,
    Certainty,
    Constraint,
    ConstraintKind,
    Facts,
    Lock,
    LockMode,
    QualifiedName,
    RelationKind,
    ServerVersion,
)

__all__ = ["Situation", "join_facts"]

_FAR_PARENT_SINCE = ServerVersion(15)


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything a fact may depend on besides the action.

    `catalog`: as the action finds it. `beginning`: as the migration found it.
    `reaches_children`: False where ONLY keeps it from partitions and children.
    """

    catalog: Catalog
    beginning: Catalog
    version: ServerVersion
    is_in_transaction: bool
    reaches_children: bool = True

    def alone(self) -> "Situation":
        """Return the situation of what leaves partitions and children as they are."""
        return replace(self, reaches_children=False)

    def is_preexisting(self, relation: QualifiedName) -> bool:
        """Return whether the table or index was there before the migration began."""
        table = self.catalog.table(relation)
        if table is not None:
            return self.beginning.knows(table)
        name = self.catalog.resolve(relation)
        if name in self.catalog.sequences:
            return name in self.beginning.sequences
        # What the history does not show cannot have been made by this migration.
        return self.catalog.index(name) is None or name in self.beginning.indexes

    def lock(self, relation: QualifiedName, mode: LockMode) -> Lock:
        """Return the lock, with the name resolved."""
        name = self.catalog.resolve(relation)
        return Lock(name, mode, self.is_preexisting(name))

    def locks(self, relations: Iterable[QualifiedName], mode: LockMode) -> tuple[Lock, ...]:
        """Return one lock for each relation."""
        return tuple(self.lock(relation, mode) for relation in relations)

    def scanned(self, *relations: QualifiedName) -> tuple[QualifiedName, ...]:
        """Return those of the relations whose reading anybody could notice."""
        return tuple(
            self.catalog.resolve(relation)
            for relation in relations
            if self.is_preexisting(relation) and self.has_rows(relation)
        )

    def has_rows(self, relation: QualifiedName) -> bool:
        """Return whether the relation can have rows of its own; its partitions have a parent's."""
        table = self.catalog.table(relation)
        if table is None:
            return True
        return table.kind is not RelationKind.PARTITIONED_TABLE and not table.is_empty

    def has_storage(self, relation: QualifiedName) -> bool:
        """Return whether rows are stored under its own name, and not in partitions."""
        table = self.catalog.table(relation)
        return table is None or table.kind is not RelationKind.PARTITIONED_TABLE

    def family(self, table: QualifiedName) -> Iterator[QualifiedName]:
        """Yield the table and its partitions and inheritance children."""
        yield self.catalog.resolve(table)
        for child in self.catalog.partitions_of(table) if self.reaches_children else ():
            yield child.name

    def parts(self, table: QualifiedName) -> Iterator[QualifiedName]:
        """Yield the table and its partitions, without the children of plain inheritance."""
        found = self.catalog.table(table)
        if found is not None and found.kind is RelationKind.PARTITIONED_TABLE:
            yield from self.family(table)
        else:
            yield self.catalog.resolve(table)

    def reaching(self, table: QualifiedName, since: ServerVersion) -> Iterator[QualifiedName]:
        """Yield `family` from a version on, and `parts` before it."""
        return self.family(table) if self.version >= since else self.parts(table)

    def lock_index(self, table: QualifiedName, index: str, mode: LockMode) -> Lock:
        """Return the lock on an index of the table, by its bare name."""
        name = QualifiedName(self.catalog.resolve(table).schema, index)
        is_old = self.is_preexisting(table)
        return Lock(name, mode, is_old and self.is_preexisting(name))

    def index_locks(self, table: QualifiedName, mode: LockMode) -> tuple[Lock, ...]:
        """Return a lock on every index of the table."""
        return self.locks((index.name for index in self.catalog.indexes_of(table)), mode)

    def locks_by_cascade(self, table: QualifiedName, key: Constraint) -> tuple[Lock, ...]:
        """Return the locks on tables whose foreign keys go with the key they reference."""
        is_primary = key.kind is ConstraintKind.PRIMARY_KEY
        return self.locks(
            (
                part
                for other, reference in self.catalog.foreign_keys_to(table)
                if set(reference.referenced_columns) == set(key.columns)
                or (is_primary and not reference.referenced_columns)
                for part in self.parts(other.name)
            ),
            LockMode.ACCESS_EXCLUSIVE,
        )

    def far_locks(self, table: QualifiedName) -> tuple[Lock, ...]:
        """Return the locks on the far table of a foreign key that goes, with its partitions."""
        far, *partitions = self.parts(table)
        if partitions and self.version < _FAR_PARENT_SINCE:
            # Measured on 14: the key goes partition by partition.
            return self.locks(partitions, LockMode.ACCESS_EXCLUSIVE)
        return self.locks((far, *partitions), LockMode.ACCESS_EXCLUSIVE)

    def reading(self, tables: Iterable[QualifiedName]) -> Facts:
        """Return the facts of a query; which partitions it leaves out, only the planner knows."""
        families = [tuple(self.family(table)) for table in tables]
        is_certain = all(len(family) == 1 for family in families)
        return Facts(
            locks=self.locks(chain.from_iterable(families), LockMode.ACCESS_SHARE),
            certainty=Certainty.KNOWN if is_certain else Certainty.UNKNOWN,
        )

    def default_partition(self, parent: QualifiedName) -> QualifiedName | None:
        """Return the default partition of the table itself, None where there is none."""
        wanted = self.catalog.resolve(parent)
        for child in self.catalog.partitions_of(parent):
            if child.is_default_partition and child.partition_of == wanted:
                return child.name
        return None

    def rewrite(self, table: QualifiedName) -> Facts:
        """Return the facts of writing the table, with its partitions, anew."""
        family = tuple(self.family(table))
        locks = [self.lock(member, LockMode.ACCESS_EXCLUSIVE) for member in family]
        for member in family:
            if self.has_rows(member):
                locks += self.index_locks(member, LockMode.ACCESS_EXCLUSIVE)
        rewritten = self.scanned(*family)
        return Facts(locks=tuple(locks), rewrites=rewritten, scans=rewritten)

    def exclusive(self, table: QualifiedName, *, scans: bool = False) -> Facts:
        """Return the facts of ACCESS EXCLUSIVE on the table with its partitions."""
        family = tuple(self.family(table))
        return Facts(
            locks=self.locks(family, LockMode.ACCESS_EXCLUSIVE),
            scans=self.scanned(*family) if scans else (),
        )


_DOUBT = {Certainty.KNOWN: 0, Certainty.ASSUMED: 1, Certainty.UNKNOWN: 2}


def join_facts(parts: Iterable[Facts]) -> Facts:
    """Return what all the parts do together: the strongest lock per relation, in order met."""
    parts = tuple(parts)
    if len(parts) == 1 and _is_simple(parts[0]):
        return parts[0]
    locks: dict[QualifiedName, Lock] = {}
    rewrites: dict[QualifiedName, None] = {}
    scans: dict[QualifiedName, None] = {}
    errors: dict[str, None] = {}
    certainty = Certainty.KNOWN
    for part in parts:
        for lock in part.locks:
            held = locks.get(lock.relation)
            if held is None or held.mode < lock.mode:
                locks[lock.relation] = lock
        rewrites.update(dict.fromkeys(part.rewrites))
        scans.update(dict.fromkeys(part.scans))
        errors.update(dict.fromkeys(part.errors))
        certainty = max(certainty, part.certainty, key=_DOUBT.__getitem__)
    return Facts(tuple(locks.values()), tuple(rewrites), tuple(scans), tuple(errors), certainty)


def _is_simple(facts: Facts) -> bool:
    """Return whether it is plain to see that nothing is said twice."""
    said = facts.locks, facts.rewrites, facts.scans, facts.errors
    return max(map(len, said)) <= 1
