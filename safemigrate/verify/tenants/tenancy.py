"""Whose a row is: the rows of two tenants, by policies, keys and what a project says."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import psycopg
from psycopg import sql

from safemigrate.errors import SqlSyntaxError
from safemigrate.sql.comparisons import ColumnComparison, read_comparisons
from safemigrate.trace import Connection
from safemigrate.verify.tenants.guarded import GuardedTable, Reference
from safemigrate.verify.tenants.rows import (
    ROW_ID,
    Query,
    assign,
    copy_row,
    find_rows,
    raw,
    read_rows,
    sample_values,
)
from safemigrate.verify.tenants.settings import SettingFinder

__all__ = ["Deriver", "Tenancy", "Tenant", "Underived"]

_MOST_CANDIDATES = 8
_FEWEST_ROWS = 4
_USERS = ("current_user", "session_user", "user", "current_role")


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant of a table.

    `settings`: what the application sets for it. `user`: the role that it logs in as, where
    policies ask for that. `rows`: those that are its alone. `condition`: true of its rows, under
    its settings, for somebody whom no policy binds.
    """

    label: str
    settings: Mapping[str, str]
    rows: tuple[str, ...]
    condition: Query
    user: str = ""


@dataclass(frozen=True, slots=True)
class Tenancy:
    """Two tenants of a table; `keys`: the columns that say whose a row is.

    `is_shared`: the rows are nobody's in particular, and the settings open all of them or none;
    both tenants are the same then.
    """

    first: Tenant
    second: Tenant
    keys: tuple[str, ...]
    is_shared: bool = False


@dataclass(frozen=True, slots=True)
class Underived:
    """Why tenants could not be made, and what helps."""

    reason: str
    advice: str


@dataclass(frozen=True, slots=True)
class _Key:
    """A column that a policy compares with a setting, or with the user where that is ""."""

    comparison: ColumnComparison
    setting: str

    @property
    def column(self) -> str:
        return self.comparison.column

    def condition(self, value: str) -> Query:
        """Return what is true of a tenant's rows; `value`: the tenant's."""
        if self.setting:
            return raw(self.comparison.sql)
        query = sql.SQL("{}::text = {}")
        return query.format(sql.Identifier(self.column), sql.Literal(value))


