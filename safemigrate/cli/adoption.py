"""What adopting a project writes: configuration, hook, workflow and baseline."""

import os
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from safemigrate.cli.adoption_calls import Subject, Use
from safemigrate.cli.adoption_uses import find_hook_use, find_job_use, find_workflow_use, has_job
from safemigrate.cli.baselines import check_baseline, make_baseline
from safemigrate.cli.files import FileChange
from safemigrate.cli.hooks import HOOK_FILE, Hook, append_hook
from safemigrate.cli.pipelines import (
    GITLAB_FILE,
    JOB_NAME,
    WORKFLOW_FILE,
    find_requirements,
    make_gitlab_job,
    make_workflow,
)
from safemigrate.config import Config
from safemigrate.errors import SourceError
from safemigrate.model import OLDEST_VERSION, LintResult, ServerVersion
from safemigrate.report.findings import count_findings
from safemigrate.source import Project
from safemigrate.source.git import Repository, open_repository
from safemigrate.source.run_folders import RelativePaths, find_run_folder

__all__ = ["BASELINE_NAME", "Place", "Step", "find_place", "plan_steps"]

BASELINE_NAME = "safemigrate-baseline.json"
_NO_NAME = re.compile(r"[^\w.]+", re.ASCII)
_HOST = re.compile(r"(?:://|@)(?:[^/@]*@)?(?P<host>[^/:]+)")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a project needs to be adopted, and what becomes of it.

    `change`: the file to be written; None when it stays as it is. `about`: in words, what is
    written, why the file stays, or why it has to be changed by hand.
    `snippet`: what is to be put there by hand.
    """

    path: Path
    about: str
    change: FileChange | None = None
    snippet: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a project is.

    `config_path`: of Alembic. `run_folder`: where git and its servers run its commands, absolute.
    `repository`: None where there is no git. `locations`: the folders of its revisions, absolute.
    `lost`: what its configuration counts from another folder than that.
    """

    config_path: Path
    run_folder: Path
    repository: Repository | None
    locations: tuple[Path, ...]
    lost: RelativePaths | None = None

    @property
    def options(self) -> tuple[str, ...]:
        """The options that every command of the project needs there."""
        return self.list_options(self.run_folder)

    def list_options(self, folder: Path) -> tuple[str, ...]:
        """Return the options that every command of the project needs in a folder."""
        file = self.config_path.absolute()
        name = _relate(file.parent.resolve() / file.name, folder.resolve())
        return () if name == "alembic.ini" else ("-c", name)

    @property
    def requirements(self) -> tuple[str, ...]:
        """The words for pip that install what the project imports, run where commands run."""
        folder = self.config_path.absolute().parent.resolve()
        run_folder = self.run_folder.resolve()
        return find_requirements(dict.fromkeys((folder, run_folder)), run_folder)

    @property
    def below(self) -> str:
        """The folder that commands run in, relative to the top of the repository; empty for it."""
        return "" if self.repository is None else self._from_top(self.run_folder)

    @property
    def label(self) -> str:
        """What tells the project from the others of its repository: its folder, mostly."""
        file = self.config_path
        is_usual = file.name in {"alembic.ini", "pyproject.toml"}
        folder = self._from_top(file.absolute().parent)
        return "/".join(filter(None, (folder, "" if folder and is_usual else file.stem)))

    @property
    def subject(self) -> Subject:
        """The project, to look for what there is for it."""
        assert self.repository is not None  # noqa: S101 - the callers have looked
        file = self.config_path.absolute()
        return Subject(
            self.repository.top.resolve(),
            file.parent.resolve() / file.name,
            tuple(one.resolve() for one in self.locations),
        )

    def _from_top(self, path: Path) -> str:
        assert self.repository is not None  # noqa: S101 - the callers have looked
        name = _relate(path.resolve(), self.repository.top.resolve())
        return "" if name == "." else name


def find_place(project: Project, config: Config) -> Place:
    """Return where a project is.

    `config`: what there is now. Commands run at the top of the repository, so that the paths in a
    report are those that its server knows; but not where the configuration is not found from there,
    and neither where what Alembic's own counts from the current directory is not.
    """
    folder = project.config_path.absolute().parent.resolve()
    here = Path.cwd().resolve()
    try:
        repository = open_repository(folder)
    except SourceError:
        return Place(project.config_path, here, None, project.folders)
    top = repository.top.resolve()
    kept = None if config.path is None else Path(config.path).absolute().parent.resolve()
    is_only_here = kept == here and here not in {folder, top}
    usual = here if is_only_here and here.is_relative_to(top) else top
    above = [folder, *folder.parents]
    between = above[: above.index(top) + 1]
    files = [Path(project.script.env_py_location), *(Path(one.path) for one in project.revisions())]
    # our own configuration is looked for beside Alembic's, and where the command runs
    is_beside = kept in {None, folder}
    order = between if is_beside else [usual, *between]
    best, relative = find_run_folder(project.config_path, order, files)
    run_folder = best if relative and (is_beside or kept == best) else usual
    lost = relative if relative and run_folder != best else None
    return Place(project.config_path, run_folder, repository, project.folders, lost)


