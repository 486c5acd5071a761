"""What every release surely sends for a table: it reads, adds, changes and removes rows of it."""

from collections.abc import Iterable, Iterator

from psycopg import sql

from safemigrate.sql import read_query
from safemigrate.verify.compatibility.constraints import NewCheck
from safemigrate.verify.compatibility.relations import Relation
from safemigrate.verify.compatibility.statements import ReleaseStatement

__all__ = ["generate_statements"]


def generate_statements(
    relations: Iterable[Relation], checks: Iterable[NewCheck] = ()
) -> tuple[ReleaseStatement, ...]:
    """Return a SELECT of all columns by name and, for a table, INSERT, UPDATE and DELETE.

    The INSERT gives a value for every column but those that a sequence counts up; the last two
    pick rows by the primary key. For each of the new `checks` on nothing but columns with a
    default there is an INSERT that leaves these out.
    """
    new = [*checks]
    return tuple(one for relation in relations for one in _generate(relation, new))


def _generate(relation: Relation, checks: Iterable[NewCheck]) -> Iterator[ReleaseStatement]:
    table = relation.identifier
    if relation.columns:
        query = sql.SQL("SELECT {} FROM {}").format(_list(relation.columns), table)
        if relation.key:
            query += sql.SQL(" WHERE {}").format(_pairs(relation.key, " AND "))
        yield _statement("SELECT from", relation, query)
    if not relation.is_table:
        return
    given = [one for one in relation.settable if one not in relation.counted]
    yield _statement("INSERT into", relation, _insert(relation, given))
    for left_out in sorted({check.find_defaults(relation) for check in checks}, key=sorted):
        if left_out:
            some = [one for one in given if one not in left_out]
            verb = f"INSERT without {', '.join(sorted(left_out))} into"
            yield _statement(verb, relation, _insert(relation, some))
    if not relation.key:
        return
    condition = _pairs(relation.key, " AND ")
    changed = [one for one in given if one not in relation.key]
    if changed:
        update = sql.SQL("UPDATE {} SET {} WHERE {}").format(
            table, _pairs(changed, ", ", first=len(relation.key) + 1), condition
        )
        yield _statement("UPDATE of", relation, update)
    delete = sql.SQL("DELETE FROM {} WHERE {}").format(table, condition)
    yield _statement("DELETE from", relation, delete)


def _insert(relation: Relation, given: list[str]) -> sql.Composable:
    if not given:
        return sql.SQL("INSERT INTO {} DEFAULT VALUES").format(relation.identifier)
    return sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        relation.identifier,
        _list(given),
        sql.SQL(", ").join(_parameter(number) for number, _ in enumerate(given, 1)),
    )


def _statement(verb: str, relation: Relation, query: sql.Composable) -> ReleaseStatement:
    text = query.as_string()
    return ReleaseStatement(text, read_query(text), f"{verb} {relation.name}", is_generated=True)


def _list(columns: Iterable[str]) -> sql.Composable:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _pairs(columns: Iterable[str], between: str, *, first: int = 1) -> sql.Composable:
    pairs = [
        sql.SQL("{} = {}").format(sql.Identifier(column), _parameter(number))
        for number, column in enumerate(columns, first)
    ]
    return sql.SQL(between).join(pairs)


def _parameter(number: int) -> sql.Composable:
    return sql.SQL(f"${number}")