@dataclass(slots=True)
class Deriver:
    """Derives tenants from a database that has rows.

    `given`: setting → values of two tenants. `unsolved`: identity → why a table has no rows.
    """

    connection: Connection
    tables: Mapping[str, GuardedTable]
    settings: SettingFinder
    given: Mapping[str, tuple[str, str]]
    unsolved: Mapping[str, str]
    _known: dict[str, Tenancy | Underived] = field(default_factory=dict)

    def derive(self, table: GuardedTable) -> Tenancy | Underived:
        """Return two tenants with rows of their own in the table."""
        if table.identity not in self._known:
            # a table that leads back to itself learns nothing from there
            self._known[table.identity] = self._underived(table)
            self._known[table.identity] = self._derive(table)
        return self._known[table.identity]

    def _derive(self, table: GuardedTable) -> Tenancy | Underived:
        rows = read_rows(self.connection, table, ())
        if not rows:
            reason = self.unsolved.get(table.identity, "nothing tells why")
            return Underived(
                f"no rows can be generated in {table.identity}: {reason}",
                "give it rows of your own: a file of samples for the revision",
            )
        # one for each tenant: keys of several columns may leave but a single row possible
        for _ in range(_FEWEST_ROWS - len(rows)):
            copy_row(self.connection, table, rows[0].id)
        keys = self._find_keys(table)
        found = self._by_keys(table, keys) if keys else None
        for reference in table.references:
            found = found or self._by_reference(table, reference)
        return (
            found
            or self._by_policies(table)
            or self._as_shared(table)
            or self._by_likeness(table)
            or self._underived(table)
        )

    def _by_likeness(self, table: GuardedTable) -> Tenancy | None:
        """Return the tenants by a column that says whose a row is in another table."""
        there = {(one.name, one.type) for one in table.columns}
        for other in self.tables.values():
            keys = self._find_keys(other) if other.identity != table.identity else ()
            if {one.column for one in keys} == {*other.primary}:
                # the table of the tenants themselves, by a name that says nothing elsewhere
                continue
            types = {one.name: one.type for one in other.columns}
            if keys and all((one.column, types[one.column]) in there for one in keys):
                return self._by_keys(table, keys)
        return None

    def _as_shared(self, table: GuardedTable) -> Tenancy | None:
        """Return the one tenant of a table whose policies look at no row, but at settings."""
        if any(one.columns or one.reads for one in table.policies):
            return None
        names = tuple(dict.fromkeys(one for c in table.conditions for one in self.settings.find(c)))
        if not names:
            return None
        rows = tuple(one.id for one in read_rows(self.connection, table, ()))
        tenant = Tenant("", dict.fromkeys(names, ""), rows, sql.SQL("true"))
        return Tenancy(tenant, tenant, (), is_shared=True)

    def _underived(self, table: GuardedTable) -> Underived:
        names = tuple(dict.fromkeys(one for c in table.conditions for one in self.settings.find(c)))
        if not names:
            return Underived(
                f"the policies of {table.identity} name no setting and no user that stands for a "
                "tenant",
                "compare a column with current_setting('app.tenant', true), or say why it is right "
                "with a marker: accept[isolates-tenants]",
            )
        example = ", ".join(f'"{one}" = ["1", "2"]' for one in names)
        return Underived(
            f"no values of {', '.join(names)} give two tenants rows of their own in "
            f"{table.identity}",
            f"say two that do: tenants = {{ {example} }} under [tool.safemigrate.verify]",
        )

    def _find_keys(self, table: GuardedTable) -> tuple[_Key, ...]:
        """Return the columns of the table itself that are compared, each once."""
        keys: dict[str, _Key] = {}
        there = {one.name for one in table.columns}
        for comparison in self._read(table):
            if comparison.table is not None or comparison.reads_tables:
                continue
            if comparison.column not in there or comparison.column in keys:
                continue
            names = self.settings.find(comparison.other)
            if names:
                keys[comparison.column] = _Key(comparison, self._choose(table, comparison, names))
            elif comparison.other.partition("::")[0].lower() in _USERS:
                keys[comparison.column] = _Key(comparison, "")
        return tuple(keys.values())

    def _read(self, table: GuardedTable) -> list[ColumnComparison]:
        found: list[ColumnComparison] = []
        for condition in table.conditions:
            try:
                found += read_comparisons(condition)
            except SqlSyntaxError:
                # what a newer server writes, or what is nested too deep
                continue
        return found

    def _choose(
        self, table: GuardedTable, comparison: ColumnComparison, names: Sequence[str]
    ) -> str:
        """Return the setting that decides the comparison."""
        for name in names if len(names) > 1 else ():
            for row in read_rows(self.connection, table, (comparison.column,))[:1]:
                value = row.values[0]
                if value is not None and row.id in self._rows(
                    table, raw(comparison.sql), {name: value}
                ):
                    return name
        return next((one for one in names if one in self.given), names[0])

    def _by_keys(self, table: GuardedTable, keys: Sequence[_Key]) -> Tenancy | None:
        """Return tenants who have different values in all keys."""
        columns = tuple(one.column for one in keys)
        chosen = self._pick(table, columns) or self._spread(table, keys)
        if chosen is None:
            return None
        tenants = [self._make(keys, values, number) for number, values in enumerate(chosen)]
        if any(one.setting in self.given for one in keys):
            self._move(table, keys, tenants)
        return self._settle(table, tenants[0], tenants[1], columns)

    def _pick(
        self, table: GuardedTable, columns: Sequence[str]
    ) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
        """Return the values of two rows that differ in every column."""
        rows = [
            tuple(str(value) for value in row.values)
            for row in read_rows(self.connection, table, columns)
            if None not in row.values
        ]
        pairs = combinations(dict.fromkeys(rows), 2)
        return next(
            (
                (one, other)
                for one, other in pairs
                if all(a != b for a, b in zip(one, other, strict=True))
            ),
            None,
        )

    def _spread(
        self, table: GuardedTable, keys: Sequence[_Key]
    ) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
        """Give every other row to another tenant."""
        values = [sample_values(self.connection, table, one.column) for one in keys]
        pairs = [one for one in values if one is not None]
        if len(pairs) < len(keys):
            return None
        columns = tuple(one.column for one in keys)
        for number, row in enumerate(read_rows(self.connection, table, ())):
            assign(self.connection, table, row.id, columns, [pair[number % 2] for pair in pairs])
        return self._pick(table, columns)

    def _make(self, keys: Sequence[_Key], values: Sequence[str], number: int) -> Tenant:
        """Return the tenant with these values in its rows, which are still to be found."""
        settings = {}
        conditions: list[Query] = []
        user = ""
        for key, value in zip(keys, values, strict=True):
            if key.setting:
                settings[key.setting] = self.given.get(key.setting, (value, value))[number]
            else:
                user = value
            conditions.append(sql.SQL("({})").format(key.condition(value)))
        label = ", ".join(dict.fromkeys([*settings.values(), *([user] if user else [])]))
        return Tenant(label, settings, (), sql.SQL(" AND ").join(conditions), user)

    def _move(self, table: GuardedTable, keys: Sequence[_Key], tenants: Sequence[Tenant]) -> None:
        """Give rows to those tenants that have none, by what the policy makes of their settings."""
        rows = read_rows(self.connection, table, ())
        for number, tenant in enumerate(tenants):
            if self._rows(table, tenant.condition, tenant.settings):
                continue
            values = [self._evaluate(one, tenant) for one in keys]
            if None in values:
                continue
            for row in rows[number::2]:
                assign(self.connection, table, row.id, [one.column for one in keys], values)

    def _evaluate(self, key: _Key, tenant: Tenant) -> str | None:
        """Return the value that a row of the tenant has in a key."""
        query = "SELECT (({})[1])::text" if key.comparison.is_any else "SELECT ({})::text"
        try:
            with self.connection.transaction(force_rollback=True):
                self._set(tenant.settings)
                statement = sql.SQL(query).format(raw(key.comparison.other))
                row = self.connection.execute(statement).fetchone()
        except psycopg.Error:
            return None
        return None if row is None or row[0] is None else str(row[0])

    def _by_reference(self, table: GuardedTable, reference: Reference) -> Tenancy | None:
        """Return the tenants of a table that this one belongs to, where a policy asks that."""
        parent = self.tables.get(reference.identity)
        if parent is None or not any(reference.identity in one.reads for one in table.policies):
            return None
        above = self.derive(parent)
        if isinstance(above, Underived):
            return None
        tenants = [self._inherit(one, reference) for one in (above.first, above.second)]
        if not all(self._rows(table, one.condition, one.settings) for one in tenants):
            keys = [
                next(iter(read_rows(self.connection, reference, reference.keys, one.rows)), None)
                for one in (above.first, above.second)
            ]
            for number, row in enumerate(read_rows(self.connection, table, ())):
                key = keys[number % 2]
                if key is not None:
                    assign(self.connection, table, row.id, reference.columns, key.values)
        return self._settle(table, tenants[0], tenants[1], reference.columns)

    def _inherit(self, tenant: Tenant, reference: Reference) -> Tenant:
        query = sql.SQL("({}) IN (SELECT {} FROM {} WHERE {} = ANY ({}))")
        condition = query.format(
            sql.SQL(", ").join(map(sql.Identifier, reference.columns)),
            sql.SQL(", ").join(map(sql.Identifier, reference.keys)),
            reference.identifier,
            raw(ROW_ID),
            sql.Literal(list(tenant.rows)),
        )
        return Tenant(tenant.label, tenant.settings, (), condition, tenant.user)

    def _by_policies(self, table: GuardedTable) -> Tenancy | None:
        """Return tenants whose rows are those that the policies give them, each to one alone.

        It cannot tell a policy that gives too much from one that gives what it should, and so
        takes only rows that the other tenant is not given.
        """
        for setting in dict.fromkeys(
            one for condition in table.conditions for one in self.settings.find(condition)
        ):
            policies = [
                one
                for one in table.policies
                if one.is_permissive
                and any(setting in self.settings.find(text) for text in one.conditions)
            ]
            if not policies:
                continue
            conditions = [raw(one.using or one.check) for one in policies]
            condition = sql.SQL(" OR ").join(sql.SQL("({})").format(one) for one in conditions)
            keys = tuple(dict.fromkeys(name for one in policies for name in one.columns))
            for one, other in combinations(self._candidates(table, setting), 2):
                tenants = [Tenant(v, {setting: v}, (), condition) for v in (one, other)]
                found = self._settle(table, tenants[0], tenants[1], keys)
                if found is not None:
                    return found
        return None

    def _candidates(self, table: GuardedTable, setting: str) -> Sequence[str]:
        """Return values of the setting that a query inside a policy may find something for."""
        if setting in self.given:
            return self.given[setting]
        values: dict[str, None] = {}
        for comparison in self._read(table):
            if setting not in self.settings.find(comparison.other):
                continue
            place = comparison.table or table.qualified
            names = [place.name] if place.schema is None else [place.schema, place.name]
            query = sql.SQL("SELECT DISTINCT {0}::text FROM {1} WHERE {0} IS NOT NULL ORDER BY 1")
            rows = self.connection.execute(
                query.format(sql.Identifier(comparison.column), sql.Identifier(*names))
            )
            values |= dict.fromkeys(str(row[0]) for row in rows.fetchmany(_MOST_CANDIDATES))
        return tuple(values)

    def _settle(
        self, table: GuardedTable, first: Tenant, second: Tenant, keys: Sequence[str]
    ) -> Tenancy | None:
        """Return both tenants with the rows that are theirs alone; None where one has none."""
        ours = self._rows(table, first.condition, first.settings)
        theirs = self._rows(table, second.condition, second.settings)
        if not ours - theirs or not theirs - ours:
            return None
        return Tenancy(
            _with_rows(first, ours - theirs), _with_rows(second, theirs - ours), tuple(keys)
        )

    def _rows(
        self, table: GuardedTable, condition: Query, settings: Mapping[str, str]
    ) -> frozenset[str]:
        try:
            with self.connection.transaction(force_rollback=True):
                self._set(settings)
                return find_rows(self.connection, table, condition)
        except psycopg.Error:
            # such as a value that a setting cannot have
            return frozenset()

    def _set(self, settings: Mapping[str, str]) -> None:
        for name, value in settings.items():
            self.connection.execute("SELECT set_config(%s, %s, true)", (name, value))


def _with_rows(tenant: Tenant, rows: Iterable[str]) -> Tenant:
    return Tenant(tenant.label, tenant.settings, tuple(sorted(rows)), tenant.condition, tenant.user)
