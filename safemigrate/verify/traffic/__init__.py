"""What the application does while a revision runs, and how long it is kept waiting."""

from safemigrate.verify.traffic.driving import Traffic
from safemigrate.verify.traffic.generating import generate_work
from safemigrate.verify.traffic.quiet import alone
from safemigrate.verify.traffic.records import Record, Wait
from safemigrate.verify.traffic.scripts import read_workload
from safemigrate.verify.traffic.work import Command, Work

__all__ = [
    "Command",
    "Record",
    "Traffic",
    "Wait",
    "Work",
    "alone",
    "generate_work",
    "read_workload",
]
