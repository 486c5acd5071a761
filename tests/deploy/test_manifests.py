"""The manifests of docs/deploy are what the API server takes, and what safemigrate understands."""

import copy
import json
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]  # it ships no types
import pytest
import yaml
from jsonschema import Draft7Validator, ValidationError

from tests.cli.streams import connect, read_stream
from tests.deploy.chart import render
from tests.deploy.conftest import Launch
from tests.deploy.manifests import DEPLOY, MANIFESTS, PAGE, migrate_container, pod_of
from tests.deploy.project import BUSY, write_revision

# The oldest in which podFailurePolicy is stable, and the newest that there is a schema for.
VERSIONS = ["1.31", kubernetes_validate.latest_version()]
JOBS = ["job", "helm"]
BACKOFF_SECONDS = 10
COMMAND = ["safemigrate"]  # the image's entry point
CHART = DEPLOY / "helm"


def deadline_of(manifest: Any) -> int:
    arguments = migrate_container(manifest)["args"]
    return int(arguments[arguments.index("--deadline") + 1])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", MANIFESTS)
def test_it_is_what_the_api_server_takes(name: str, version: str) -> None:
    kubernetes_validate.validate(MANIFESTS[name], version, strict=True)

    wrong = copy.deepcopy(MANIFESTS[name])
    migrate_container(wrong)["argz"] = ["upgrade"]
    with pytest.raises(kubernetes_validate.ValidationError, match="argz"):
        kubernetes_validate.validate(wrong, version, strict=True)


def test_the_command_of_the_job_runs_with_the_environment_it_gives(
    launch: Launch, database: str
) -> None:
    with connect(database) as session:
        session.execute(f"CREATE TABLE {BUSY} (id int)".encode())

    process = launch(*COMMAND, *migrate_container(MANIFESTS["job"])["args"])
    out, err = process.communicate(timeout=60)

    assert (process.returncode, err) == (0, "")
    assert read_stream(out)[-1]["current"] == ["0002"]


@pytest.mark.parametrize("name", MANIFESTS)
def test_every_manifest_has_the_command_and_the_environment_of_the_job(name: str) -> None:
    container = migrate_container(MANIFESTS[name])

    # the entry point is the image's
    assert "command" not in container
    assert [one["name"] for one in container["env"]] == ["SAFEMIGRATE_URL"]
    assert [one for one in container["args"] if one != "heads"] == (
        migrate_container(MANIFESTS["job"])["args"]
    )


@pytest.mark.parametrize("name", MANIFESTS)
def test_it_may_do_little_and_the_url_is_a_secret(name: str) -> None:
    pod, container = pod_of(MANIFESTS[name]), migrate_container(MANIFESTS[name])

    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    (url,) = container["env"]
    assert url["valueFrom"] == {"secretKeyRef": {"name": "shop-migrate", "key": "url"}}


@pytest.mark.parametrize("name", JOBS)
def test_a_job_ends_on_what_a_second_try_does_not_change(name: str) -> None:
    spec, pod = MANIFESTS[name]["spec"], pod_of(MANIFESTS[name])
    codes, disruption = spec["podFailurePolicy"]["rules"]

    assert (codes["action"], codes["onExitCodes"]["operator"]) == ("FailJob", "In")
    assert codes["onExitCodes"]["containerName"] == migrate_container(MANIFESTS[name])["name"]
    assert disruption["action"] == "Ignore"
    assert pod["restartPolicy"] == "Never"
    # whoever shares it can read the URL in the environment
    assert "shareProcessNamespace" not in pod
    told = [line for line in PAGE.splitlines() if "failed at once" in line]
    assert [int(line.split("|")[1]) for line in told] == codes["onExitCodes"]["values"] == [1, 2]


@pytest.mark.parametrize("name", JOBS)
def test_all_tries_have_time_for_their_waiting_and_an_hour_of_work(name: str) -> None:
    spec = MANIFESTS[name]["spec"]
    tries = spec["backoffLimit"] + 1
    waiting = tries * deadline_of(MANIFESTS[name])
    between = sum(BACKOFF_SECONDS * 2**count for count in range(spec["backoffLimit"]))

    assert spec["activeDeadlineSeconds"] - waiting - between > 2700


