"""Settings that are not here, taken where SQLAlchemy, Alembic and `os.environ` would refuse them.

To judge migrations it does not matter which database they run on, or how it is reached.
"""

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from types import FrameType
from typing import Any

import sqlalchemy.engine.url
from alembic.config import Config
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError

from safemigrate.source.replacing import replacing
from safemigrate.source.standins import StandIn, is_stand_in
from safemigrate.source.standins_guards import KEY_ERRORS, is_guarded
from safemigrate.source.standins_places import Places
from safemigrate.source.standins_types import Uses

__all__ = ["Absent", "reading_settings", "standing_for_attributes"]

# What `make_url` is found under.
_MODULES: tuple[Any, ...] = (sqlalchemy, sqlalchemy.engine, sqlalchemy.engine.url)

_UNREADABLE = (ArgumentError, AttributeError, TypeError, ValueError)

# What `get`, `pop` and `setdefault` of the environment, and `os.getenv`, are written in.
_OF_MAPPINGS = frozenset({"_collections_abc", "collections.abc", "os"})


class _Unset(str):
    """The empty text that stands for a variable; as a number, it is the one a stand-in is."""

    __slots__ = ()

    def __int__(self) -> int:
        return 1

    def __float__(self) -> float:
        return 1.0


class Absent:
    """What the project reads by `[]`, and what is not there.

    `variables`: of the environment. `attributes`: of Alembic's configuration, where a program
    leaves what it has for env.py. `required`: the variables that have to be there, those that are
    set here among them.
    """

    def __init__(self, places: Places, uses: Uses) -> None:
        self.variables: dict[str, None] = {}
        self.attributes: dict[str, None] = {}
        self.required: dict[str, None] = {}
        self._spared: set[str] = set()
        self._places = places
        self._uses = uses

    @property
    def is_empty(self) -> bool:
        """Whether nothing of the kind was read."""
        return not (self.variables or self.attributes)

    def notices(self) -> Iterator[str]:
        """Yield what the reader of a report should know."""
        if self.variables:
            yield (
                "variables that are not set here were read as if they were empty: "
                f"{_list(self.variables)}"
            )
        if self.attributes:
            yield (
                "what another program hands to env.py in config.attributes is not there, with "
                f"stand-ins for it: {_list(self.attributes)}"
            )

    def read_variable(self, name: str, frame: FrameType) -> str | None:
        """Return the text that stands for a variable, None when its absence is no fault.

        It is that of a variable that other code than the project's reads, or code that handles the
        error. `frame`: of whoever reads it.
        """
        if not self._has_to_be(frame):
            return None
        self.variables[name] = None
        self.required[name] = None
        self._uses.say(f'reads the variable "{name}", which is not set here')
        return _Unset()

    def see_variable(self, name: str, frame: FrameType) -> None:
        """Note that a variable that is set is read; `frame`: of whoever reads it."""
        if frame.f_globals.get("__name__") in _OF_MAPPINGS:
            self.spare_variable(name, frame)
        elif not {name} & (self._spared | self.required.keys()) and self._has_to_be(frame):
            self.required[name] = None

    def spare_variable(self, name: str, frame: FrameType) -> None:
        """Note that the project may do without a variable: it looks for it first, or sets it.

        What it has read before without that it has to have all the same.
        """
        found: FrameType | None = frame
        while found is not None and found.f_globals.get("__name__") in _OF_MAPPINGS:
            found = found.f_back
        if found is not None and self._places.has(found.f_code.co_filename):
            self._spared.add(name)

    def read_attribute(self, name: str, frame: FrameType) -> StandIn | None:
        """Return what stands for an attribute; None as for a variable."""
        if not self._has_to_be(frame):
            return None
        self.attributes[name] = None
        return StandIn(f"config.attributes.{name}", self._uses)

    def _has_to_be(self, frame: FrameType) -> bool:
        if not self._places.has(frame.f_code.co_filename):
            return False
        found: FrameType | None = frame
        while found is not None:
            filename = found.f_code.co_filename
            if self._places.has(filename) and is_guarded(filename, found.f_lineno, KEY_ERRORS):
                return False
            found = found.f_back
        return True


def _list(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in sorted(names))


