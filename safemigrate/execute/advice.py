"""What to do about an error of the server that is not the revision's fault."""

__all__ = ["advise"]

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_ADVICE = {
    "25006": "nothing can be written there: the server is a standby, or "
    "default_transaction_read_only is on for the role or the database",
    "25P03": "idle_in_transaction_session_timeout, set by env.py or the revision, ended the "
    "session",
    "25P04": "transaction_timeout, set by env.py or the revision, ended the session",
    "42501": "the role lacks a right: let the owner of what is changed grant it, or let env.py "
    "take a role that has it, by SET ROLE",
    "53100": "the server's disk is full: make room on it, then run it again",
    "53200": "the server is out of memory, or of room for locks (max_locks_per_transaction): give "
    "it more, or do less in one revision, then run it again",
    "53300": "the server has no connection left: run it again when one is free",
    "53400": "a limit of the server's configuration was reached, such as temp_file_limit: raise it "
    "for the role, then run it again",
    "57014": "a statement_timeout, of the role or the database, or another session cancelled the "
    "statement",
    "58030": "the server could not read or write a file: look at its disks, then run it again",
}


def advise(sqlstate: str) -> str:
    """Return what to do about an error with this SQLSTATE, "" where that depends."""
    return _ADVICE.get(sqlstate, "")
