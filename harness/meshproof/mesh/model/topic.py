"""What a notice, or a part that is not modelled, is about: those who sort findings go by it, and never by the words."""

from __future__ import annotations

from enum import StrEnum


class Topic(StrEnum):
    """One for each kind of mistake that building a mesh turns up beside what is refused."""

    NO_EFFECT = "a field without an effect"
    WEIGHTS = "weights that do not sum to 100"
    GATEWAY_MISSING = "a gateway that is not among the manifests"
    HOST_NOT_SERVED = "hosts that a Gateway has no server for"
    HOST_UNKNOWN = "a host that no Service has"
    COMPETING = "two VirtualServices for a host within the mesh"
    AGE_UNTOLD = "objects for one host that do not say which is older"
    RULE_HOST = "a DestinationRule for a host that no Service has"
    SUBSET_TWICE = "a subset that two DestinationRules define"
    DELEGATE_LEFT_OUT = "a delegate that istiod leaves out, or that nobody delegates to"
    DELEGATE_MISSING = "a delegate that is not among the manifests"
    ROUTE_ALONE = "a route of the Gateway API that attaches to nothing"
    PARENT_MISSING = "a parent of a route that is not among the manifests"
    HEADLESS = "a choice among the pods of a headless Service"
    PARENT = "a parent of a route that counts for nothing"
    NOT_GRANTED = "a backend of another namespace that no ReferenceGrant opens"
    BACKEND_MISSING = "a backend that is not among the manifests"
    RUN_ALONE = "what matters to a run of the mesh alone"
    LISTENER = "a listener that istiod does not open"
    GATEWAY_UNREACHED = "a Gateway, or a port of it, that nobody gets to"
    NO_SELECTOR = "a Service without a selector, of which no endpoints are told"
    ENVOY_REFUSES = "what istiod takes, and Envoy refuses"
    DENIED = "what a cluster says is not in force"
    REPEATED = "an object that several documents give"
    NO_SIDECAR = "pods that get no sidecar"
    OF_PODS = "a policy that the sidecars of pods carry out"
    POLICY_WITHOUT_PODS = "a policy that selects no pod"
    MUTUAL_TLS = "TLS that the sidecars of the called pods do not take"
    PAST_SIDECAR = "ports of pods that are reached past their sidecar"
    MUTUAL_TLS_UNTOLD = "mutual TLS towards what is not said to be of the mesh"
    NOT_SHOWN = "a rule that no request was found for"