@contextlib.contextmanager
def reading_settings(absent: Absent) -> Iterator[None]:
    """Take inside what is no setting, in the place of one.

    A URL that cannot be read is one of PostgreSQL, of which nothing else is known; options of an
    engine that are stand-ins are not given; a variable that is not set and has to be is empty.
    Functions that were imported inside work as always afterwards.
    """
    with contextlib.ExitStack() as stack:
        is_active = [True]
        stack.callback(is_active.clear)
        make_url = _taking_any_url(sqlalchemy.engine.url.make_url, is_active)
        for module in _MODULES:
            stack.enter_context(replacing(module, "make_url", make_url))
        create = classmethod(_taking_any_part(URL.create))
        stack.enter_context(replacing(URL, "create", create))
        for owner, name, wrap in (
            (URL, "_instantiate_plugins", _dropping_options),
            (Config, "set_section_option", _taking_any_option),
        ):
            stack.enter_context(replacing(owner, name, wrap(owner.__dict__[name])))
        stack.enter_context(_reading_variables(absent))
        yield


@contextlib.contextmanager
def standing_for_attributes(config: Config, absent: Absent) -> Iterator[None]:
    """Let stand-ins take the place of what a program would hand to env.py."""

    class Attributes(dict[str, Any]):
        """Has whatever env.py reads by `[]`."""

        def __missing__(self, name: str) -> Any:
            found = absent.read_attribute(name, sys._getframe(1))  # noqa: SLF001 - only the caller tells
            if found is None:
                raise KeyError(name)
            return found

    with replacing(config, "attributes", Attributes(config.attributes)):
        yield


def _taking_any_url(original: Callable[[Any], URL], is_active: list[bool]) -> Callable[[Any], URL]:
    def make_url(name_or_url: Any) -> URL:
        if not is_active:
            return original(name_or_url)
        try:
            url = original(name_or_url)
        except _UNREADABLE:
            return URL.create("postgresql")
        return url.set(drivername="postgresql") if _is_unknown(url.drivername) else url

    return make_url


def _is_unknown(drivername: str) -> bool:
    """Return whether the name of the dialect is what a stand-in has for its text, or nothing."""
    return not drivername or drivername.startswith("unknown_")


def _taking_any_part(original: Callable[..., URL]) -> Callable[..., URL]:
    def create(cls: type[URL], drivername: Any, *args: Any, **kwargs: Any) -> URL:
        del cls
        if is_stand_in(drivername) or not drivername:
            drivername = "postgresql"
        known = [None if is_stand_in(one) else one for one in args]
        named = {name: one for name, one in kwargs.items() if not is_stand_in(one)}
        query = named.get("query")
        if isinstance(query, dict):
            named["query"] = {name: one for name, one in query.items() if not is_stand_in(one)}
        try:
            return original(drivername, *known, **named)
        except _UNREADABLE:
            return original("postgresql")

    return create


def _dropping_options(original: Callable[..., Any]) -> Callable[..., Any]:
    """Let `create_engine`, which calls this with its options, do without those not known."""

    def _instantiate_plugins(self: URL, kwargs: dict[str, Any]) -> Any:
        return original(self, {name: one for name, one in kwargs.items() if not _is_none(one)})

    return _instantiate_plugins


def _taking_any_option(original: Callable[..., None]) -> Callable[..., None]:
    def set_section_option(self: Config, section: str, name: str, value: Any) -> None:
        original(self, section, name, "" if value is None or is_stand_in(value) else value)

    return set_section_option


def _is_none(value: object) -> bool:
    return is_stand_in(value) or isinstance(value, _Unset)


@contextlib.contextmanager
def _reading_variables(absent: Absent) -> Iterator[None]:
    """Answer for variables that are not set, behind whoever listens for those that are read."""
    environment, kept = os.environ, os.environ.__class__

    class Answering(kept):  # type: ignore[misc, valid-type]  # a class that is known when it runs
        """The same mapping. `in`, `get` and `pop` call from a module that is not the project's."""

        def __contains__(self, name: object) -> bool:
            absent.spare_variable(str(name), sys._getframe(1))  # noqa: SLF001 - only the caller tells
            return bool(super().__contains__(name))

        def __setitem__(self, name: str, value: str) -> None:
            absent.spare_variable(name, sys._getframe(1))  # noqa: SLF001 - only the caller tells
            super().__setitem__(name, value)

        def __getitem__(self, name: str) -> str:
            try:
                value: str = super().__getitem__(name)
            except KeyError:
                found = absent.read_variable(name, sys._getframe(1))  # noqa: SLF001 - only the caller tells
                if found is None:
                    raise
                return found
            absent.see_variable(name, sys._getframe(1))  # noqa: SLF001 - only the caller tells
            return value

    environment.__class__ = Answering
    try:
        yield
    finally:
        environment.__class__ = kept
