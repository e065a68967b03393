"""Entering a gateway from outside: what its Services offer, and what they do not."""

from __future__ import annotations

from typing import Any

import pytest
from meshproof.errors import UsageError
from meshproof.targets.cluster.entry import LOAD_BALANCER, NODE_PORT, entry
from meshproof.targets.cluster.settings import KubeSettings

POD = {
    "metadata": {"name": "ingress-1", "namespace": "istio-system"},
    "status": {"podIP": "10.0.0.7", "hostIP": "192.0.2.5"},
}


def service(kind: str, *ports: dict[str, Any], name: str = "ingress", given: tuple[dict[str, str], ...] = ()) -> Any:
    return {
        "metadata": {"name": name},
        "spec": {"type": kind, "ports": list(ports)},
        "status": {"loadBalancer": {"ingress": list(given)} if given else {}},
    }


HTTP, NODE = {"port": 80, "targetPort": 8080}, {"port": 80, "targetPort": 8080, "nodePort": 30080}


def test_a_node_port_is_that_of_the_pods_own_node() -> None:
    assert entry(NODE_PORT, POD, 80, [service("NodePort", NODE)]) == ("192.0.2.5", 30080)


def test_a_load_balancer_has_node_ports_too() -> None:
    assert entry(NODE_PORT, POD, 80, [service("LoadBalancer", NODE)]) == ("192.0.2.5", 30080)


@pytest.mark.parametrize("given", [{"ip": "198.51.100.9"}, {"hostname": "198.51.100.9"}])
def test_a_load_balancer_is_entered_at_the_services_own_port(given: dict[str, str]) -> None:
    found = entry(LOAD_BALANCER, POD, 80, [service("LoadBalancer", NODE, given=(given,))])
    assert found == ("198.51.100.9", 80)


def test_the_first_service_that_offers_it_is_taken() -> None:
    several = [service("NodePort", NODE, name="second"), service("ClusterIP", HTTP, name="first")]
    assert entry(NODE_PORT, POD, 80, several) == ("192.0.2.5", 30080)


@pytest.mark.parametrize(
    ("how", "services", "words"),
    [
        (NODE_PORT, [], "no Service selects it"),
        (NODE_PORT, [service("ClusterIP", HTTP)], "Service ingress is of type ClusterIP"),
        (NODE_PORT, [service("NodePort", {"port": 443, "nodePort": 30443})], "Service ingress has no port 80"),
        (LOAD_BALANCER, [service("NodePort", NODE)], "Service ingress is of type NodePort"),
        (LOAD_BALANCER, [service("LoadBalancer", NODE)], "of type LoadBalancer without an address yet"),
        (LOAD_BALANCER, [service("LoadBalancer", given=({"ip": "198.51.100.9"},))], "Service ingress has no port 80"),
    ],
)
def test_what_no_service_offers_is_refused(how: str, services: list[Any], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        entry(how, POD, 80, services)
    said = str(caught.value)
    assert said.startswith(f"--entry {how}: gateway pod istio-system/ingress-1 cannot be entered so at port 80: ")
    assert words in said


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"entry": "tunnel"}, "--entry tunnel: a gateway is entered by one of forward, nodeport, loadbalancer"),
        ({"entry": "nodeport", "ports": {80: 8080}}, "--entry nodeport uses none of them"),
    ],
)
def test_an_entry_that_means_nothing_is_refused(said: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        KubeSettings(**said).checked()
    assert words in str(caught.value)
