"""What each key of the configuration says, in a sentence."""

from collections.abc import Mapping
from datetime import timedelta

from safemigrate.execute.settings import RunSettings, WhenBusy

__all__ = ["MEANINGS"]

_CHOICE = "names of rules, names of families such as `naming`, and `all`"
_RAMP_BUDGET_MS = RunSettings(when_busy=WhenBusy.RAMP).stall_limit // timedelta(milliseconds=1)

MEANINGS: Mapping[str, Mapping[str, str]] = {
    "": {
        "baseline": "The file of findings that `lint` leaves out, relative to the configuration",
        "deadline-s": "How long a run waits in all, for locks and for another runner",
        "default-schema": "Where names without a schema are looked for",
        "ignore": f"What is off: {_CHOICE}",
        "imports": "Modules that are imported before env.py and the revisions, such as those that "
        "register types or operations",
        "lock-attempts": "How often a revision is tried",
        "lock-timeout-ms": "How long one attempt at a lock may wait, and the application behind it",
        "options": "What the rules read: see below",
        "per-path": "A glob of files → the keys `select`, `ignore` and `rules` for them; what is "
        "written later goes before what is written earlier",
        "pg-version": "The server's major version to judge for; unless set, the oldest supported",
        "rules": "The name of a rule → `error`, `warning`, `info` or `off`; one named here is on",
        "run": "How migrations are run: see below",
        "select": f"What is on beside the defaults: {_CHOICE}; what names a rule goes before what "
        "names its family",
        "small-table-rows": "Up to how many rows a table is small, so that a lock, a rewrite or a "
        "scan of it is an info",
        "start-after": "The last revision that is history: it and those before are not judged",
        "verify": "How revisions are proved: see below",
    },
    "run": {
        "after": "Shell commands that run behind the last revision: see [hooks](../hooks.md)",
        "before": "Shell commands that run before the first revision; one that fails refuses it",
        "expendable-applications": "Whose sessions may be ended for a lock, by `application_name`",
        "expendable-roles": "Whose sessions may be ended for a lock, by role",
        "hook-timeout-s": "How long each of these commands may take",
        "max-replica-lag-s": "How far a replica may be behind when a run begins",
        "production": "The database must not be downgraded without a reason",
        "stall-budget-ms": "How long the runs of one command may hold up one table in all; unless "
        f'set, {_RAMP_BUDGET_MS} with `when-busy = "ramp"`',
        "when-busy": "What to do about a table that is never free: "
        "[running](../running.md) tells more",
    },
    "verify": {
        "allowed-hosts": "Which of the network a revision may reach beside the database",
        "deployed-by": "What runs the migrations in production",
        "ignore": "Names of properties, and of families of them, that are not proved",
        "longest-read-ms": "How long a transaction of the application reads the tables when a "
        "migration comes that waits for it",
        "max-block-ms": "How long a statement of the application may wait",
        "max-rows-changed": "How many rows one statement may change",
        "metadata": "Where the models' MetaData is, as `module:attribute`; env.py's unless set",
        "new-statements": "The file of what the new release sends",
        "old-statements": "The file of what the release before sends",
        "plans": "The file of queries and how they must be planned",
        "rows": "How many rows are generated in a table",
        "samples": "The folder with the project's own rows, a file a revision",
        "seed": "A file of SQL, or a plain dump, that makes what the history starts from",
        "select": "Names of properties, and of families of them, that are proved alone",
        "statistics": "What `pg_dump --statistics-only` wrote of production",
        "tenants": "The name of a setting → two values that stand for two tenants",
        "timeout-s": "How long one revision may run in one direction",
        "workload": "The file of what the application does meanwhile, as SQL or for pgbench",
    },
}
