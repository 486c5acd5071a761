"""Take a partition off while reads and writes go on."""

from safemigrate.model import Catalog, DetachPartition, Remedy
from safemigrate.recipes.quiet_hour import run_in_quiet_hour
from safemigrate.recipes.steps import concurrent_step, write_steps
from safemigrate.sql import quote_name

__all__ = ["detach_briefly", "detach_concurrently"]


def detach_concurrently(action: DetachPartition, catalog: Catalog, rule: str) -> Remedy:
    """Return DETACH PARTITION with CONCURRENTLY, which no default partition may stand beside."""
    if any(child.is_default_partition for child in catalog.partitions_of(action.table)):
        return detach_briefly(action, rule)
    return write_steps(
        "detach it concurrently, outside a transaction",
        [concurrent_step(f"{_detach(action)} CONCURRENTLY")],
    )


def detach_briefly(action: DetachPartition, rule: str) -> Remedy:
    """Return DETACH PARTITION behind a short lock_timeout, with an ignore of the rule."""
    return run_in_quiet_hour(
        _detach(action),
        rule,
        advice="a default partition rules CONCURRENTLY out: do not wait long for the lock",
        reason="beside a default partition, and behind a short lock_timeout",
        when="again later, where it does not get the lock",
    )


def _detach(action: DetachPartition) -> str:
    table, partition = quote_name(action.table), quote_name(action.partition)
    return f"ALTER TABLE {table} DETACH PARTITION {partition}"
