"""Libraries in C that connect without Python hearing of it."""

import contextlib
import functools
import importlib.util
import sys
import threading
from collections.abc import Callable, Iterator
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from safemigrate.source.fence_attempts import Attempt, AttemptKind

__all__ = ["find_other_threads", "refusing_drivers", "replaced"]

# Where all their ways to connect come together. asyncpg, pg8000, pymysql and their like use
# Python's sockets.
_FUNCTIONS = {
    "MySQLdb": ("connect", "Connect"),
    "oracledb": ("connect",),
    "psycopg.generators": ("connect",),
    "psycopg2": ("_connect",),
    "psycopg2._psycopg": ("_connect",),
    "pymssql": ("connect",),
    "pyodbc": ("connect",),
}
_METHODS = {
    "psycopg.pq": ("PGconn", ("connect", "connect_start", "ping")),
    "uvloop": (
        "Loop",
        (
            "create_connection",
            "create_datagram_endpoint",
            "create_server",
            "create_unix_connection",
            "create_unix_server",
            "getaddrinfo",
            "getnameinfo",
            "subprocess_exec",
            "subprocess_shell",
        ),
    ),
}
# Classes whose objects connect when they are made.
_CLASSES = {"psycopg2._psycopg": ("connection", "ReplicationConnection")}
# Py_TPFLAGS_HEAPTYPE: a class that was written in Python and takes attributes
_IS_HEAP_TYPE = 1 << 9


@contextlib.contextmanager
def refusing_drivers(refuse: Callable[[Attempt], None]) -> Iterator[None]:
    """Let them call `refuse`, which raises, in the place of connecting.

    Those that are imported already, and those that are imported inside the block.
    """
    with contextlib.ExitStack() as stack:

        def fence_in(module: ModuleType) -> None:
            stack.enter_context(_fenced_in(module, refuse))

        finder = _Finder(fence_in)
        sys.meta_path.insert(0, finder)
        stack.callback(finder.leave)
        for name in (*_FUNCTIONS, *_METHODS):
            module = sys.modules.get(name)
            if module is not None:
                fence_in(module)
        yield


@contextlib.contextmanager
def _fenced_in(module: ModuleType, refuse: Callable[[Attempt], None]) -> Iterator[None]:
    def connect(real: object, *arguments: object, **options: object) -> None:
        del real
        refuse(Attempt(AttemptKind.CONNECT, _describe_server(module, arguments, options)))

    with contextlib.ExitStack() as stack:
        for name in _FUNCTIONS.get(module.__name__, ()):
            if hasattr(module, name):
                stack.enter_context(replaced(module, name, connect))
        class_name, names = _METHODS.get(module.__name__, ("", ()))
        plain = getattr(module, class_name, None) if class_name else None
        if plain is not None:
            # a class in C takes no new attributes, so one that is based on it stands in its place
            methods = {name: _refusing_method(plain, connect, name) for name in names}
            setattr(module, class_name, type(class_name, (plain,), methods))
            stack.callback(setattr, module, class_name, plain)
        for class_name in _CLASSES.get(module.__name__, ()):
            _refuse_objects(stack, getattr(module, class_name), connect)
        yield


def _refuse_objects(stack: contextlib.ExitStack, plain: Any, connect: Callable[..., None]) -> None:
    """Let nothing be made of a class in C, nor of the classes that are based on it.

    Classes that are based on its stand-in inside work as before once the block is over.
    """
    for subclass in _find_subclasses(plain):
        if subclass.__flags__ & _IS_HEAP_TYPE:
            _refuse_subclass(stack, subclass, connect)
    is_over = False
    others = find_other_threads()

    def start(self: object, *arguments: object, **options: object) -> None:
        if is_over or threading.current_thread() in others:
            plain.__init__(self, *arguments, **options)
        else:
            connect(None, *arguments, **options)

    def leave() -> None:
        nonlocal is_over
        is_over = True
        _exchange(substitute, plain)

    substitute = type(plain.__name__, (plain,), {"__init__": start, "__module__": plain.__module__})
    _exchange(plain, substitute)
    stack.callback(leave)


def _find_subclasses(plain: type[Any]) -> Iterator[Any]:
    subclasses: list[Any] = plain.__subclasses__()
    for subclass in subclasses:
        yield subclass
        yield from _find_subclasses(subclass)


