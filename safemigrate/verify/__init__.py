"""The proofs on a throwaway server: apply, roll back, apply again, and compare."""

from safemigrate.verify.differences import find_differences, find_reordered
from safemigrate.verify.history import Progress, verify_history
from safemigrate.verify.snapshots import Snapshot, VersionTable, take_snapshot

__all__ = [
    "Progress",
    "Snapshot",
    "VersionTable",
    "find_differences",
    "find_reordered",
    "take_snapshot",
    "verify_history",
]
