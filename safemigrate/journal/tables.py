"""The tables of the schema `safemigrate`: each statement may be sent where it was sent before."""

__all__ = ["TABLES"]

_LAYOUT = (
    # CREATE SCHEMA asks for the right to create before it looks whether the schema is there, so
    # it is sent only where it is not.
    """
    CREATE TABLE IF NOT EXISTS safemigrate.layout (
        version integer PRIMARY KEY,
        since timestamp with time zone NOT NULL DEFAULT now()
    )
    """,
    "COMMENT ON TABLE safemigrate.layout IS 'The layout of this schema, the newest version last'",
)

_HISTORY = (
    """
    CREATE TABLE IF NOT EXISTS safemigrate.history (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        revision text NOT NULL,
        direction text NOT NULL CHECK (direction IN ('upgrade', 'downgrade')),
        outcome text NOT NULL CHECK (outcome IN ('applied', 'failed')),
        started_at timestamp with time zone NOT NULL,
        finished_at timestamp with time zone NOT NULL,
        duration_ms bigint NOT NULL,
        attempts integer NOT NULL,
        waited_ms bigint NOT NULL,
        database_user text NOT NULL,
        os_user text NOT NULL,
        host text NOT NULL,
        package_version text NOT NULL,
        error text NOT NULL DEFAULT '',
        committed text[] NOT NULL DEFAULT '{}',
        override text NOT NULL DEFAULT ''
    )
    """,
    # Layout 2. With constant defaults the table is not rewritten:
    # https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-NOTES
    """
    ALTER TABLE safemigrate.history
        ADD COLUMN IF NOT EXISTS stalled_ms bigint NOT NULL DEFAULT 0,
        ADD COLUMN IF NOT EXISTS digest text NOT NULL DEFAULT '',
        ADD COLUMN IF NOT EXISTS git_commit text NOT NULL DEFAULT '',
        ADD COLUMN IF NOT EXISTS ci_run text NOT NULL DEFAULT '',
        ADD COLUMN IF NOT EXISTS blockers text[] NOT NULL DEFAULT '{}',
        ADD COLUMN IF NOT EXISTS place text NOT NULL DEFAULT ''
    """,
    # apart, or the rows there are would all be of this session's place
    """
    ALTER TABLE safemigrate.history
        ALTER COLUMN place SET DEFAULT coalesce(current_setting('safemigrate.place', true), '')
    """,
    (
        "COMMENT ON TABLE safemigrate.history IS 'Every revision that was run here, and every one"
        " that failed, the newest last'"
    ),
    (
        "COMMENT ON COLUMN safemigrate.history.outcome IS 'applied: committed in the transaction"
        " that moved the version table; failed: rolled back, written afterwards'"
    ),
    "COMMENT ON COLUMN safemigrate.history.duration_ms IS 'From the first attempt to the end'",
    "COMMENT ON COLUMN safemigrate.history.attempts IS 'How often the revision was begun'",
    (
        "COMMENT ON COLUMN safemigrate.history.waited_ms IS 'The part of the duration that went"
        " into attempts given up for a lock, the pauses after them, and waiting beside the queue'"
    ),
    "COMMENT ON COLUMN safemigrate.history.database_user IS 'The role that logged in'",
    "COMMENT ON COLUMN safemigrate.history.os_user IS 'The account that ran safemigrate'",
    "COMMENT ON COLUMN safemigrate.history.host IS 'The machine that ran safemigrate'",
    "COMMENT ON COLUMN safemigrate.history.package_version IS 'The version of safemigrate'",
    "COMMENT ON COLUMN safemigrate.history.error IS 'Why it failed, else empty'",
    (
        "COMMENT ON COLUMN safemigrate.history.committed IS 'What a failed revision had committed"
        " before it failed: the first lines of its statements'"
    ),
    (
        "COMMENT ON COLUMN safemigrate.history.override IS 'The reason given for running it in"
        " spite of error findings, else empty'"
    ),
    (
        "COMMENT ON COLUMN safemigrate.history.stalled_ms IS 'For how long others may have had to"
        " wait for it'"
    ),
    "COMMENT ON COLUMN safemigrate.history.digest IS 'The content of the revision as it was run'",
    "COMMENT ON COLUMN safemigrate.history.git_commit IS 'The commit it came from, where known'",
    "COMMENT ON COLUMN safemigrate.history.ci_run IS 'The run of the pipeline, if there was one'",
    "COMMENT ON COLUMN safemigrate.history.blockers IS 'The sessions it had to wait for'",
    (
        "COMMENT ON COLUMN safemigrate.history.place IS 'The schema of the tenant, where the"
        " database has a schema for each, else empty'"
    ),
)