def _refuse_subclass(
    stack: contextlib.ExitStack, subclass: Any, connect: Callable[..., None]
) -> None:
    def start(self: object, *arguments: object, **options: object) -> None:
        del self
        connect(None, *arguments, **options)

    if "__init__" in vars(subclass):
        stack.callback(setattr, subclass, "__init__", vars(subclass)["__init__"])
    else:
        stack.callback(delattr, subclass, "__init__")
    subclass.__init__ = start


def _exchange(one: type, other: type) -> None:
    """Put one class in the place of another wherever psycopg2 keeps it under a name."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] == "psycopg2":
            for key, value in list(vars(module).items()):
                if value is one:
                    setattr(module, key, other)


def _refusing_method(plain: type, connect: Callable[..., None], name: str) -> Any:
    """Return the method as a class or a static one may be called as well."""

    def method(*arguments: object, **options: object) -> None:
        connect(None, *(one for one in arguments if not isinstance(one, plain)), **options)

    method.__name__ = name
    return staticmethod(method) if name in {"connect", "connect_start", "ping"} else method


def _describe_server(
    module: ModuleType, arguments: tuple[object, ...], options: dict[str, object]
) -> str:
    """Return the host and the port of what a driver was given, never anything else."""
    known: dict[str, object] = dict(options)
    text = next((one for one in arguments if isinstance(one, (str, bytes))), None)
    if text is not None and module.__name__.startswith("psycopg"):
        known |= _parse(text.decode() if isinstance(text, bytes) else text)
    elif module.__name__ == "uvloop":
        places = [str(one) for one in arguments if isinstance(one, (str, int))]
        return ":".join(places) or "a server"
    host, port = known.get("host") or known.get("hostaddr"), known.get("port")
    if not host:
        return "a database"
    return f"{host}:{port}" if port else str(host)


def _parse(conninfo: str) -> dict[str, object]:
    from psycopg import ProgrammingError  # noqa: PLC0415 - only when it is needed
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415 - as above

    try:
        return dict(conninfo_to_dict(conninfo))
    except ProgrammingError:
        return {}


class _Finder:
    """Finds the drivers as the other finders do, and calls `on_import` when one was loaded."""

    def __init__(self, on_import: Callable[[ModuleType], None]) -> None:
        self._on_import = on_import
        self._searched: set[str] = set()
        self._is_over = False

    def leave(self) -> None:
        """Find nothing any more, and do nothing for what was found and not yet loaded."""
        self._is_over = True
        with contextlib.suppress(ValueError):
            sys.meta_path.remove(self)

    def find_spec(
        self, name: str, path: object = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a driver, with a loader that tells; None for all other modules."""
        del path, target
        if (name not in _FUNCTIONS and name not in _METHODS) or name in self._searched:
            return None
        self._searched.add(name)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            self._searched.discard(name)
        loader = None if spec is None else spec.loader
        if loader is None or not hasattr(loader, "exec_module"):
            return spec
        load = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            # in a fence within a fence the inner one has done so
            vars(loader).pop("exec_module", None)
            load(module)
            if not self._is_over:
                self._on_import(module)

        loader.exec_module = exec_module  # type: ignore[method-assign]  # for this one time
        return spec


def find_other_threads() -> frozenset[threading.Thread]:
    """Return the threads that run beside this one."""
    return frozenset(threading.enumerate()) - {threading.current_thread()}


@contextlib.contextmanager
def replaced(target: object, name: str, substitute: Callable[..., Any]) -> Iterator[None]:
    """Let `target.name(…)` call `substitute(real, …)` inside the block.

    Who has taken the name to himself meanwhile gets the real one afterwards, and so do the other
    threads that were there before: what they do is nothing that was begun inside.
    """
    real = getattr(target, name)
    others = find_other_threads()
    is_over = False

    @functools.wraps(real)
    def call(*arguments: Any, **options: Any) -> Any:
        if is_over or threading.current_thread() in others:
            return real(*arguments, **options)
        return substitute(real, *arguments, **options)

    setattr(target, name, call)
    try:
        yield
    finally:
        is_over = True
        setattr(target, name, real)
