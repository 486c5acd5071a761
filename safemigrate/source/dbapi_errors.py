"""The exceptions of PEP 249."""

__all__ = [
    "DataError",
    "DatabaseError",
    "Error",
    "IntegrityError",
    "InterfaceError",
    "InternalError",
    "NotSupportedError",
    "OperationalError",
    "ProgrammingError",
    "Warning",
]


class Warning(Exception):  # noqa: A001, N818 - the names of PEP 249
    """PEP 249."""


class Error(Exception):
    """PEP 249."""


class InterfaceError(Error):
    """PEP 249."""


class DatabaseError(Error):
    """PEP 249."""


class DataError(DatabaseError):
    """PEP 249."""


class OperationalError(DatabaseError):
    """PEP 249."""


class IntegrityError(DatabaseError):
    """PEP 249."""


class InternalError(DatabaseError):
    """PEP 249."""


class ProgrammingError(DatabaseError):
    """PEP 249."""


class NotSupportedError(DatabaseError):
    """PEP 249."""