_STATEMENT = (
    """
    CREATE TABLE IF NOT EXISTS safemigrate.statement (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        revision text NOT NULL,
        direction text NOT NULL CHECK (direction IN ('upgrade', 'downgrade')),
        since bigint NOT NULL,
        digest text NOT NULL,
        ordinal integer NOT NULL,
        segment integer NOT NULL,
        commits integer NOT NULL,
        is_autocommit boolean NOT NULL,
        fingerprint text NOT NULL,
        sql text NOT NULL,
        lock text NOT NULL,
        state text NOT NULL CHECK (state IN ('done', 'begun', 'resolved')),
        row_count bigint NOT NULL,
        started_at timestamp with time zone NOT NULL,
        finished_at timestamp with time zone,
        attempts integer NOT NULL,
        waited_ms bigint NOT NULL,
        stalled_ms bigint NOT NULL,
        blockers text[] NOT NULL,
        pid integer NOT NULL,
        backend_start timestamp with time zone,
        place text NOT NULL DEFAULT coalesce(current_setting('safemigrate.place', true), '')
    )
    """,
    """
    CREATE UNIQUE INDEX IF NOT EXISTS statement_ordinal ON safemigrate.statement
        (place, revision, direction, since, ordinal) WHERE state <> 'resolved'
    """,
    (
        "COMMENT ON TABLE safemigrate.statement IS 'The statements of the revisions that were run"
        " here, each written in the transaction that it was done in'"
    ),
    (
        "COMMENT ON COLUMN safemigrate.statement.since IS 'The last entry of the history at which"
        " the revision was applied or taken back before, 0 for none: what is done since counts'"
    ),
    "COMMENT ON COLUMN safemigrate.statement.digest IS 'The content of the revision'",
    "COMMENT ON COLUMN safemigrate.statement.ordinal IS 'Its place in the revision, from 1'",
    (
        "COMMENT ON COLUMN safemigrate.statement.segment IS 'The transaction, or the statement"
        " outside of one, from 1'"
    ),
    "COMMENT ON COLUMN safemigrate.statement.commits IS 'How many commits stand before it'",
    (
        "COMMENT ON COLUMN safemigrate.statement.fingerprint IS 'A digest of its words and bound"
        " values, white space and comments aside'"
    ),
    "COMMENT ON COLUMN safemigrate.statement.sql IS 'Its first 1000 characters, without passwords'",
    "COMMENT ON COLUMN safemigrate.statement.lock IS 'The strongest lock it was to take, or empty'",
    (
        "COMMENT ON COLUMN safemigrate.statement.state IS 'done: committed with this row; begun:"
        " outside a transaction, and not known to have ended; resolved: counts no more, by"
        " somebody''s decision'"
    ),
    (
        "COMMENT ON COLUMN safemigrate.statement.row_count IS 'How many rows it changed, -1 where"
        " that was not told'"
    ),
    (
        "COMMENT ON COLUMN safemigrate.statement.waited_ms IS 'Spent beside the queue until its"
        " tables were free'"
    ),
    (
        "COMMENT ON COLUMN safemigrate.statement.stalled_ms IS 'For how long others may have had"
        " to wait for it'"
    ),
    "COMMENT ON COLUMN safemigrate.statement.blockers IS 'The sessions it had to wait for'",
    (
        "COMMENT ON COLUMN safemigrate.statement.backend_start IS 'With the pid, the session that"
        " it was begun on, which may outlive the runner'"
    ),
)

_LEASE = (
    """
    CREATE TABLE IF NOT EXISTS safemigrate.lease (
        name text PRIMARY KEY,
        pid integer NOT NULL,
        backend_start timestamp with time zone NOT NULL,
        host text NOT NULL,
        os_user text NOT NULL,
        application text NOT NULL,
        version text NOT NULL,
        doing text NOT NULL,
        since timestamp with time zone NOT NULL,
        renewed_at timestamp with time zone NOT NULL
    )
    """,
    (
        "COMMENT ON TABLE safemigrate.lease IS 'Who holds, or held last, the deploy lock, and what"
        " it was doing'"
    ),
    "COMMENT ON COLUMN safemigrate.lease.pid IS 'The server''s process of its control connection'",
    (
        "COMMENT ON COLUMN safemigrate.lease.backend_start IS 'With the pid it says which session"
        " that was'"
    ),
)

_RESOLUTION = (
    """
    CREATE TABLE IF NOT EXISTS safemigrate.resolution (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        revision text NOT NULL,
        direction text NOT NULL CHECK (direction IN ('upgrade', 'downgrade')),
        ordinal integer,
        decision text NOT NULL CHECK (decision IN ('done', 'not-done', 'forget')),
        reason text NOT NULL,
        database_user text NOT NULL,
        os_user text NOT NULL,
        host text NOT NULL,
        decided_at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
        place text NOT NULL DEFAULT coalesce(current_setting('safemigrate.place', true), '')
    )
    """,
    (
        "COMMENT ON TABLE safemigrate.resolution IS 'What somebody decided about statements of"
        " which nobody else could know whether they were done'"
    ),
    "COMMENT ON COLUMN safemigrate.resolution.ordinal IS 'The statement, or null for all of them'",
)

TABLES = (*_LAYOUT, *_HISTORY, *_STATEMENT, *_LEASE, *_RESOLUTION)
