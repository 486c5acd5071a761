"""The naming convention of the metadata that env.py hands to Alembic."""

from collections.abc import Mapping

from sqlalchemy import (
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    UniqueConstraint,
)

__all__ = ["read_naming_convention"]

# https://docs.sqlalchemy.org/en/20/core/metadata.html#sqlalchemy.schema.MetaData
_KEYS: Mapping[object, str] = {
    CheckConstraint: "ck",
    ForeignKeyConstraint: "fk",
    Index: "ix",
    PrimaryKeyConstraint: "pk",
    UniqueConstraint: "uq",
}


def read_naming_convention(target_metadata: object) -> Mapping[str, str]:
    """Return the templates of names, by SQLAlchemy's short keys, empty where there are none.

    `target_metadata`: what env.py gave to `context.configure`; of several, the first that says
    something. SQLAlchemy's own convention, which a project gets that chooses none, is none.
    """
    given = target_metadata if isinstance(target_metadata, list | tuple) else [target_metadata]
    conventions = (_templates(one) for one in given if isinstance(one, MetaData))
    return next((found for found in conventions if found), {})


def _templates(metadata: MetaData) -> Mapping[str, str]:
    if metadata.naming_convention == MetaData().naming_convention:
        return {}
    found = {}
    for key, template in metadata.naming_convention.items():
        name = _KEYS.get(key, key)
        if name in _KEYS.values() and isinstance(template, str):
            found[str(name)] = template
    return found
