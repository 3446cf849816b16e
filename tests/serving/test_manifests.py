"""The manifests for Kubernetes are valid, and say what this program understands.

Pods, Deployment, Service and HorizontalPodAutoscaler are checked against the schemas of Kubernetes, and what is said to
Ray Serve against Ray's own. KubeRay publishes the schema of a RayService with its operator alone: its outer fields are
checked against those that `rayservice_types.go` and `raycluster_types.go` of KubeRay have.
"""

from __future__ import annotations

from typing import Any, cast

import jsonschema
import kubernetes_validate  # pyright: ignore[reportMissingTypeStubs]
import pytest
import yaml

from tests.conftest import ROOT

DEPLOY = ROOT / "docs" / "deploy"
KUBERNETES = "1.31"


def closed(required: list[str], **properties: object) -> dict[str, Any]:
    return {"type": "object", "required": required, "properties": properties, "additionalProperties": False}


TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
COUNT = {"type": "integer", "minimum": 0}
POD = closed(["spec"], metadata={"type": "object"}, spec={"type": "object"})
GROUP = closed(
    ["groupName", "minReplicas", "maxReplicas", "rayStartParams", "template"],
    groupName={"type": "string"},
    replicas=COUNT,
    minReplicas=COUNT,
    maxReplicas=COUNT,
    rayStartParams=TEXTS,
    template=POD,
)
CLUSTER = closed(
    ["headGroupSpec"],
    rayVersion={"type": "string"},
    authOptions=closed(["mode"], mode={"enum": ["disabled", "token"]}),
    enableInTreeAutoscaling={"type": "boolean"},
    autoscalerOptions=closed([], idleTimeoutSeconds=COUNT),
    headGroupSpec=closed(["rayStartParams", "template"], rayStartParams=TEXTS, template=POD),
    workerGroupSpecs={"type": "array", "items": GROUP},
)
RAY_SERVICE = closed(
    ["apiVersion", "kind", "metadata", "spec"],
    apiVersion={"const": "ray.io/v1"},
    kind={"const": "RayService"},
    metadata=closed(["name"], name={"type": "string"}),
    spec=closed(["serveConfigV2", "rayClusterConfig"], serveConfigV2={"type": "string"}, rayClusterConfig=CLUSTER),
)


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / name).read_text("utf-8")))


def check(document: dict[str, Any]) -> None:
    validate = cast("Any", kubernetes_validate).validate
    validate(document, KUBERNETES, strict=True)


def service() -> dict[str, Any]:
    return documents("rayservice.yaml")[0]


def test_deployment_service_and_autoscaler() -> None:
    found = {d["kind"]: d for d in documents("kubernetes.yaml")}
    assert set(found) == {"Deployment", "Service", "HorizontalPodAutoscaler"}
    for document in found.values():
        check(document)
    scaled = found["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert scaled["name"] == found["Deployment"]["metadata"]["name"]
    pod = found["Deployment"]["spec"]["template"]
    assert found["Service"]["spec"]["selector"] == pod["metadata"]["labels"]


def test_the_autoscaler_reads_a_metric_that_the_server_has() -> None:
    metric = documents("kubernetes.yaml")[2]["spec"]["metrics"][0]["pods"]["metric"]
    from diffstyle.serving.metrics import Metrics

    metrics = Metrics()
    metrics.watch("queue_depth", "Requests that wait.", lambda: 3, "renders")
    labels = ",".join(f'{k}="{v}"' for k, v in metric["selector"]["matchLabels"].items())
    assert f"{metric['name']}{{{labels}}} 3.0" in metrics.text().decode()


def test_the_pod_runs_a_command_that_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    from tests.helpers.cli import run

    words = documents("kubernetes.yaml")[0]["spec"]["template"]["spec"]["containers"][0]["command"]
    assert words[0] == "diffstyle"
    assert run(*words[1:], "--port", "99999") == 2
    assert "port 99999" in capsys.readouterr().err


def test_ray_service() -> None:
    jsonschema.validate(service(), RAY_SERVICE)
    cluster = service()["spec"]["rayClusterConfig"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        check({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, "spec": group["template"]["spec"]})


def test_a_field_that_nobody_knows_is_found() -> None:
    wrong = service()
    wrong["spec"]["rayClusterConfig"]["headGroupSpecs"] = {}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, RAY_SERVICE)


@pytest.mark.long
def test_what_ray_serve_is_told() -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Ray's own
        from ray.serve.schema import ServeDeploySchema

        from diffstyle.serving.ray_app import ReplicaOptions
    config = ServeDeploySchema(**yaml.safe_load(service()["spec"]["serveConfigV2"]))
    (application,) = config.applications
    assert application.import_path == "diffstyle.serving.ray_app:app"
    ReplicaOptions.model_validate(application.args)
