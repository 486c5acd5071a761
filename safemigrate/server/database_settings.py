"""The settings of a database, which PostgreSQL does not copy with it."""

import re

from psycopg import sql

from safemigrate.server.connections import Connection

__all__ = ["copy_settings"]

_SETTINGS = """
SELECT r.rolname, o.name, o.value
  FROM pg_catalog.pg_db_role_setting s
  JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase AND d.datname = %s
  LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole
 CROSS JOIN unnest(s.setconfig) setting
 CROSS JOIN LATERAL (SELECT split_part(setting, '=', 1),
                            substr(setting, strpos(setting, '=') + 1)) o(name, value)
"""
# Lists of names that are stored quoted one by one (variable_is_guc_list_quote in dumputils.c).
_LISTS = frozenset(
    {
        "local_preload_libraries",
        "search_path",
        "session_preload_libraries",
        "shared_preload_libraries",
        "temp_tablespaces",
        "unix_socket_directories",
    }
)
_NAMES = re.compile(r'"((?:[^"]|"")*)"|([^\s,]+)')


def copy_settings(connection: Connection, source: str, target: str) -> None:
    """Set for database `target` what is set for `source`, by ALTER DATABASE and ALTER ROLE.

    CREATE DATABASE does not (SQL-CREATEDATABASE, Notes: database-level configuration).
    """
    for role, name, value in connection.execute(_SETTINGS, (source,)).fetchall():
        whose = sql.SQL("ALTER DATABASE {}").format(sql.Identifier(target))
        if role is not None:
            whose = sql.SQL("ALTER ROLE {} IN DATABASE {}").format(
                sql.Identifier(role), sql.Identifier(target)
            )
        values = _read_names(value) if name in _LISTS else [value]
        written = sql.SQL(", ").join(map(sql.Literal, values))
        # the name may be an extension's, with a dot in it
        of_name = sql.SQL(".").join(sql.Identifier(part) for part in name.split("."))
        connection.execute(sql.SQL("{} SET {} TO {}").format(whose, of_name, written))


def _read_names(value: str) -> list[str]:
    found = _NAMES.findall(value)
    return [bare or quoted.replace('""', '"') for quoted, bare in found]
