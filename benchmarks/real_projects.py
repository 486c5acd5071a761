"""Lint of real projects by path: the Alembic migrations inside wheels of the package registry.

Each wheel is downloaded without what it depends on, so the projects' applications are not
installed; that is the point. It is unzipped into a temporary folder, and `safemigrate lint` is
run, without the cache, on the folder of its revisions. The table says of each project how many
revisions could not be judged. Exits with 1 when one ends in another way than with findings or
without, or when more than 2 % of the revisions of all projects are unjudged.

    .venv/bin/python benchmarks/real_projects.py [--wheels FOLDER] [--unjudged] [NAME…]
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

_MOST_UNJUDGED = 0.02
_TIMEOUT_S = 600


@dataclass(frozen=True, slots=True)
class Sample:
    """A project of the registry; `paths`: the folders of its revisions, each one history."""

    name: str
    version: str
    paths: tuple[str, ...]


# Without projects of which many revisions raise whoever runs them: jupyterhub has some that call
# what Python and SQLAlchemy do not have, and those of rucio read its configuration file.
_SAMPLES = (
    Sample("apache-airflow-core", "3.3.2", ("airflow/migrations/versions",)),
    Sample("apache-superset", "6.1.0", ("superset/migrations/versions",)),
    Sample("dagster", "1.13.29", ("dagster/_core/storage/alembic/versions",)),
    Sample("ethyca-fides", "2.78.2", ("fides/api/alembic/migrations/versions",)),
    Sample("galaxy-data", "26.1.2", ("galaxy/model/migrations/alembic/versions_gxy",)),
    Sample("langflow-base", "1.13.0", ("langflow/alembic/versions",)),
    Sample(
        "mlflow",
        "3.18.0",
        (
            "mlflow/store/db_migrations/versions",
            "mlflow/server/auth/db/migrations/versions",
        ),
    ),
    Sample("open-webui", "0.12.4", ("open_webui/migrations/versions",)),
    Sample("optuna", "5.0.0", ("optuna/storages/_rdb/alembic/versions",)),
    Sample("prefect", "3.9.1", ("prefect/server/database/_migrations/versions/postgresql",)),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What linting a project gave; `crash` is empty when it ended as it should."""

    name: str
    revisions: int = 0
    statements: int = 0
    judged: int = 0
    unjudged: tuple[str, ...] = ()
    unjudged_revisions: int = 0
    assumed_revisions: int = 0
    seconds: float = 0.0
    crash: str = ""

    @property
    def share(self) -> float:
        """The part of the revisions that is unjudged."""
        return self.unjudged_revisions / self.revisions if self.revisions else 0.0

    @property
    def is_good(self) -> bool:
        """Whether all is as good as it has to be, when these are all projects."""
        return not self.crash and self.revisions > 0 and self.share <= _MOST_UNJUDGED


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the samples and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", help="only these projects")
    parser.add_argument("--wheels", type=Path, help="keep the downloaded wheels in this folder")
    parser.add_argument("--unjudged", action="store_true", help="show what is unjudged, and why")
    options = parser.parse_args(arguments)
    chosen = [one for one in _SAMPLES if not options.names or one.name in options.names]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        wheels = options.wheels or folder / "wheels"
        _show("project", "revisions", "statements", "judged", "unjudged", "assumed", "seconds")
        outcomes = [_try_sample(sample, folder, wheels) for sample in chosen]
    total = _add("total", outcomes)
    _show_outcome(replace(total, crash=""))
    if options.unjudged:
        for outcome in outcomes:
            print(f"\n{outcome.name}", *outcome.unjudged, sep="\n  ")
    return 0 if total.is_good and all(outcome.revisions for outcome in outcomes) else 1


