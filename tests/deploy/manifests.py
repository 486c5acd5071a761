"""What the recipes of docs/deploy say, read from their files."""

import re
from pathlib import Path
from typing import Any

import yaml

from tests.deploy.chart import render

__all__ = ["DEPLOY", "MANIFESTS", "PAGE", "ROOT", "list_blocks", "migrate_container", "pod_of"]

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "docs" / "deploy"
PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")


def _load(name: str) -> Any:
    return yaml.safe_load((DEPLOY / "kubernetes" / name).read_text(encoding="utf-8"))


MANIFESTS: dict[str, Any] = {
    "job": _load("job.yaml"),
    "init-container": _load("init-container.yaml"),
    "helm": render(DEPLOY / "helm", "migrate.yaml", release="shop", values={}),
}


def list_blocks(language: str) -> list[str]:
    """Return the code blocks of docs/deploy.md that are in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def pod_of(manifest: Any) -> Any:
    """Return the specification of the pods of a Job or a Deployment."""
    return manifest["spec"]["template"]["spec"]


def migrate_container(manifest: Any) -> Any:
    """Return the container that runs safemigrate."""
    pod = pod_of(manifest)
    every = [*pod.get("initContainers", []), *pod["containers"]]
    (found,) = (one for one in every if one["name"] == "migrate")
    return found
