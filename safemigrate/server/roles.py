"""The roles of a cluster: what one database's revisions do to all the others beside it."""

from collections.abc import Mapping

from psycopg import Error, sql

from safemigrate.server.connections import Connection

__all__ = ["has_tablespaces", "read_roles", "restore_roles"]

# The settings of the superuser and those for all roles count too; of their names nothing is made.
_ROLES = """
SELECT CASE WHEN r.oid = 10 THEN '' ELSE r.rolname::text END,
    pg_catalog.concat_ws(' ', r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb,
        r.rolcanlogin, r.rolreplication, r.rolbypassrls, r.rolconnlimit, r.rolvaliduntil,
        (SELECT s.setconfig FROM pg_catalog.pg_db_role_setting s
          WHERE s.setrole = r.oid AND s.setdatabase = 0),
        ARRAY(SELECT g.rolname::text || m.admin_option FROM pg_catalog.pg_auth_members m
          JOIN pg_catalog.pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid ORDER BY 1))
  FROM pg_catalog.pg_roles r WHERE r.rolname !~ '^pg_'
UNION ALL
SELECT ' ', s.setconfig::text FROM pg_catalog.pg_db_role_setting s
 WHERE s.setrole = 0 AND s.setdatabase = 0
"""
_TABLESPACES = "SELECT count(*) FROM pg_catalog.pg_tablespace WHERE spcname !~ '^pg_'"


def read_roles(connection: Connection) -> dict[str, str]:
    """Return the roles that are there, each with a text that says what it is."""
    return {str(name): str(text) for name, text in connection.execute(_ROLES).fetchall()}


def restore_roles(connection: Connection, wanted: Mapping[str, str]) -> bool:
    """Drop the roles that are not wanted; return whether those left are the ones wanted.

    A role that something depends on, in any database, is not dropped.
    """
    for name in read_roles(connection).keys() - wanted.keys():
        if name.strip():
            try:
                connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))
            except Error:
                return False
    return read_roles(connection) == dict(wanted)


def has_tablespaces(connection: Connection) -> bool:
    """Return whether there is data beside the cluster's own folder."""
    row = connection.execute(_TABLESPACES).fetchone()
    return row is not None and bool(row[0])
