"""A PostgreSQL to throw away: embedded, in a container, or on a server named by URL."""

from safemigrate.server.databases import Server
from safemigrate.server.opening import open_server

__all__ = ["Server", "open_server"]
