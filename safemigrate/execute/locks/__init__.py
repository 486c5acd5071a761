"""Look, then lock: statements get their locks without the application standing behind them."""

from safemigrate.execute.locks.looking import look_at
from safemigrate.execute.locks.taking import LockTaker
from safemigrate.execute.locks.wants import Want

__all__ = ["LockTaker", "Want", "look_at"]