def test_the_chart_and_the_job_are_the_same_but_for_the_hook() -> None:
    job, chart = copy.deepcopy(MANIFESTS["job"]), copy.deepcopy(MANIFESTS["helm"])
    for manifest in (job, chart):
        for labelled in (manifest, manifest["spec"]["template"]):
            labelled["metadata"].pop("labels")
    assert migrate_container(chart)["args"].pop(1) == "heads"
    # what the values may change, and Kubernetes has so without them
    placed = ("serviceAccountName", "imagePullSecrets", "nodeSelector", "tolerations")
    assert [pod_of(chart).pop(name) for name in placed] == ["default", [], {}, []]

    assert chart["spec"] == job["spec"]
    assert chart["metadata"]["annotations"] == {
        "helm.sh/hook": "pre-install,pre-upgrade",
        "helm.sh/hook-weight": "-5",
        "helm.sh/hook-delete-policy": "before-hook-creation",
    }


def test_the_chart_keeps_back_what_comes_behind_a_revision(launch: Launch) -> None:
    manifest = render(
        CHART, "migrate.yaml", release="shop", values={"migrate": {"revision": "0001"}}
    )

    process = launch(*COMMAND, *migrate_container(manifest)["args"])
    out, err = process.communicate(timeout=60)

    assert process.returncode == 0, err
    assert read_stream(out)[-1]["current"] == ["0001"]


def test_the_values_are_what_their_schema_takes() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    Draft7Validator.check_schema(schema)
    check = Draft7Validator(schema)

    check.validate(values)

    # the application's own are none of its business
    check.validate({**values, "image": {"repository": "shop"}, "resources": {}, "replicas": 3})

    for wrong in ({"revision": 1}, {"image": "shop:1"}, {"unknown": True}):
        with pytest.raises(ValidationError):
            check.validate({"migrate": {**values["migrate"], **wrong}})
    with pytest.raises(ValidationError):
        check.validate({})


def test_the_values_say_where_the_hook_runs_and_from_which_image() -> None:
    values = {
        "image": {"repository": "registry.example.com/bakery", "tag": "2.1"},
        "imagePullSecrets": [{"name": "registry"}],
        "serviceAccountName": "migrate",
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"key": "batch", "operator": "Exists"}],
        "ttlSecondsAfterFinished": 60,
    }
    manifest = render(CHART, "migrate.yaml", release="shop", values={"migrate": values})
    kubernetes_validate.validate(manifest, VERSIONS[0], strict=True)
    pod = pod_of(manifest)

    assert migrate_container(manifest)["image"] == "registry.example.com/bakery:2.1"
    assert manifest["spec"]["ttlSecondsAfterFinished"] == values["ttlSecondsAfterFinished"]
    for name in ("imagePullSecrets", "serviceAccountName", "nodeSelector", "tolerations"):
        assert pod[name] == values[name]


def test_no_service_of_the_application_takes_the_pod_of_the_hook_for_its_own() -> None:
    template = MANIFESTS["helm"]["spec"]["template"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))

    assert template["metadata"]["labels"]["app.kubernetes.io/name"] != chart["name"]


def test_the_renderer_refuses_an_expression_that_it_does_not_know(tmp_path: Path) -> None:
    (tmp_path / "templates").mkdir()
    for name in ("Chart.yaml", "values.yaml"):
        (tmp_path / name).write_text((CHART / name).read_text(encoding="utf-8"), encoding="utf-8")
    template = tmp_path / "templates" / "one.yaml"
    for text, error in (
        ("{{ .Values.migrate | upper }}", ValueError),
        ("{{ .Values.a }}", KeyError),
    ):
        template.write_text(f"image: {text}\n", encoding="utf-8")
        with pytest.raises(error):
            render(tmp_path, "one.yaml", release="shop", values={})


def test_pods_of_an_older_release_do_not_start_behind_a_newer_one(
    launch: Launch, project: Path, database: str
) -> None:
    """What the page warns of for init containers."""
    arguments = migrate_container(MANIFESTS["init-container"])["args"]
    with connect(database) as session:
        session.execute(f"CREATE TABLE {BUSY} (id int)".encode())
    write_revision(project, "0003", "0002", "CREATE TABLE shelf (id int PRIMARY KEY)")
    newer = launch(*COMMAND, *arguments)
    assert newer.wait(60) == 0
    (project / "migrations" / "versions" / "0003_.py").unlink()

    older = launch(*COMMAND, *arguments)
    _, err = older.communicate(timeout=60)

    assert older.returncode == 2
    assert 'the database is at "0003", and no file here has that revision id' in err


def test_the_deployment_finds_its_pods_and_waits_for_the_migration() -> None:
    deployment = MANIFESTS["init-container"]
    spec = deployment["spec"]

    labels = spec["template"]["metadata"]["labels"]
    assert spec["selector"]["matchLabels"].items() <= labels.items()
    assert spec["progressDeadlineSeconds"] > deadline_of(deployment)
    assert spec["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
