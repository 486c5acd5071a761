"""Types of columns as SQLAlchemy spells them."""

from safemigrate.model import ColumnType

__all__ = ["column_type"]

# By the names of `ColumnType`; those with a length or precision are spelt below.
_PLAIN = {
    "bigint": "sa.BigInteger()",
    "boolean": "sa.Boolean()",
    "bytea": "sa.LargeBinary()",
    "character varying": "sa.String()",
    "date": "sa.Date()",
    "double precision": "sa.Double()",
    "integer": "sa.Integer()",
    "numeric": "sa.Numeric()",
    "real": "sa.REAL()",
    "smallint": "sa.SmallInteger()",
    "text": "sa.Text()",
    "time without time zone": "sa.Time()",
    "timestamp with time zone": "sa.DateTime(timezone=True)",
    "timestamp without time zone": "sa.DateTime()",
    "uuid": "sa.Uuid()",
}

_WITH_NUMBERS = {"character varying": "sa.String", "numeric": "sa.Numeric"}


def column_type(type_: ColumnType) -> str | None:
    """Return the type as code over `import sqlalchemy as sa`, None where it has no word for it."""
    if type_.schema is not None or type_.dimensions:
        return None
    if not type_.modifiers:
        return _PLAIN.get(type_.name)
    name = _WITH_NUMBERS.get(type_.name)
    return None if name is None else f"{name}({', '.join(map(str, type_.modifiers))})"
