"""Sticky sessions: the value of a header decides which pod answers.

https://istio.io/latest/docs/reference/config/networking/destination-rule/#LoadBalancerSettings-ConsistentHashLB
"""

from meshproof import ConsistentHash, Load, NoErrors, Scenario

# A prime number, so that pods that are taken in turn do not answer the same user again.
USERS = 41

by_header = Scenario(
    name="ConsistentHashByHeader",
    description="All requests of one user reach one and the same of three pods, and those of many users several.",
    manifests=["httpbin.yaml", "by-header.yaml"],
    load=Load("steady", tuple(f"GET http://httpbin:8000/get x-user:user-{number}" for number in range(USERS))),
    expect=[ConsistentHash(), NoErrors()],
)


def test_consistent_hash_by_header(verify):
    verify(by_header)
