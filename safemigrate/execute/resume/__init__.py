"""Revisions that were cut off go on where they stopped."""

from safemigrate.execute.refusal import CannotResumeError
from safemigrate.execute.resume.fingerprints import Fingerprint, fingerprint_of
from safemigrate.execute.resume.progress import ProgressReader
from safemigrate.execute.resume.statements import StatementLog, Way

__all__ = [
    "CannotResumeError",
    "Fingerprint",
    "ProgressReader",
    "StatementLog",
    "Way",
    "fingerprint_of",
]
