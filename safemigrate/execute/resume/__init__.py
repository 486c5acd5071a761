"""Revisions that were cut off go on where they stopped."""

from safemigrate.execute.resume.statements import StatementLog

__all__ = ["StatementLog"]
