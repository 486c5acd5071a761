"""A PostgreSQL to throw away: embedded, in a container, or on a server named by URL."""

from safemigrate.server.databases import Server
from safemigrate.server.opening import open_server, require_versions
from safemigrate.server.shelf import Keeping

__all__ = ["Keeping", "Server", "open_server", "require_versions"]
