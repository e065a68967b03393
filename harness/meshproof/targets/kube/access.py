"""The rights of a run in its own namespace: those of a role that an administrator granted the right to bind.

A user who may do everything anyway needs none of this. See docs/rbac.yaml.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection

from meshproof.errors import TargetError
from meshproof.targets.kube import ownership
from meshproof.targets.kube.api.refusal import RefusedError
from meshproof.targets.kube.objects import Objects

ROLE = "meshproof-run"
VERIFY = "meshproof-verify"
READ = (("list", "pods"), ("get", "services"))
RBAC = "rbac.authorization.k8s.io"
INTERVAL = 0.1


async def grant(objects: Objects, namespace: str, run: str, limit: float) -> None:
    """Give this user the rights of a run in the namespace; TargetError says what an administrator has to grant."""
    if await _enough(objects, namespace):
        return
    user = await _whoami(objects)
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": ROLE, "namespace": namespace, "labels": ownership.labels(run)},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": ROLE},
        "subjects": [{"kind": "User", "apiGroup": RBAC, "name": user}],
    }
    try:
        await objects.create(binding)
    except RefusedError as error:
        message = f"user {user} may neither work in namespace {namespace} nor bind the role {ROLE} there"
        hint = f"an administrator grants it with docs/rbac.yaml\n{_look(objects, namespace)}"
        raise TargetError(message, f"{error.words}\n{hint}") from None
    # The API server applies a new role binding with a delay.
    deadline = time.monotonic() + limit
    while not await _enough(objects, namespace):
        if time.monotonic() > deadline:
            message = f"user {user} has no rights in namespace {namespace} {limit:g} s after binding {ROLE}"
            raise TargetError(message, _look(objects, namespace))
        await asyncio.sleep(INTERVAL)


async def readable(objects: Objects, namespaces: Collection[str]) -> None:
    """Return when this user may read what runs in these namespaces; TargetError says which role has to be bound."""
    for namespace in namespaces:
        lacking = [f"{verb} {what}" for verb, what in READ if not await objects.allowed(verb, what, namespace)]
        if lacking:
            user = await _whoami(objects)
            raise TargetError(
                f"namespace {namespace} cannot be verified: user {user} may not {' or '.join(lacking)} there",
                f"{_look(objects, namespace)}\nan administrator grants it with the role {VERIFY} of docs/rbac.yaml:\n"
                f"kubectl create rolebinding {VERIFY} --namespace {namespace} --clusterrole {VERIFY} {_subject(user)}",
            )


def _look(objects: Objects, namespace: str) -> str:
    return f"look: {objects.shown('auth', 'can-i', '--list', '--namespace', namespace)}"


def _subject(user: str) -> str:
    """The user as an option of `kubectl create rolebinding`."""
    account = user.removeprefix("system:serviceaccount:")
    return f"--user {user}" if account == user else f"--serviceaccount {account}"


async def _enough(objects: Objects, namespace: str) -> bool:
    """Whether the user may do there what only the role, or an administrator, may."""
    return await objects.allowed("patch", "deployments", namespace, "apps") and await objects.allowed(
        "create", "pods", namespace, sub="exec"
    )


async def _whoami(objects: Objects) -> str:
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    review = await objects.raw(path, "POST", body=body, what="asking who this user is (needs Kubernetes 1.28)")
    return str(review["status"]["userInfo"]["username"])
