"""What projects for SQLAlchemy 1.4 write, taken as 1.4 takes it.

See "SQLAlchemy 2.0 - Major Migration Guide" in SQLAlchemy's documentation for each of them.
"""

import contextlib
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from sqlalchemy import Case, Connection, Engine, MetaData, Select, Table, engine, orm, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Query, Session, decl_base
from sqlalchemy.orm.interfaces import UserDefinedOption

from safemigrate.source.replacing import replacing

__all__ = ["reading_legacy"]

_Tell = Callable[[str], None]
_Wrap = Callable[[Any, _Tell], Any]


@contextlib.contextmanager
def reading_legacy(tell: Callable[[str], None]) -> Iterator[None]:
    """Let spellings work inside that SQLAlchemy 2 took away, where it is clear what they mean.

    They are: `MetaData(bind=…)`, `Table(…, autoload=True)`, `select([…])`, `case([…])`, text given
    to `Connection.execute` and `Session.execute`, a Query given to the latter, names given to
    `load_only`, annotations of mapped classes that are not `Mapped[…]`, and names that are gone.
    `tell`: called with the spelling when one is met; of names that are gone nothing is told. What
    the installed SQLAlchemy does not have in that place is left alone.
    """
    with contextlib.ExitStack() as stack:
        for module, name, value in _NAMES:
            if not hasattr(module, name):
                setattr(module, name, value)
                stack.callback(delattr, module, name)
        for owner, name, wrap in _CHANGES:
            if name in vars(owner):
                stack.enter_context(replacing(owner, name, wrap(vars(owner)[name], tell)))
        yield


def _taking_bind(original: Callable[..., None], tell: _Tell) -> Callable[..., None]:
    def __init__(self: MetaData, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - it takes its place
        bind = kwargs.pop("bind", None)
        if args and isinstance(args[0], Connection | Engine):
            bind, args = args[0], args[1:]
        if bind is not None:
            tell("MetaData(bind=…)")
        original(self, *args, **kwargs)
        self.__dict__["bind"] = bind

    return __init__


def _reflecting(original: Callable[..., None], tell: _Tell) -> Callable[..., None]:
    def reflect(self: MetaData, bind: Any = None, *args: Any, **kwargs: Any) -> None:
        if bind is None:
            tell("MetaData.reflect() without an engine")
            bind = self.__dict__.get("bind")
        original(self, bind, *args, **kwargs)

    return reflect


def _autoloading(original: Any, tell: _Tell) -> Any:
    def _new(cls: type[Table], *args: Any, **kwargs: Any) -> Any:
        is_asked = kwargs.pop("autoload", False)
        if is_asked:
            tell("Table(…, autoload=True)")
        if is_asked and kwargs.get("autoload_with") is None and len(args) > 1:
            kwargs["autoload_with"] = args[1].__dict__.get("bind")
        return original.__func__(cls, *args, **kwargs)

    return classmethod(_new)


def _spreading(original: Callable[..., None], tell: _Tell) -> Callable[..., None]:
    """Take one list for what are several arguments now."""

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - it takes its place
        if len(args) == 1 and isinstance(args[0], list | tuple):
            tell(f"{type(self).__name__.lower()}([…])")
            args = (*args[0],)
        original(self, *args, **kwargs)

    return __init__


def _executing_text(original: Callable[..., Any], tell: _Tell) -> Callable[..., Any]:
    def execute(self: Connection, statement: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(statement, str):
            tell("execute() of plain text")
            return self.exec_driver_sql(statement, *args, **kwargs)
        return original(self, statement, *args, **kwargs)

    return execute


def _executing_queries(original: Callable[..., Any], tell: _Tell) -> Callable[..., Any]:
    def execute(self: Session, statement: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(statement, str):
            tell("execute() of plain text")
            statement = text(statement)
        elif isinstance(statement, Query):
            tell("execute() of a Query")
            statement = statement.__clause_element__()
        return original(self, statement, *args, **kwargs)

    return execute


def _loading_names(original: Callable[..., Any], tell: _Tell) -> Callable[..., Any]:
    def load_only(*attrs: Any, **kwargs: Any) -> Any:
        if any(isinstance(one, str) for one in attrs):
            tell("load_only() of names")
            # it changes which columns are read, and no row is
            return UserDefinedOption()
        return original(*attrs, **kwargs)

    return load_only


def _mapping_loosely(original: Callable[..., Any], tell: _Tell) -> Callable[..., Any]:
    def extract(*args: Any, **kwargs: Any) -> Any:
        try:
            return original(*args, **kwargs)
        except ArgumentError:
            tell("annotations without Mapped[…]")
            return None

    return extract


_NAMES: tuple[tuple[ModuleType, str, object], ...] = (
    (engine, "LegacyCursorResult", engine.CursorResult),
    (engine, "LegacyRow", engine.Row),
    (orm, "eagerload", orm.joinedload),
    (orm, "relation", orm.relationship),
)

_CHANGES: tuple[tuple[Any, str, _Wrap], ...] = (
    (MetaData, "__init__", _taking_bind),
    (MetaData, "reflect", _reflecting),
    (Table, "_new", _autoloading),
    (Select, "__init__", _spreading),
    (Case, "__init__", _spreading),
    (Connection, "execute", _executing_text),
    (Session, "execute", _executing_queries),
    (orm, "load_only", _loading_names),
    (decl_base, "_extract_mapped_subtype", _mapping_loosely),
)
