"""Istio is installed, found, used as it is, and removed again when an installation fails half-way."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import yaml
from meshproof.errors import TargetError, UsageError
from meshproof.targets.istio.installation import notes
from meshproof.targets.istio.installation.install import install
from meshproof.targets.istio.installation.plan import Plan
from meshproof.targets.istio.installation.remove import remove
from meshproof.targets.istio.istioctl import Istioctl

SYSTEM = "/api/v1/namespaces/istio-system"
ISTIOD = "/apis/apps/v1/namespaces/istio-system/deployments/istiod"
# What the real istioctl does to the cluster: it creates a Deployment, and deletes it in the end.
INSTALLS = """
deployment = {
    "apiVersion": "apps/v1", "kind": "Deployment",
    "metadata": {"name": "istiod", "namespace": "istio-system", "labels": {"app": "istiod", "istio.io/rev": "default"}},
    "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "istiod"}}, "template": {"spec": {"containers": [
        {"name": "discovery", "image": "registry.example/library/pilot:1.30.4"}]}}},
    "status": {"updatedReplicas": READY, "availableReplicas": READY, "replicas": 1},
}
pod = {
    "apiVersion": "v1", "kind": "Pod",
    "metadata": {"name": "istiod-1", "namespace": "istio-system", "labels": {"app": "istiod"}},
    "spec": {}, "status": {"containerStatuses": [{"name": "discovery", "state": {"waiting": {
        "reason": "ImagePullBackOff", "message": "no such image"}}}]},
}
if READY:
    pod["status"] = {"conditions": [{"type": "Ready", "status": "True"}]}
if "install" in args:
    api("POST", "/apis/apps/v1/namespaces/istio-system/deployments", deployment)
    api("POST", "/api/v1/namespaces/istio-system/pods", pod)
    END
elif "uninstall" in args:
    REMOVE
    try:
        api("DELETE", "/apis/apps/v1/namespaces/istio-system/deployments/istiod")
    except OSError:
        print("no resources will be pruned")
