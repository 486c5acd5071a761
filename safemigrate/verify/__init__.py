"""The proofs on a throwaway server: apply, roll back, apply again, and compare."""

from safemigrate.verify.differences import find_differences, find_reordered
from safemigrate.verify.drift import Change, Drift, DriftDifference, compare_schemas, find_drift
from safemigrate.verify.history import Progress, verify_history
from safemigrate.verify.snapshots import Snapshot, VersionTable, take_snapshot

__all__ = [
    "Change",
    "Drift",
    "DriftDifference",
    "Progress",
    "Snapshot",
    "VersionTable",
    "compare_schemas",
    "find_differences",
    "find_drift",
    "find_reordered",
    "take_snapshot",
    "verify_history",
]
