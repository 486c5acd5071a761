"""The gate: what may run, given what was found."""

from safemigrate.gate.decision import Decision, decide

__all__ = ["Decision", "decide"]
