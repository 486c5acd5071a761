"""Why the server writes tables anew, in its own word."""

from collections.abc import Mapping

import psycopg

from safemigrate.model import RewriteReason
from safemigrate.trace.relations import Relation
from safemigrate.trace.sessions import Connection

__all__ = ["find_reasons", "note_rewrites"]

# The event comes before the rewrite, for ALTER TABLE and ALTER TYPE alone; not for CLUSTER, VACUUM
# FULL or TRUNCATE ("Event Triggers", "Overview of Event Trigger Behavior"). The note is a setting
# of the transaction, so that nothing is written and a savepoint takes back what it should.
_NOTE = """
CREATE SCHEMA IF NOT EXISTS safemigrate;
CREATE FUNCTION safemigrate.note_rewrite() RETURNS event_trigger LANGUAGE plpgsql AS $body$
BEGIN
    PERFORM pg_catalog.set_config(
        'safemigrate.rewrites',
        pg_catalog.concat(
            pg_catalog.current_setting('safemigrate.rewrites', true),
            pg_catalog.pg_event_trigger_table_rewrite_oid()::bigint, ' ',
            pg_catalog.pg_event_trigger_table_rewrite_reason(), ';'),
        true);
END
$body$;
CREATE EVENT TRIGGER safemigrate_note_rewrite ON table_rewrite
    EXECUTE FUNCTION safemigrate.note_rewrite();
"""

# postgres: src/include/commands/event_trigger.h, AT_REWRITE_…; the same from 14 to 18.
_REASONS = {
    1: "changed persistence",
    2: "a default that differs from row to row",
    4: "another column type",
    8: "another access method",
}


def note_rewrites(connection: Connection) -> bool:
    """Let the database note why tables are rewritten; return False where only superusers may.

    It leaves an event trigger and a function of schema `safemigrate` behind, so it is for
    databases that are thrown away. `connection` is in autocommit mode.
    """
    try:
        connection.execute(_NOTE.encode())
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True


def find_reasons(
    before: str, after: str, named: Mapping[int, Relation]
) -> tuple[RewriteReason, ...]:
    """Return what was noted between two looks at one transaction."""
    new = after.removeprefix(before) if after.startswith(before) else ""
    pairs = [tuple(map(int, note.split())) for note in new.split(";") if note]
    return tuple(
        RewriteReason(named[oid].name, text)
        for oid, mask in pairs
        if oid in named
        for bit, text in _REASONS.items()
        if mask & bit
    )