def plan_steps(
    place: Place,
    config: Config,
    result: LintResult,
    *,
    version: ServerVersion | None,
    has_baseline: bool,
    variables: Sequence[str] = (),
) -> tuple[Step, ...]:
    """Return what there is to do, in an order in which every part may be the last.

    `config`: what there is now. `result`: of the whole history. `version`: to be configured, None
    when it is not known. `has_baseline`: whether one is wanted. `variables`: of the environment,
    that the project has to have. Raises ConfigError for a file that stands where the baseline
    belongs and is none.
    """
    steps: list[Step] = []
    setting = _plan_config(place, version, has_baseline=has_baseline)
    if config.path is None:
        file = setting.path.parent / BASELINE_NAME if has_baseline else None
    else:
        setting = _keep_config(config, result, has_baseline=has_baseline)
        file = None if config.baseline is None else Path(config.baseline)
    if file is not None and (has_baseline or file.exists()):
        steps.append(_plan_baseline(file, result))
    steps.append(setting)
    if place.repository is not None:
        steps += _plan_repository(place, place.repository, variables)
    return tuple(steps)


def _plan_baseline(file: Path, result: LintResult) -> Step:
    if file.exists():
        check_baseline(file)
        return Step(file, "the baseline is there")
    text = make_baseline(result, file)
    about = f"the findings there are: {count_findings(result) or 'none'}"
    return Step(file, about, FileChange(file, None, text.encode()))


def _plan_config(place: Place, version: ServerVersion | None, *, has_baseline: bool) -> Step:
    """Return the step that writes the configuration where `load_config` finds it."""
    lines = [
        f"# pg-version = 16  # of the oldest server there is; {OLDEST_VERSION} unless it is said"
        if version is None
        else f"pg-version = {version}"
    ]
    lines += [f'baseline = "{BASELINE_NAME}"'] if has_baseline else []
    text = "".join(f"{line}\n" for line in lines)
    folder = place.config_path.absolute().parent
    is_run_here = place.run_folder == Path.cwd().resolve()
    for one in dict.fromkeys((folder, *([Path.cwd()] if is_run_here else []))):
        path = one / "pyproject.toml"
        if path.is_file():
            before = path.read_bytes()
            after = _append_table(before, text)
            if after is not None:
                about = "[tool.safemigrate], the configuration"
                return Step(path, about, FileChange(path, before, after))
    path = folder / "safemigrate.toml"
    return Step(path, "the configuration", FileChange(path, None, text.encode()))


def _append_table(content: bytes, text: str) -> bytes | None:
    """Return pyproject.toml with the table at its end; None where TOML does not allow it there."""
    end = b"\r\n" if b"\r\n" in content else b"\n"
    gap = b"" if not content else end if content.endswith(b"\n") else end + end
    table = f"[tool.safemigrate]\n{text}".encode().replace(b"\n", end)
    appended = content + gap + table
    before = tomllib.loads(content.decode())
    tool = {**before.get("tool", {}), "safemigrate": tomllib.loads(text)}
    try:
        is_right = tomllib.loads(appended.decode()) == {**before, "tool": tool}
    except tomllib.TOMLDecodeError:
        return None
    return appended if is_right else None


def _keep_config(config: Config, result: LintResult, *, has_baseline: bool) -> Step:
    """Return the step that leaves a configuration alone, which is the user's."""
    path = Path(config.path or "")
    if config.baseline is not None or not has_baseline or not result.findings:
        return Step(path, "the configuration is there")
    return Step(
        path,
        f"there is a configuration, without a baseline; put this in {config.prefix[:-1] or 'it'}, "
        "and run this command again to have it written",
        snippet=f'baseline = "{BASELINE_NAME}"\n',
    )


def _plan_repository(
    place: Place, repository: Repository, variables: Sequence[str]
) -> Iterator[Step]:
    """Yield the steps that have git and its servers run the commands."""
    top = repository.top
    if place.lost is not None:
        yield _plan_paths(place, place.lost)
    yield _plan_hook(top / HOOK_FILE, place)
    if (top / ".github").is_dir() or _is_on_github(repository):
        yield _plan_workflow(top, place, variables)
    gitlab = top / GITLAB_FILE
    if gitlab.is_file():
        yield _plan_job(gitlab, place, variables)


