"""How the manifests' Deployments are changed for a cluster, and which pod answered."""

from __future__ import annotations

import json

import pytest
from meshproof.border.load import MASTER_ADDRESS, MASTER_PORTS
from meshproof.border.observation import Observation
from meshproof.manifest import load
from meshproof.mesh.build.assemble import build
from meshproof.targets.cluster import client_pod
from meshproof.targets.cluster.mesh.attribution import attributed, envoy_filter, owners
from meshproof.targets.cluster.mesh.names import NOWHERE, address, by_address, endpoints, service_of
from meshproof.targets.cluster.workload import as_deployment, probed, sample
from meshproof.targets.kube.wanted import wanted

TEXT = """\
apiVersion: v1
kind: Service
metadata: {name: hello}
spec:
  selector: {app: hello}
  ports:
    - {name: http, port: 5000, targetPort: web}
    - {name: dns, port: 53, protocol: UDP}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: hello-v1}
spec:
  replicas: 3
  selector: {matchLabels: {app: hello}}
  template:
    metadata:
      labels: {app: hello, version: v1}
      annotations: {sidecar.istio.io/inject: "false"}
    spec:
      serviceAccountName: hello
      nodeSelector: {disk: fast}
      volumes: [{name: v, emptyDir: {}}]
      containers:
        - name: web
          image: docker.io/istio/examples-helloworld-v1:1.0$x
          env: [{name: SERVICE_VERSION, value: v1}]
          readinessProbe: {httpGet: {path: /, port: 8080}}
          ports: [{name: web, containerPort: 8080}]
"""


@pytest.fixture
def hello(tmp_path):
    (tmp_path / "hello.yaml").write_text(TEXT)
    manifests = load([str(tmp_path)], namespace="run")
    return build(manifests.resources).mesh, wanted(manifests.resources[1])


def pod(name: str, ip: str, **labels: str) -> dict:
    return {"metadata": {"name": name, "namespace": "run", "labels": labels}, "status": {"podIP": ip}}


def test_the_probe_takes_the_place_of_the_containers_and_nothing_else_changes(hello) -> None:
    mesh, deployment = hello
    (workload,) = mesh.workloads
    made = probed(deployment, workload, [8080], "probe:1")
    spec, template = made.body["spec"], made.body["spec"]["template"]
    assert (spec["replicas"], spec["selector"]) == (3, {"matchLabels": {"app": "hello"}})
    assert template["metadata"]["labels"] == {"app": "hello", "version": "v1"}
    assert template["metadata"]["annotations"] == {
        "sidecar.istio.io/inject": "false",
        "meshproof.dev/workload": "run/hello-v1",
        "meshproof.dev/image": workload.image,
    }
    assert template["spec"].keys() == {"nodeSelector", "containers", "terminationGracePeriodSeconds"}
    (container,) = template["spec"]["containers"]
    assert container["ports"] == [{"name": "web", "containerPort": 8080}]
    # A probe of the kubelet would be counted in the pod's books.
    assert not container.keys() & {"readinessProbe", "livenessProbe"}
    words = container["args"]
    options = dict(zip(words[::2], words[1::2], strict=True))
    assert options["--pod"] == "$(POD_NAME)"
    assert options["--image"] == workload.image.replace("$", "$$")
    assert json.loads(options["--labels"]) == {"app": "hello", "version": "v1"}
    assert (options["--ports"], options["--bind"]) == ("8080", "0.0.0.0")
    assert deployment.body["spec"]["template"]["spec"]["serviceAccountName"] == "hello", "the manifest itself is kept"


def test_only_a_low_port_makes_it_root_and_then_with_that_right_alone(hello) -> None:
    mesh, deployment = hello
    for ports, user in (([8080], 65532), ([80, 8080], 0)):
        made = probed(deployment, mesh.workloads[0], ports, "probe:1")
        (container,) = made.body["spec"]["template"]["spec"]["containers"]
        security = container["securityContext"]
        assert security["runAsUser"] == user
        assert security["capabilities"]["drop"] == ["ALL"]
        assert security["capabilities"].get("add", []) == ([] if user else ["NET_BIND_SERVICE"])


def test_a_published_image_stays_without_the_account_that_is_not_there(hello) -> None:
    mesh, deployment = hello
    template = sample(deployment, mesh.workloads[0]).body["spec"]["template"]
    assert template["spec"]["containers"][0]["image"].startswith("docker.io/istio/examples-helloworld-v1")
    assert "serviceAccountName" not in template["spec"]
    assert "meshproof.dev/image" not in template["metadata"]["annotations"]


def test_names_are_those_that_a_client_of_the_namespace_uses(hello) -> None:
    mesh, _ = hello
    (service,) = mesh.services
    for name in ("hello", "HELLO", "hello.run", "hello.run.svc", "hello.run.svc.cluster.local"):
        assert service_of(mesh, name, "run") is service
    assert service_of(mesh, "hello", "elsewhere") is None
    assert service_of(mesh, "hello.other", "run") is None


def test_a_service_is_reached_at_its_address_or_at_a_pod_or_nowhere() -> None:
    pods = [pod("b", "10.0.0.2", app="hello"), pod("a", "10.0.0.1", app="hello"), pod("c", "10.0.0.3", app="x")]
    spec = {"selector": {"app": "hello"}}
    assert address({"spec": {**spec, "clusterIP": "10.1.1.1"}}, pods) == "10.1.1.1"
    assert address({"spec": {**spec, "clusterIP": "None"}}, pods) == "10.0.0.1"
    assert address({"spec": {"clusterIP": "None"}}, pods) == NOWHERE
    assert address(None, pods) == NOWHERE


