"""What of a Service is applied otherwise than specified, and no request shows, is never green; `diff` tells it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from meshproof.border.coverage import Unproved
from meshproof.diff.comparison import compare
from meshproof.diff.render.text import text
from meshproof.diff.sides import sides
from meshproof.manifest import load
from meshproof.run.verification.verification import Verification, prepare_verification
from sure import SURE

MESH = """\
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {SPEC}
---
apiVersion: v1
kind: Service
metadata: {name: other}
spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: c, image: c, ports: [{name: a, containerPort: 8080}, {name: b, containerPort: 9090}]}]}
"""
SELECTOR = "selector: {app: web}"
PORT = "{name: http, port: 80, targetPort: 8080}"
PLAIN = f"{SELECTOR}, ports: [{PORT}]"
OUTSIDE = "type: ExternalName, externalName: out.example.com"
Differ = Callable[[str, str], Verification]


@pytest.fixture
def verify(tmp_path: Path) -> Differ:
    def make(specified: str, applied: str) -> Verification:
        places = [tmp_path / name for name in ("specified.yaml", "applied.yaml")]
        for place, spec in zip(places, (specified, applied), strict=True):
            place.write_text(MESH.replace("SPEC", spec))
        return prepare_verification([str(places[0])], [str(places[1])], [], SURE, any_client=True)

    return make


def changes(old: str, new: str) -> str:
    files = ([("mesh.yaml", MESH.replace("SPEC", spec).encode())] for spec in (old, new))
    return "\n".join(text(compare(*sides(*(load([], strict=False, contents=one) for one in files)), "default")))


def test_which_places_are_preferred_shows_only_where_pods_are_told_to_run_in_several(verify: Differ) -> None:
    plain, near = PLAIN, f"{PLAIN}, trafficDistribution: PreferClose"
    (one,) = verify(near, plain).coverage.dependences
    assert one.why.startswith("pods of any place are preferred as it is applied, and those of the client's zone as sp")
    assert any("//web/" in asked for asked in one.requests)
    assert not any("//other/" in asked for asked in one.requests)
    (one,) = verify(near, f"{PLAIN}, trafficDistribution: PreferSameNode").coverage.dependences
    assert "pods of the client's node are preferred as it is applied" in one.why
    # Another word for the same.
    assert verify(near, f"{PLAIN}, trafficDistribution: PreferSameZone").coverage.dependences == ()


@pytest.mark.parametrize("name", ["clusterIP: None", "publishNotReadyAddresses: true"])
@pytest.mark.parametrize(("first", "second"), [(0, 1), (1, 0)])
def test_which_pods_may_be_called_shows_in_no_answer(verify: Differ, name: str, first: int, second: int) -> None:
    specs = PLAIN, f"{PLAIN}, {name}"
    (one,) = verify(specs[first], specs[second]).coverage.dependences
    how = "is applied, and not specified" if second else "is specified, and not applied"
    assert one.why.startswith(f"{name.removesuffix(': true')} {how}: no request shows")
    assert any("//web/" in asked for asked in one.requests)
    assert not any("//other/" in asked for asked in one.requests)
    assert "Service default/web is changed, and not understood" in changes(specs[first], specs[second])
    assert verify(specs[first], specs[first]).coverage.dependences == ()


@pytest.mark.parametrize(
    ("target", "kind", "why"),
    [
        ("9090", "the port of its endpoints", "9090 is applied, and 8080 is specified: no load shows it"),
        ("b", "the port of its endpoints", "9090 is applied, and 8080 is specified: no load shows it"),
        ("a", "", ""),
        (
            "8080, appProtocol: example.com/other",
            "protocol to pods",
            "the protocol of its client is applied, and HTTP/1.1 is specified: no load shows it",
        ),
    ],
)
def test_how_pods_are_called_may_show_in_no_answer(verify: Differ, target: str, kind: str, why: str) -> None:
    applied = PLAIN.replace("8080", target)
    found = [one for one in verify(PLAIN, applied).coverage.unproved if isinstance(one, Unproved)]
    assert [(one.kind, one.why) for one in found] == ([(kind, why)] if kind else [])
    assert ("no change for requests" in changes(PLAIN, applied)) is not bool(kind)


def test_how_pods_are_called_is_seen_where_it_differs_for_one_client(verify: Differ) -> None:
    applied = PLAIN.replace("8080", "8080, appProtocol: http2")
    assert not [one for one in verify(PLAIN, applied).coverage.unproved if isinstance(one, Unproved)]


MORE = f"{SELECTOR}, ports: [{PORT}, {{name: http-more, port: 81, targetPort: 8080}}]"


@pytest.mark.parametrize(
    ("specified", "applied", "why"),
    [
        (PLAIN, MORE, "port 81 is applied, and not specified: nothing is sent there"),
        (OUTSIDE, PLAIN, "specified, and a Service of its own is applied: nothing is sent there"),
        (OUTSIDE, f"{OUTSIDE}.org", "specified, and one for out.example.com.org is applied: nothing is sent there"),
        (OUTSIDE, OUTSIDE, ""),
    ],
)
def test_what_nothing_asks_for_is_told(verify: Differ, specified: str, applied: str, why: str) -> None:
    found = [one.why for one in verify(specified, applied).coverage.dependences if "nothing is sent" in one.why]
    assert [one.endswith(why) for one in found] == [True] * bool(why)


ENTRY = """\
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {{name: out}}
spec: {{hosts: [out.example.com], ports: [{{number: 80, name: http, protocol: HTTP}}], {more}}}
---
"""
STATIC = "resolution: STATIC, endpoints: [{address: 10.9.9.9}, {address: 10.9.9.8}]"
DNS = "endpoints: [{address: a.example.net}]"


@pytest.fixture
def outside(tmp_path: Path) -> Differ:
    def make(specified: str, applied: str) -> Verification:
        places = [tmp_path / name for name in ("specified.yaml", "applied.yaml")]
        for place, more in zip(places, (specified, applied), strict=True):
            place.write_text(ENTRY.format(more=more) + MESH.replace("SPEC", PLAIN))
        return prepare_verification([str(places[0])], [str(places[1])], [], SURE, any_client=True)

    return make


@pytest.mark.parametrize(
    ("specified", "applied", "why"),
    [
        (STATIC, f"{STATIC}, location: MESH_INTERNAL", "location MESH_INTERNAL is applied, and MESH_EXTERNAL is"),
        (STATIC, f"{STATIC}, subjectAltNames: [a]", "subjectAltNames a is applied, and none is specified"),
        (f"resolution: DNS, {DNS}", f"resolution: DNS_ROUND_ROBIN, {DNS}", "resolution DNS_ROUND_ROBIN is applied"),
        (STATIC, f"{STATIC}, addresses: [10.1.1.1]", "the address 10.1.1.1 is applied, and not specified"),
        (STATIC, f"{STATIC}, location: MESH_EXTERNAL", ""),
    ],
)
def test_what_shows_in_no_answer_of_a_host_outside_is_told(
    outside: Differ, specified: str, applied: str, why: str
) -> None:
    found = [one.why for one in outside(specified, applied).coverage.dependences]
    assert [one.startswith(why) for one in found] == [True] * bool(why)


@pytest.mark.parametrize(
    ("applied", "why"),
    [
        (STATIC.replace("9.9.8", "9.9.7"), "10.9.9.7, 10.9.9.9 is applied, and 10.9.9.8, 10.9.9.9 is specified"),
        (STATIC.replace("9.9.8", "9.9.8, weight: 9"), "10.9.9.8 (weight 9), 10.9.9.9 is applied, and 10.9.9.8, 10"),
        (STATIC, ""),
    ],
)
def test_other_addresses_of_endpoints_show_in_no_answer(outside: Differ, applied: str, why: str) -> None:
    told = [one for one in outside(STATIC, applied).coverage.unproved if isinstance(one, Unproved)]
    assert [(one.kind, one.why.startswith(why)) for one in told] == [("the addresses of its endpoints", True)] * bool(
        why
    )


@pytest.mark.parametrize(
    "annotation",
    ["sidecar.istio.io/inject: 'false'", "traffic.sidecar.istio.io/excludeOutboundPorts: '80'"],
)
def test_pods_that_pass_their_sidecar_by_are_told(tmp_path: Path, annotation: str) -> None:
    plain = MESH.replace("SPEC", PLAIN)
    other = plain.replace(
        "metadata: {labels: {app: web}}", f"metadata: {{labels: {{app: web}}, annotations: {{{annotation}}}}}"
    )
    for name, manifests in (("specified", plain), ("applied", other)):
        (tmp_path / f"{name}.yaml").write_text(manifests)
    paths = [str(tmp_path / f"{name}.yaml") for name in ("specified", "applied")]
    (told,) = prepare_verification([paths[0]], [paths[1]], [], SURE, any_client=True).coverage.dependences
    assert told.subject == "Deployment default/web"
    assert told.why.startswith("it is applied, and not specified: ")


RULED = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec: {hosts: [web], http: [{timeout: 2s, route: [{destination: {host: web}}]}]}
---
apiVersion: v1
kind: Namespace
metadata: {name: default, labels: {LABEL}}
---
"""


