"""What a server was seen to do, statement by statement: locks, rewrites, scans."""

from safemigrate.trace.comparison import Departure, Matter, compare, find_departures
from safemigrate.trace.engines import observe_connection
from safemigrate.trace.faults import describe_fault
from safemigrate.trace.rewrites import note_rewrites
from safemigrate.trace.scripts import observe_script
from safemigrate.trace.sessions import Connection, open_connection
from safemigrate.trace.tracer import Tracer

__all__ = [
    "Connection",
    "Departure",
    "Matter",
    "Tracer",
    "compare",
    "describe_fault",
    "find_departures",
    "note_rewrites",
    "observe_connection",
    "observe_script",
    "open_connection",
]
