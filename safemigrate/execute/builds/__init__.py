"""What runs for long beside the application: index builds and their like, supervised."""

from safemigrate.execute.builds.probing import Probe, probe
from safemigrate.execute.builds.supervising import BuildSupervisor

__all__ = ["BuildSupervisor", "Probe", "probe"]
