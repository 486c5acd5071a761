"""Give the rows that are there a value, a batch in a transaction."""

from safemigrate.model import Catalog, ConstraintKind, QualifiedName, RelationKind
from safemigrate.sql import quote_identifier, quote_name

__all__ = ["fill_in_batches"]

_BATCH_ROWS = 1000


def fill_in_batches(
    table: QualifiedName, column: str, *, value: str, condition: str, catalog: Catalog
) -> str:
    """Return the DO block that sets `column` to `value` in the rows that meet the condition.

    It commits after each batch, so it must run outside a transaction. It walks along the primary
    key where the catalog knows one, else it looks for rows that are left. `condition` must no
    longer hold for a row that has the value.
    """
    assignment = f"{quote_identifier(column)} = {value}"
    key = _primary_key(table, catalog)
    if key:
        return _walk(quote_name(table), assignment, condition, key)
    found = catalog.table(table)
    is_partitioned = found is not None and found.kind is RelationKind.PARTITIONED_TABLE
    return _search(quote_name(table), assignment, condition, is_partitioned=is_partitioned)


def _primary_key(table: QualifiedName, catalog: Catalog) -> tuple[str, ...]:
    found = catalog.table(table)
    if found is None:
        return ()
    for constraint in found.constraints.values():
        if constraint.kind is ConstraintKind.PRIMARY_KEY:
            return tuple(quote_identifier(column) for column in constraint.columns)
    return ()


# It is text for people to read and run, with every name quoted, and nothing here runs it.
# ruff: noqa: S608


def _walk(table: str, assignment: str, condition: str, key: tuple[str, ...]) -> str:
    """Walk along the key: each batch costs the same, however many are done."""
    columns, backwards = ", ".join(key), ", ".join(f"{column} DESC" for column in key)
    numbers = [f"_{number}" for number in range(1, len(key) + 1)] if len(key) > 1 else [""]
    firsts, lasts = ([f"batch_{end}{number}" for number in numbers] for end in ("first", "last"))
    first, last = ", ".join(firsts), ", ".join(lasts)
    # A key of several columns is compared as a row.
    row, first_row, last_row = (
        f"({part})" if len(key) > 1 else part for part in (columns, first, last)
    )
    declared = [
        f"    {variable} {table}.{column}%TYPE;"
        for variables in (firsts, lasts)
        for variable, column in zip(variables, key, strict=True)
    ]
    lines = [
        "DO $$",
        "DECLARE",
        *declared,
        "BEGIN",
        f"    SELECT {columns} INTO {first} FROM {table} ORDER BY {columns} LIMIT 1;",
        f"    WHILE {firsts[0]} IS NOT NULL LOOP",
        f"        SELECT {columns} INTO {last} FROM (",
        f"            SELECT {columns} FROM {table} WHERE {row} >= {first_row}",
        f"            ORDER BY {columns} LIMIT {_BATCH_ROWS}",
        f"        ) AS batch ORDER BY {backwards} LIMIT 1;",
        f"        UPDATE {table} SET {assignment}",
        f"        WHERE {row} >= {first_row} AND {row} <= {last_row}",
        f"        AND {condition};",
        "        COMMIT;",
        f"        SELECT {columns} INTO {first} FROM {table}",
        f"        WHERE {row} > {last_row} ORDER BY {columns} LIMIT 1;",
        "    END LOOP;",
        "END",
        "$$",
    ]
    return "\n".join(lines)


def _search(table: str, assignment: str, condition: str, *, is_partitioned: bool) -> str:
    """Take whatever rows are left: rows of a table without a key have no order to walk along."""
    address = "tableoid, ctid" if is_partitioned else "ctid"
    # A list of row addresses is looked up directly, which IN (SELECT …) is not.
    opening, closing = ("IN (", ")") if is_partitioned else ("= ANY (ARRAY(", "))")
    lines = [
        "DO $$",
        "BEGIN",
        "    LOOP",
        f"        UPDATE {table} SET {assignment} WHERE ({address}) {opening}",
        f"            SELECT {address} FROM {table} WHERE {condition} LIMIT {_BATCH_ROWS}",
        f"        {closing};",
        "        EXIT WHEN NOT FOUND;",
        "        COMMIT;",
        "    END LOOP;",
        "END",
        "$$",
    ]
    return "\n".join(lines)