def _plan_paths(place: Place, lost: RelativePaths) -> Step:
    """Return the step that has Alembic's configuration mean the same wherever commands run."""
    is_toml = place.config_path.suffix == ".toml"
    folder = place.config_path.absolute().parent
    lines = [
        f"script_location = {_count_from(folder, one, is_toml=is_toml)}" for one in lost.script
    ]
    for name, values in (("version_locations", lost.versions), ("prepend_sys_path", lost.roots)):
        paths = [_count_from(folder, one, is_toml=is_toml) for one in values]
        if is_toml and paths:
            lines.append(f"{name} = [{', '.join(paths)}]")
        elif paths:
            # how several are parted is a setting of its own
            separator = ["path_separator = newline"] if len(paths) > 1 else []
            lines += [*separator, f"{name} = " + "\n    ".join(paths)]
    snippet = "".join(f"{line}\n" for line in dict.fromkeys(lines))
    about = (
        "let its paths count from the file, for they are not found from "
        f'"{place.below or "the top of the repository"}", where jobs and hooks run'
    )
    return Step(place.config_path, about, snippet=snippet)


def _count_from(folder: Path, path: str, *, is_toml: bool) -> str:
    """Return the path as one that counts from the folder of the file."""
    place = folder / path
    if place.is_relative_to(folder):
        place = "%(here)s" / place.relative_to(folder)
    return f'"{place.as_posix()}"' if is_toml else place.as_posix()


def _plan_hook(path: Path, place: Place) -> Step:
    content = path.read_bytes() if path.exists() else None
    use = Use.NONE if content is None else find_hook_use(content, place.subject)
    if use is Use.OURS:
        return Step(path, "the hook is there")
    command = ("safemigrate", "lint", "--staged", *place.options)
    hook = Hook(command, place.below, "" if use is Use.NONE else place.label)
    if use is Use.UNSURE:
        about = f"add this hook to its repos, unless one that is there judges {place.label}"
        return Step(path, about, snippet=hook.text())
    after = append_hook(content, hook)
    if after is None:
        return Step(path, "add this hook to its repos", snippet=hook.text())
    about = "a hook that judges what is staged"
    return Step(path, about, FileChange(path, content, after))


def _plan_workflow(top: Path, place: Place, variables: Sequence[str]) -> Step:
    usual = top / WORKFLOW_FILE
    found = sorted(one for one in usual.parent.glob("*.y*ml") if one.is_file())
    uses = {one: find_workflow_use(one.read_bytes(), place.subject) for one in found}
    ours = [one for one, use in uses.items() if use is Use.OURS]
    if ours:
        return Step(ours[0], "the workflow is there")
    used = [one for one, use in uses.items() if use is not Use.NONE]
    path = _find_free(usual, place.label) if used or os.path.lexists(usual) else usual
    text = make_workflow(place.below, place.options, place.requirements, variables, name=path.stem)
    unsure = [one for one, use in uses.items() if use is Use.UNSURE]
    if unsure:
        about = f'put this workflow there, unless "{unsure[0].name}" judges {place.label}'
        return Step(path, about, snippet=text)
    about = "a workflow that judges and proves what a pull request adds"
    return Step(path, about, FileChange(path, None, text.encode()))


def _find_free(usual: Path, label: str) -> Path:
    """Return a path beside the usual one at which nothing is: what is there is never written."""
    names = (_name_job(label, number) for number in count(1))
    paths = (usual.with_name(f"{name}{usual.suffix}") for name in names)
    return next(path for path in paths if not os.path.lexists(path))


def _plan_job(path: Path, place: Place, variables: Sequence[str]) -> Step:
    content = path.read_bytes()
    use = find_job_use(content, place.subject)
    if use is Use.OURS:
        return Step(path, "the job is there")
    is_usual = use is Use.NONE and not has_job(content)
    name = JOB_NAME if is_usual else _name_job(place.label)
    job = make_gitlab_job(place.below, place.options, place.requirements, variables, name=name)
    about = "add this job, which judges and proves what a merge request adds"
    about += f", unless one that is there judges {place.label}" if use is Use.UNSURE else ""
    return Step(path, about, snippet=job)


def _name_job(label: str, number: int = 1) -> str:
    """Return `safemigrate-services-web`."""
    parts = (JOB_NAME, _NO_NAME.sub("-", label).strip("-"), "" if number == 1 else str(number))
    return "-".join(filter(None, parts))


def _is_on_github(repository: Repository) -> bool:
    hosts = (_HOST.search(url) for url in repository.list_remotes())
    return any(host is not None and "github" in host["host"] for host in hosts)


def _relate(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()
