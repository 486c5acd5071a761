"""Stand-ins: what takes the place of things of modules that are not installed here."""

import datetime as dt
import sys
from abc import ABCMeta
from collections.abc import AsyncIterator, Generator, Iterator
from types import FunctionType, ModuleType
from typing import Any, Self

from sqlalchemy import Connection, Engine, MetaData, inspection
from sqlalchemy.orm import DeclarativeMeta, Session
from sqlalchemy.sql import type_api
from sqlalchemy.types import TypeEngine

from safemigrate.source.standins_clauses import find_clause, is_inspected_by_author
from safemigrate.source.standins_connections import send
from safemigrate.source.standins_guards import count_unpacked, is_decorating
from safemigrate.source.standins_types import StandInType, Uses, is_asked_for_type

__all__ = ["StandIn", "StandInModule", "is_stand_in"]


def is_stand_in(value: object) -> bool:
    """Return whether a value is a stand-in, or an instance of a class based on one."""
    # not isinstance(): a lazy object may answer what its class is with an error
    return issubclass(type(value), (StandIn, StandInBase))


# They write to a log, whatever they are of.
_LOGGING = frozenset({"critical", "debug", "error", "exception", "info", "log", "warning"})


class StandIn(dt.tzinfo):
    """Stands for a class, function, constant or anything else.

    It does what is asked of it and gives stand-ins: attributes, calls, items. A question whose
    answer decides something (is it true, how long, equal, its text) is answered as by something
    empty, and told to `Uses`. Attributes with a leading underscore are not there, so that those who
    look for a protocol do not find one, but for those that SQLAlchemy asks a column type for.
    It is a time zone by its class, for `datetime` takes nothing else for one; it is UTC then.
    """

    def __init__(self, origin: str, uses: Uses) -> None:
        self.__dict__["_origin"] = origin
        self.__dict__["_uses"] = uses

    def __getattr__(self, name: str) -> Any:
        if name == "__members__":
            # an enum: how sqlalchemy.Enum sees one
            self._tell()
            return {}
        if name in {"__name__", "__qualname__"}:
            return self._origin.rpartition(".")[2]
        if name == "__tablename__":
            return str(self)
        if name == "__table__":
            return StandIn(f"{self._origin}.{name}", self._uses)
        if name == "__clause_element__" and (clause := find_clause(self._origin)) is not None:
            self._tell()
            return clause
        if name.startswith("_"):
            if not name.startswith("__") and hasattr(StandInType, name):
                return getattr(self._as_type(), name)
            raise AttributeError(name, name=name, obj=self)
        found: Any = StandIn(f"{self._origin}.{name}", self._uses)
        if name == "metadata":
            # tables are made in it, and Alembic takes the naming convention from it
            found = MetaData()
        self.__dict__[name] = found
        return found

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Give what is decorated, or a stand-in for what would be returned."""
        if is_asked_for_type():
            return self._as_type()
        if len(args) == 1 and not kwargs and isinstance(args[0], type | FunctionType):
            if is_decorating(sys._getframe(1)):  # noqa: SLF001 - only the caller tells
                return args[0]
            if self._origin.lower().endswith("proxy") and isinstance(args[0], FunctionType):
                return _Proxy(self._origin, self._uses, args[0])
        name = self._origin.rpartition(".")[2]
        if name == "Session" and isinstance(kwargs.get("bind"), Connection | Engine):
            # of whatever library: what is sent through it goes to that connection
            return Session(bind=kwargs["bind"])
        if (sent := send(self._uses.connect, name, args, kwargs)) is not None:
            return StandIn(self._origin, self._uses) if sent.is_awaited else sent.result
        if self._uses.takes_calls and not name[:1].isupper() and name not in _LOGGING:
            # a class is made without sending anything; what a function does nobody knows
            self._tell("calls")
        return StandIn(self._origin, self._uses)

    def with_variant(self, type_: Any, *dialect_names: str) -> Any:
        """Return the type for PostgreSQL, as a column type does."""
        return type_api.to_instance(type_) if "postgresql" in dialect_names else self

    def _as_type(self) -> TypeEngine[Any]:
        return StandInType(self._origin)

    def _tell(self, verb: str = "uses") -> None:
        self._uses.tell(self._origin, verb)

    def _set_parent_with_dispatch(self, parent: object, **kw: object) -> None:
        """Be a part of a table, as a column or a constraint is."""
        del parent, kw
        self._tell()

    def _inspection_context(self) -> "StandIn":
        """Be an engine that is inspected, in which nothing is found."""
        self._tell()
        return self

    # as a base class, generic, union

    def __mro_entries__(self, bases: tuple[object, ...]) -> tuple[type, ...]:
        if any(isinstance(one, type) and type(one) is not type for one in bases):
            # the other base's metaclass decides
            return ()
        mine = next(one for one in bases if isinstance(one, StandIn))
        return (_make_base(self._origin, self._uses),) if mine is self else ()

    def __instancecheck__(self, instance: object) -> bool:
        del instance
        self._tell()
        return False

    def __subclasscheck__(self, subclass: type) -> bool:
        del subclass
        self._tell()
        return False

    def __getitem__(self, key: object) -> "StandIn":
        del key
        return StandIn(self._origin, self._uses)

    def __setitem__(self, key: object, value: object) -> None: ...

    def __delitem__(self, key: object) -> None: ...

    # as a context manager, awaited or not

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None: ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None: ...

    def __await__(self) -> Generator[None, None, "StandIn"]:
        yield from ()
        return StandIn(self._origin, self._uses)

    # as a value

    def __bool__(self) -> bool:
        self._tell()
        return False

    def __len__(self) -> int:
        self._tell()
        return 0

    def __iter__(self) -> Iterator[Any]:
        self._tell()
        count = count_unpacked(sys._getframe(1))  # noqa: SLF001 - as above
        return iter([StandIn(self._origin, self._uses) for _ in range(count)])

    async def __aiter__(self) -> AsyncIterator[Any]:
        self._tell()
        nothing: tuple[Any, ...] = ()
        for one in nothing:
            yield one

    def __next__(self) -> Any:
        self._tell()
        raise StopIteration

    def __contains__(self, item: object) -> bool:
        del item
        self._tell()
        return False

    def __eq__(self, other: object) -> Any:
        if isinstance(other, StandIn) and other._origin == self._origin:
            return True
        self._tell()
        return NotImplemented if hasattr(other, "__clause_element__") else False

    def __hash__(self) -> int:
        return hash(self._origin)

    def __int__(self) -> int:
        # the one number that neither divides by nothing nor counts for ever
        self._tell()
        return 1

    __index__ = __int__

    def __float__(self) -> float:
        return float(int(self))

    def __str__(self) -> str:
        # one word, in the place of a name as well as inside a constant
        self._tell()
        return "unknown_" + "".join(one if one.isalnum() else "_" for one in self._origin)

    def __format__(self, specification: str) -> str:
        del specification
        return str(self)

    def __repr__(self) -> str:
        return f"<stand-in for {self._origin}>"

    def utcoffset(self, _: dt.datetime | None) -> dt.timedelta:
        """Say how far it is from UTC: not at all."""
        self._tell()
        return dt.timedelta(0)

    dst = utcoffset

    def tzname(self, _: dt.datetime | None) -> str:
        """Return its name."""
        return str(self)

    def __fspath__(self) -> str:
        return str(self)

    def __add__(self, other: object) -> Any:
        return str(self) + other if isinstance(other, str) else self

    def __radd__(self, other: object) -> Any:
        return other + str(self) if isinstance(other, str) else self

    def __copy__(self) -> "StandIn":
        return self

    def __deepcopy__(self, memo: object) -> "StandIn":
        return self


def _keep(self: StandIn, *other: object) -> StandIn:
    """Stay unknown, whatever is calculated with it."""
    del other
    return self


def _deny(self: StandIn, other: object) -> Any:
    """Be neither more nor less than anything; SQL is left to compare by itself."""
    self._tell()
    return NotImplemented if hasattr(other, "__clause_element__") else False


_OPERATORS = "sub mul truediv floordiv mod pow matmul lshift rshift and or xor"
for _name in _OPERATORS.split():
    setattr(StandIn, f"__{_name}__", _keep)
    setattr(StandIn, f"__r{_name}__", _keep)
for _name in ("neg", "pos", "abs", "invert", "round"):
    setattr(StandIn, f"__{_name}__", _keep)
for _name in ("lt", "le", "gt", "ge"):
    setattr(StandIn, f"__{_name}__", _deny)


@inspection._inspects(StandIn)  # noqa: SLF001 - SQLAlchemy's own way to add a kind
def _inspect(stand_in: StandIn) -> StandIn | None:
    return stand_in if is_inspected_by_author() else None


class _Proxy(StandIn):
    """What a lazy proxy stands for comes from the project's own function."""

    def __init__(self, origin: str, uses: Uses, factory: FunctionType) -> None:
        super().__init__(origin, uses)
        self.__dict__["_factory"] = factory

    def _resolve(self) -> Any:
        """Return what the function gives, None when it cannot."""
        if "_target" not in self.__dict__:
            try:
                self.__dict__["_target"] = self._factory()
            except Exception:  # noqa: BLE001 - whatever it needs is not here
                self.__dict__["_target"] = None
        return self.__dict__["_target"]

    def __getattr__(self, name: str) -> Any:
        # what it is like is asked for when a module is imported, which is too early to find out
        if name.startswith("__"):
            raise AttributeError(name, name=name, obj=self)
        target = self._resolve()
        return super().__getattr__(name) if target is None else getattr(target, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        target = self._resolve()
        if target is None:
            return self._as_type() if is_asked_for_type() else super().__call__(*args, **kwargs)
        return target(*args, **kwargs)


class _StandInMeta(ABCMeta, DeclarativeMeta):
    """The class of classes that are based on a stand-in; what they lack is a stand-in.

    It gets along with abstract classes and those that SQLAlchemy maps, and does their work.
    """

    _origin: str
    _uses: Uses

    def __init__(
        cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **kwargs: Any
    ) -> None:
        if any("_sa_registry" in one.__dict__ for one in cls.__mro__):
            DeclarativeMeta.__init__(cls, name, bases, namespace, **kwargs)
        else:
            type.__init__(cls, name, bases, namespace)

    def __getattr__(cls, name: str) -> Any:
        if name == "_sqla_type":
            return True
        if name == "__tablename__":
            return str(StandIn(cls.__name__, cls._uses))
        if name == "__table__":
            return StandIn(f"{cls.__name__}.{name}", cls._uses)
        if name.startswith("_"):
            raise AttributeError(name, name=name, obj=cls)
        if name == "metadata":
            return MetaData()
        return StandIn(f"{cls.__name__}.{name}", cls._uses)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return _type_of(cls) if is_asked_for_type() else super().__call__(*args, **kwargs)

    def __iter__(cls) -> Iterator[Any]:
        cls._uses.tell(cls._origin)
        return iter(())

    def __or__(cls, other: object) -> Any:
        return cls

    __ror__ = __or__


class StandInBase(metaclass=_StandInMeta):
    """The base of the project's classes whose real base is not here."""

    _origin = ""
    _uses = Uses()

    def __init__(self, *args: object, **kwargs: object) -> None:
        del args
        self.__dict__.update(kwargs)

    def __init_subclass__(cls, **kwargs: object) -> None:
        del kwargs
        super().__init_subclass__()

    def __class_getitem__(cls, key: object) -> type["StandInBase"]:
        return cls

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("__") and name.startswith("_") and hasattr(StandInType, name):
            return getattr(_type_of(type(self)), name)
        if name.startswith("_"):
            raise AttributeError(name, name=name, obj=self)
        return StandIn(f"{type(self).__name__}.{name}", self._uses)

    def __call__(self, *args: object, **kwargs: object) -> Any:
        if is_asked_for_type():
            return _type_of(type(self))
        return StandIn(type(self).__name__, self._uses)(*args, **kwargs)

    def __iter__(self) -> Iterator[Any]:
        return iter(type(self))


def _make_base(origin: str, uses: Uses) -> type:
    return _StandInMeta("StandInBase", (StandInBase,), {"_origin": origin, "_uses": uses})


def _type_of(cls: type) -> StandInType:
    return StandInType(f"{cls.__module__}.{cls.__qualname__}")


class StandInModule(ModuleType):
    """A module that is not installed here; everything in it is a stand-in."""

    def __init__(self, name: str, uses: Uses) -> None:
        super().__init__(name, "A stand-in.")
        self._uses = uses
        self.__path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name, name=name, obj=self)
        found = StandIn(f"{self.__name__}.{name}", self._uses)
        setattr(self, name, found)
        return found