"""


@pytest.fixture
def istioctl(programs: Any) -> Any:
    def make(ready: int = 1, end: str = "", remove: str = "") -> Istioctl:
        body = INSTALLS.replace("READY", str(ready)).replace("END", end or "pass").replace("REMOVE", remove or "pass")
        return Istioctl(programs.make("istioctl", body), "1.30.4", (), "lab")

    return make


def noted(api: Any) -> str:
    return str(api.objects[SYSTEM]["metadata"]["annotations"][notes.ANNOTATION])


def commands(programs: Any) -> list[str]:
    return [next(word for word in call["args"] if word != "x") for call in programs.calls("istioctl")]


def test_istio_is_prechecked_installed_awaited_and_noted(cluster: Any, istioctl: Any, programs: Any, api: Any) -> None:
    plan = Plan(hub="registry.example/library", settings=("values.pilot.autoscaleEnabled=false",))
    done = asyncio.run(install(cluster(), istioctl(), plan))
    assert (done.version, done.revision, done.fresh, done.warnings) == ("1.30.4", "default", True, ())
    assert commands(programs) == ["precheck", "install"]
    sets = [word for word in programs.calls("istioctl")[1]["args"] if "=" in word]
    assert sets == ["profile=demo", "hub=registry.example/library", "values.pilot.autoscaleEnabled=false"]
    assert noted(api) == plan.fingerprint("1.30.4")


def test_an_installation_with_the_same_settings_is_used_as_it_is(cluster: Any, istioctl: Any, programs: Any) -> None:
    asyncio.run(install(cluster(), istioctl(), Plan()))
    again = asyncio.run(install(cluster(), istioctl(), Plan()))
    assert (again.version, again.fresh) == ("1.30.4", False)
    assert commands(programs) == ["precheck", "install"]


def test_an_installation_with_other_settings_or_an_unfinished_one_is_installed_again(
    cluster: Any, istioctl: Any, programs: Any, api: Any
) -> None:
    asyncio.run(install(cluster(), istioctl(), Plan()))
    asyncio.run(install(cluster(), istioctl(), Plan(hub="elsewhere.example")))
    api.objects[SYSTEM]["metadata"]["annotations"][notes.ANNOTATION] = notes.UNFINISHED
    asyncio.run(install(cluster(), istioctl(), Plan(hub="elsewhere.example")))
    assert commands(programs).count("install") == 3


def test_a_failed_installation_is_reported_with_what_is_not_ready_and_removed(
    cluster: Any, istioctl: Any, programs: Any, api: Any
) -> None:
    broken = istioctl(ready=0, end="print('timed out waiting', file=sys.stderr); sys.exit(1)")
    with pytest.raises(TargetError, match="Istio could not be installed: installing Istio") as caught:
        asyncio.run(install(cluster(), broken, Plan()))
    detail = caught.value.detail
    assert "timed out waiting" in detail
    assert "pod istiod-1: container discovery waits: ImagePullBackOff no such image" in detail
    assert "has been removed again" in detail
    assert commands(programs) == ["precheck", "install", "uninstall"]
    assert SYSTEM not in api.objects


def test_an_istiod_that_never_gets_ready_is_named_and_removed(cluster: Any, istioctl: Any, api: Any) -> None:
    with pytest.raises(TargetError, match=r"not ready after 1 s: istiod \(0 of 1 replicas up to date\)") as caught:
        asyncio.run(install(cluster(istio_ready=1), istioctl(ready=0), Plan()))
    assert "ImagePullBackOff" in caught.value.detail
    assert ISTIOD not in api.objects


def test_an_installation_that_hangs_is_ended_and_removed(cluster: Any, istioctl: Any, programs: Any, api: Any) -> None:
    with pytest.raises(TargetError, match="installing Istio: no end within 2 s"):
        asyncio.run(install(cluster(istio_install=2), istioctl(end="time.sleep(60)"), Plan()))
    assert SYSTEM not in api.objects
    assert programs.alive() == []


def test_an_interruption_removes_what_was_installed_by_then(
    cluster: Any, istioctl: Any, programs: Any, api: Any
) -> None:
    async def interrupted() -> None:
        task = asyncio.create_task(install(cluster(), istioctl(end="time.sleep(60)"), Plan()))
        await asyncio.to_thread(api.until, ISTIOD)
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()

    asyncio.run(interrupted())
    assert SYSTEM not in api.objects
    assert programs.alive() == []


def test_a_removal_that_fails_too_is_reported(cluster: Any, istioctl: Any, api: Any) -> None:
    broken = istioctl(end="sys.exit(1)", remove="sys.exit('webhook does not answer')")
    with pytest.raises(TargetError) as caught:
        asyncio.run(install(cluster(), broken, Plan()))
    assert "could not be removed: removing Istio: istioctl failed" in caught.value.detail
    assert "webhook does not answer" in caught.value.detail
    assert noted(api) == notes.UNFINISHED


def test_a_precheck_that_says_no_leaves_the_cluster_as_it_is(cluster: Any, programs: Any, api: Any) -> None:
    refusing = Istioctl(programs.make("istioctl", "sys.exit('no')"), "1.30.4", (), "lab")
    with pytest.raises(TargetError, match="cannot be installed here"):
        asyncio.run(install(cluster(), refusing, Plan()))
    assert api.objects == {}


def foreign(api: Any, namespace: str = "istio-system", revision: str = "default") -> None:
    api.put("Namespace", namespace)
    labels = {"app": "istiod", "istio.io/rev": revision}
    containers = [{"name": "discovery", "image": "docker.io/istio/pilot:1.28.0-distroless"}]
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": {"spec": {"containers": containers}}}
    status = {"updatedReplicas": 1, "availableReplicas": 1, "replicas": 1}
    api.put("Deployment", "istiod", namespace, metadata={"labels": labels}, spec=spec, status=status)


@pytest.mark.parametrize("namespace", ["istio-system", "elsewhere"])
def test_an_istio_of_somebody_else_is_never_replaced(
    cluster: Any, istioctl: Any, programs: Any, api: Any, namespace: str
) -> None:
    foreign(api, namespace)
    reported = f"Istio 1.28.0, revision default, namespace {namespace} is installed already, and not by meshproof"
    with pytest.raises(UsageError, match=reported):
        asyncio.run(install(cluster(), istioctl(), Plan()))
    asyncio.run(remove(cluster(), istioctl(), Plan()))
    assert programs.calls() == []


def test_an_installed_istio_is_used_when_the_installation_is_skipped(cluster: Any, api: Any) -> None:
    foreign(api, revision="stable")
    done = asyncio.run(install(cluster(), None, Plan(skip=True)))
    assert (done.version, done.revision, done.fresh) == ("1.28.0", "stable", False)
    with pytest.raises(TargetError, match="revision canary is not installed in this cluster"):
        asyncio.run(install(cluster(), None, Plan(skip=True, revision="canary")))


def test_without_istio_nothing_can_be_skipped(cluster: Any) -> None:
    with pytest.raises(TargetError, match="Istio is not installed in this cluster, and its installation is skipped"):
        asyncio.run(install(cluster(), None, Plan(skip=True)))


@pytest.mark.parametrize("known", [False, True])
def test_kinds_that_were_there_before_stay_with_their_objects(
    cluster: Any, istioctl: Any, programs: Any, api: Any, known: bool
) -> None:
    api.kinds = known
    asyncio.run(install(cluster(), istioctl(), Plan()))
    api.kinds = True
    asyncio.run(install(cluster(), istioctl(), Plan(hub="elsewhere.example")))
    api.put("ClusterRole", "istio-reader", metadata={"labels": {"operator.istio.io/component": "Base"}})
    api.put("ClusterRole", "mine")
    asyncio.run(remove(cluster(), istioctl(), Plan()))
    roles = [path.rpartition("/")[2] for path in api.objects if "clusterroles" in path]
    assert roles == (["mine"] if known else ["istio-reader", "mine"])
    which = ["--revision", "default"] if known else ["--purge"]
    assert programs.calls("istioctl")[-1]["args"] == ["uninstall", *which, "-y", "--context", "lab"]


def test_a_namespace_that_was_there_before_stays(cluster: Any, istioctl: Any, api: Any) -> None:
    api.put("Namespace", "istio-system", metadata={"labels": {"team": "mesh"}})
    asyncio.run(install(cluster(), istioctl(), Plan()))
    asyncio.run(install(cluster(), istioctl(), Plan(hub="elsewhere.example")))
    asyncio.run(remove(cluster(), istioctl(), Plan()))
    metadata = api.objects[SYSTEM]["metadata"]
    assert (metadata["labels"], metadata["annotations"]) == ({"team": "mesh"}, {})


KUBECTL = """
if "apply" in args and "Deployment" in begun["stdin"]:
    import re
    status = {"updatedReplicas": 1, "availableReplicas": 1, "replicas": 1}
    containers = [{"name": "discovery", "image": "hub.example/pilot:1.9.5"}]
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "istiod"}}}
    spec["template"] = {"spec": {"containers": containers}}
    metadata = {"name": "istiod", "namespace": "istio-system", "labels": {"app": "istiod"}}
    api("POST", "/apis/apps/v1/namespaces/istio-system/deployments",
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec, "status": status})
"""


@pytest.fixture
def rendered(tmp_path: Path) -> Path:
    path = tmp_path / "istio.yaml"
    documents = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "istiod"}},
        {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "a.b"}},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "istiod"}},
    ]
    path.write_text(yaml.safe_dump_all(documents))
    return path


def test_a_rendered_manifest_is_applied_its_definitions_first(cluster: Any, programs: Any, rendered: Path) -> None:
    plan = Plan(manifest=rendered)
    done = asyncio.run(install(cluster(KUBECTL), None, plan))
    assert (done.version, done.fresh) == ("1.9.5", True)
    first, second, third = programs.calls()
    applies = ["apply", "--server-side", "--field-manager", "meshproof", "--force-conflicts", "-f", "-"]
    assert first["args"] == third["args"] == ["--context", "lab", *applies]
    assert second["args"][2:] == ["wait", "--for", "condition=Established", "--timeout", "60s", "-f", "-"]
    kinds = [[one["kind"] for one in yaml.safe_load_all(call["stdin"])] for call in (first, third)]
    assert kinds == [["CustomResourceDefinition"], ["ServiceAccount", "Deployment"]]


@pytest.mark.parametrize("known", [False, True])
def test_a_rendered_manifest_that_is_refused_is_deleted_again(
    cluster: Any, programs: Any, rendered: Path, api: Any, known: bool
) -> None:
    api.kinds = known
    refuses = "if 'apply' in args and 'Deployment' in begun['stdin']: sys.exit('quota exceeded')"
    with pytest.raises(TargetError, match="Istio could not be installed") as caught:
        asyncio.run(install(cluster(refuses), None, Plan(manifest=rendered)))
    assert "quota exceeded" in caught.value.detail
    deletions = [call for call in programs.calls() if "delete" in call["args"]]
    assert {tuple(one["args"][2:]) for one in deletions} == {
        ("delete", "--ignore-not-found", "--wait=false", "-f", "-")
    }
    assert [one["stdin"].count("CustomResourceDefinition") for one in deletions] == ([0] if known else [0, 1])
    assert SYSTEM not in api.objects


@pytest.mark.parametrize(
    ("text", "reported"),
    [("", "it is empty"), ("a: [", "cannot be read"), ("just words", "has no kind"), ("- 1", "has no kind")],
)
def test_a_file_that_is_no_manifest_is_refused(cluster: Any, tmp_path: Path, text: str, reported: str) -> None:
    path = tmp_path / "istio.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=reported):
        asyncio.run(install(cluster(), None, Plan(manifest=path)))