def test_the_proxy_must_know_the_pods_behind_each_port_that_the_mesh_carries(hello) -> None:
    mesh, _ = hello
    pods = [pod("a", "10.0.0.1", app="hello"), pod("c", "10.0.0.3", app="x")]
    assert endpoints(mesh.services, pods) == {"outbound|5000||hello.run.svc.cluster.local": {"10.0.0.1"}}
    assert by_address(pods) == {"10.0.0.1": "a", "10.0.0.3": "c"}


def test_the_pod_that_answered_is_known_by_the_address_that_the_proxy_adds(hello) -> None:
    mesh, _ = hello
    known = owners(mesh, [pod("hello-abc", "10.0.0.1", app="hello", version="v1"), pod("c", "10.0.0.3", app="x")])
    assert known == {"10.0.0.1": ("hello-abc", "run/hello-v1")}

    def seen(header: str, own: str = "") -> tuple[str, str]:
        headers = (("x-meshproof-upstream", header),) if header else ()
        one = Observation("i", 0, 0, 0.0, 0.1, 200, own, own and "w", headers=headers)
        (found,) = attributed([one], known)
        return found.pod, found.workload

    assert seen("10.0.0.1:8080") == ("hello-abc", "run/hello-v1")
    assert seen("10.0.0.9:8080") == ("", "")
    assert seen("") == ("", "")
    assert seen("10.0.0.1:8080", "itself") == ("itself", "w")


def test_the_filter_is_for_the_client_alone() -> None:
    spec = envoy_filter("run")["spec"]
    client = client_pod.deployment("run", "probe:1", ["10.0.0.9"])
    labels = client["spec"]["template"]["metadata"]["labels"]
    assert spec["workloadSelector"]["labels"].items() <= labels.items()
    annotations = client["spec"]["template"]["metadata"]["annotations"]
    assert annotations["traffic.sidecar.istio.io/excludeOutboundIPRanges"] == "10.0.0.9/32"
    assert not annotations.keys() & set(client_pod.EXCLUDED_PORTS)


def test_several_clients_have_a_pod_each_on_different_nodes_and_speak_past_their_sidecars() -> None:
    spec = client_pod.deployment("run", "probe:1", clients=3)["spec"]
    (constraint,) = spec["template"]["spec"]["topologySpreadConstraints"]
    assert (spec["replicas"], constraint["topologyKey"]) == (3, "kubernetes.io/hostname")
    assert constraint["labelSelector"] == spec["selector"]
    for name in client_pod.EXCLUDED_PORTS:
        ports = spec["template"]["metadata"]["annotations"][name].split(",")
        assert list(map(int, ports)) == list(MASTER_PORTS)
    (container,) = spec["template"]["spec"]["containers"]
    assert {"name": MASTER_ADDRESS, "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}} in container["env"]


POD = "{restartPolicy: HOW, containers: [{name: c, image: example/web, ports: [{containerPort: 8080}]}]}"
TEMPLATE = f"template: {{metadata: {{labels: {{app: hello}}, annotations: {{a: b}}}}, spec: {POD}}}"
ALWAYS, NEVER = (TEMPLATE.replace("HOW", how) for how in ("Always", "Never"))


@pytest.mark.parametrize(
    ("version", "kind", "metadata", "spec"),
    [
        (
            "apps/v1",
            "StatefulSet",
            "",
            f"replicas: 2, selector: {{matchLabels: {{app: hello}}}}, serviceName: h, {ALWAYS}",
        ),
        ("apps/v1", "DaemonSet", "", f"selector: {{matchLabels: {{app: hello}}}}, {ALWAYS}"),
        ("extensions/v1beta1", "Deployment", "", ALWAYS),
        ("v1", "Pod", ", labels: {app: hello}, annotations: {a: b}", POD[1:-1].replace("HOW", "Never")),
        ("batch/v1", "CronJob", "", f"schedule: '@daily', jobTemplate: {{spec: {{{NEVER}}}}}"),
        (
            "argoproj.io/v1alpha1",
            "Rollout",
            "",
            f"selector: {{matchLabels: {{app: hello}}}}, strategy: {{}}, {ALWAYS}",
        ),
    ],
)
def test_every_workload_is_applied_as_a_deployment_with_its_labels(
    tmp_path, version: str, kind: str, metadata: str, spec: str
) -> None:
    text = f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: hello{metadata}}}\nspec: {{{spec}}}\n"
    (tmp_path / "hello.yaml").write_text(text)
    manifests = load([str(tmp_path)], namespace="run")
    (workload,) = build(manifests.resources).mesh.workloads
    made = as_deployment(wanted(manifests.resources[0]), workload)
    assert (made.body["apiVersion"], made.key) == ("apps/v1", ("Deployment", "run", "hello"))
    found = made.body["spec"]
    assert found["replicas"] == (2 if kind == "StatefulSet" else 1)
    assert found["selector"] == {"matchLabels": {"app": "hello"}}
    assert found["template"]["metadata"] == {"labels": {"app": "hello"}, "annotations": {"a": "b"}}
    assert "restartPolicy" not in found["template"]["spec"]
    container = probed(made, workload, [8080], "probe:1").body["spec"]["template"]["spec"]["containers"][0]
    assert (container["image"], container["name"]) == ("probe:1", "c")


def test_a_current_deployment_is_applied_as_it_is(hello) -> None:
    mesh, deployment = hello
    assert as_deployment(deployment, mesh.workloads[0]) is deployment