def _try_sample(sample: Sample, folder: Path, wheels: Path) -> Outcome:
    project = folder / sample.name
    with zipfile.ZipFile(_download(sample, wheels)) as wheel:
        wheel.extractall(project)
    lint = (_lint(sample.name, project, path, folder) for path in sample.paths)
    outcome = _add(sample.name, [*lint])
    _show_outcome(outcome)
    return outcome


def _show_outcome(outcome: Outcome) -> None:
    _show(
        outcome.name,
        outcome.revisions,
        outcome.statements,
        outcome.judged,
        f"{outcome.unjudged_revisions} ({outcome.share:.1%})",
        outcome.assumed_revisions,
        f"{outcome.seconds:.1f}",
        outcome.crash,
    )


def _download(sample: Sample, wheels: Path) -> Path:
    name = sample.name.replace("-", "_")
    found = [*wheels.glob(f"{name}-{sample.version}-*.whl")]
    if not found:
        wanted = f"{sample.name}=={sample.version}"
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--only-binary", ":all:", "--dest", str(wheels), wanted]
        subprocess.run(command, check=True)
        found = [*wheels.glob(f"{name}-{sample.version}-*.whl")]
    return found[0]


def _lint(name: str, project: Path, path: str, folder: Path) -> Outcome:
    """Lint one history, from a folder that is none of the project's."""
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    cache = {"XDG_CACHE_HOME": str(folder / "cache")}
    command = [sys.executable, "-m", "safemigrate", "lint", "--format", "json"]
    started = time.monotonic()
    try:
        run = subprocess.run(
            [*command, str(project / path)],
            cwd=elsewhere,
            env={**os.environ, **cache},
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return Outcome(name, seconds=time.monotonic() - started, crash="took too long")
    seconds = time.monotonic() - started
    crash = _find_crash(run)
    if crash:
        return Outcome(name, seconds=seconds, crash=crash)
    return _read(name, project / path, run, seconds)


def _find_crash(run: subprocess.CompletedProcess[str]) -> str:
    if run.returncode not in {0, 1}:
        lines = run.stderr.strip().splitlines()
        return f"exit code {run.returncode}: {' '.join(lines[-2:])[:200]}"
    # the project's own log may show one; ours names our files
    return "shows a traceback" if "safemigrate/cli/" in run.stderr else ""


def _read(
    name: str, versions: Path, run: subprocess.CompletedProcess[str], seconds: float
) -> Outcome:
    summary = json.loads(run.stdout)["summary"]
    unjudged = summary["unjudged"]
    # the document leaves them to standard error
    assumed = re.findall(r"^assumed: (.+?\.py):\d+: ", run.stderr, re.MULTILINE)
    return Outcome(
        name,
        revisions=sum("down_revision" in one.read_text("utf-8") for one in versions.glob("*.py")),
        statements=summary["statements"],
        judged=summary["judged"],
        unjudged=tuple(
            f"{Path(one['path']).name}:{one['line']} {one['reason']}" for one in unjudged
        ),
        unjudged_revisions=len({one["path"] for one in unjudged}),
        assumed_revisions=len(set(assumed)),
        seconds=seconds,
    )


def _add(name: str, outcomes: Sequence[Outcome]) -> Outcome:
    """Return several histories as one."""
    return Outcome(
        name,
        revisions=sum(one.revisions for one in outcomes),
        statements=sum(one.statements for one in outcomes),
        judged=sum(one.judged for one in outcomes),
        unjudged=tuple(line for one in outcomes for line in one.unjudged),
        unjudged_revisions=sum(one.unjudged_revisions for one in outcomes),
        assumed_revisions=sum(one.assumed_revisions for one in outcomes),
        seconds=sum(one.seconds for one in outcomes),
        crash="; ".join(one.crash for one in outcomes if one.crash),
    )


def _show(*cells: object) -> None:
    name, *rest = map(str, cells)
    print(f"{name:22}" + "".join(f"{cell:>12}" for cell in rest[:6]), *rest[6:], flush=True)


if __name__ == "__main__":
    sys.exit(main())
