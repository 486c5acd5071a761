"""Database URLs: read without ever showing what is in them, and set for a while."""

import configparser
import contextlib
import re
from collections.abc import Iterator

from alembic.config import Config
from sqlalchemy.engine import URL, create, make_url
from sqlalchemy.exc import ArgumentError

from safemigrate.errors import NotPostgresError, UsageError

__all__ = [
    "DUMMY_URL",
    "asked_backend",
    "check_main_url",
    "configured_backend",
    "has_placeholder",
    "has_url",
    "main_url",
    "parse_url",
    "placeholders_as_postgres",
    "read_url",
    "refuse_backend",
    "refuse_stray_at",
]

DUMMY_URL = "postgresql+psycopg://ci@nowhere/x"
"""A URL for an env.py that wants one, where a server of our own takes its place."""

# The URL that `alembic init` writes, with a number behind it for a second database.
_PLACEHOLDER = "driver://user:pass@localhost/dbname"
_NO_OTHER_BACKENDS = frozenset({"driver", "postgres", "postgresql", "sqlite"})

_PLACE = re.compile(r"[^:/]*(?::[^@]*)?@(?P<place>.*)", re.DOTALL)


def parse_url(text: str) -> URL:
    """Return the URL of the database to migrate; raises NotPostgresError for another kind."""
    parsed = read_url(text)
    if parsed.get_backend_name() != "postgresql":
        # that it was given is what this is read for: nothing else is to be set
        raise NotPostgresError(
            f'the database URL is of "{parsed.get_backend_name()}", not of PostgreSQL',
            "give a URL such as postgresql://user@host:5432/database",
        )
    return parsed


def read_url(text: str) -> URL:
    """Return a URL that the user gave us as SQLAlchemy's, libpq's `postgres://` as `postgresql`.

    Raises UsageError when it cannot be read, which does not repeat it: it may hold a password.
    """
    try:
        parsed = make_url(text)
    except (ArgumentError, ValueError):
        # SQLAlchemy's message may hold the URL
        raise UsageError(
            "the database URL cannot be parsed",
            "it looks like postgresql://user:password@host:5432/database, and special characters "
            "in the password are percent-encoded",
        ) from None
    if _has_stray_at(text):
        raise refuse_stray_at()
    return parsed.set(drivername="postgresql") if parsed.drivername == "postgres" else parsed


def _has_stray_at(text: str) -> bool:
    """Return whether what SQLAlchemy takes for host, port and database has an @ in it.

    It ends a password at the first @, so that the rest of one would be shown as the host.
    """
    found = _PLACE.match(text.partition("://")[2])
    if found is None:
        return False
    place, _, query = found["place"].partition("?")
    return "@" in place or "@" in query.partition("=")[0]


def refuse_stray_at() -> UsageError:
    """Return the error for a URL in which the password goes on behind an @."""
    return UsageError(
        "the host in the database URL has an @ in it, which belongs to the password",
        "percent-encode the password: @ is %40, : is %3A, / is %2F, % is %25",
    )


def refuse_backend(name: str) -> NotPostgresError:
    """Return the error for another kind of database."""
    return NotPostgresError(
        f'the migrations run on "{name}", not on PostgreSQL',
        "set what env.py takes its URL from to one of PostgreSQL, or give --url to a command that "
        "connects",
    )


def check_main_url(config: Config) -> None:
    """Raise UsageError when the configured URL has an @ that would show a part of its password."""
    if _has_stray_at(_configured_text(config)):
        raise refuse_stray_at()


def _configured_text(config: Config) -> str:
    try:
        text = config.get_main_option("sqlalchemy.url")
    except configparser.InterpolationError:
        # it names what env.py sets before it reads it
        return ""
    return text if text and text != _PLACEHOLDER else ""


def _configured_url(config: Config) -> URL | None:
    try:
        return make_url(_configured_text(config))
    except (ArgumentError, ValueError):
        # what cannot be read says nothing; env.py may not want it
        return None


def configured_backend(config: Config) -> str | None:
    """Return the kind of database of the configured URL when it is not PostgreSQL."""
    url = _configured_url(config)
    name = None if url is None else url.get_backend_name()
    return None if name in {None, "postgresql", "postgres"} else name


def asked_backend(error: BaseException) -> str | None:
    """Return the kind of database that an engine could not be made for, if it is another one.

    `error`: what `create_engine` raised, as for a driver that is not installed.
    """
    traceback = error.__traceback__
    while traceback is not None:
        frame = traceback.tb_frame
        if frame.f_code.co_filename == create.__file__:
            for value in frame.f_locals.values():
                if isinstance(value, URL) and value.get_backend_name() not in _NO_OTHER_BACKENDS:
                    return value.get_backend_name()
        traceback = traceback.tb_next
    return None


def has_placeholder(config: Config) -> bool:
    """Return whether the configured URL is still the one that `alembic init` wrote."""
    section = config.config_ini_section
    return config.file_config.get(section, "sqlalchemy.url", raw=True, fallback="") == _PLACEHOLDER


def has_url(config: Config) -> bool:
    """Return whether the configuration says where to connect, in a way that can be read."""
    return _configured_url(config) is not None


@contextlib.contextmanager
def main_url(config: Config, url: URL | None) -> Iterator[None]:
    """Set `sqlalchemy.url` for as long as the block runs, keeping the project's own driver."""
    if url is None:
        yield
        return
    own = _configured_url(config)
    if own is not None and own.get_backend_name() == "postgresql" and "+" in own.drivername:
        url = url.set(drivername=own.drivername)
    elif "+" not in url.drivername:
        # SQLAlchemy 2.0 would choose psycopg2, which need not be there; psycopg is, with us
        url = url.set(drivername="postgresql+psycopg")
    with _option(config, "sqlalchemy.url", url.render_as_string(hide_password=False)):
        yield


@contextlib.contextmanager
def placeholders_as_postgres(config: Config) -> Iterator[None]:
    """Let what `alembic init -t multidb` writes as URLs be of PostgreSQL while the block runs."""
    parser, before = config.file_config, {}
    for section in parser.sections():
        text = parser.get(section, "sqlalchemy.url", raw=True, fallback="")
        if section != config.config_ini_section and text.startswith(_PLACEHOLDER):
            before[section] = text
            url = text.replace("driver:", "postgresql+psycopg:", 1)
            parser.set(section, "sqlalchemy.url", url)
    try:
        yield
    finally:
        for section, text in before.items():
            parser.set(section, "sqlalchemy.url", text)


@contextlib.contextmanager
def _option(config: Config, name: str, value: str) -> Iterator[None]:
    """Set an option of Alembic's configuration for as long as the block runs."""
    section, parser = config.config_ini_section, config.file_config
    before = parser.get(section, name, raw=True) if parser.has_option(section, name) else None
    config.set_main_option(name, value.replace("%", "%%"))
    try:
        yield
    finally:
        if before is None:
            config.remove_main_option(name)
        else:
            config.set_main_option(name, before)
