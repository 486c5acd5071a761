"""Look, then lock: statements get their locks without the application standing behind them."""

from safemigrate.execute.locks.taking import LockTaker

__all__ = ["LockTaker"]