@pytest.mark.parametrize("label", ["istio-injection: disabled", "istio.io/dataplane-mode: ambient"])
def test_a_namespace_whose_pods_lose_their_sidecar_is_told_by_diff(label: str) -> None:
    def compared(old: str, new: str) -> str:
        mesh = RULED + MESH.replace("SPEC", PLAIN)
        files = ([("mesh.yaml", mesh.replace("LABEL", one).encode())] for one in (old, new))
        return "\n".join(text(compare(*sides(*(load([], strict=False, contents=one) for one in files)), "default")))

    assert "Namespace default is changed, and not understood" in compared("a: b", label)
    assert "Namespace default is changed, and not understood" in compared(label, "a: b")
    assert "is changed, and not understood" not in compared(label, label)


CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata: {{name: istio, namespace: istio-system}}
data: {{mesh: "{fields}"}}
---
"""


@pytest.mark.parametrize(
    ("specified", "applied", "why"),
    [
        ("connectTimeout: 5s", "connectTimeout: 1s", "connectTimeout 1s is applied, and 5s is specified"),
        ("", "enableAutoMtls: false", "enableAutoMtls false is applied, and true is specified"),
        ("tcpKeepalive: {time: 10s}", "accessLogFile: x", "tcpKeepalive none is applied, and {"),
        ("", "connectTimeout: 10s", ""),
        ("accessLogFile: x", "accessLogFile: y", ""),
    ],
)
def test_what_the_mesh_configuration_says_of_connections_shows_in_no_answer(
    tmp_path: Path, specified: str, applied: str, why: str
) -> None:
    paths = [tmp_path / name for name in ("specified.yaml", "applied.yaml")]
    for path, fields in zip(paths, (specified, applied), strict=True):
        path.write_text((CONFIG.format(fields=fields) if fields else "") + MESH.replace("SPEC", PLAIN))
    found = prepare_verification([str(paths[0])], [str(paths[1])], [], SURE, any_client=True).coverage.dependences
    assert [one.why.startswith(why) for one in found] == [True] * bool(why)
