"""Requests through real Envoy are routed as the model says."""

import asyncio
from dataclasses import replace
from fractions import Fraction

import pytest
from meshproof.envoy.node import Kind, Proxy
from meshproof.envoy.scope import Scope
from meshproof.envoy.translate import translate
from meshproof.mesh.model.virtual_service import (
    Abort,
    DirectResponse,
    HeaderChange,
    HeaderChanges,
    MatchKind,
    Mirror,
    Redirect,
    Retries,
    Rewrite,
    RouteMatch,
    StringMatch,
)


def test_a_split_reaches_both_subsets_and_nothing_else(site, build):
    async def scene():
        async with site() as s:
            _, ports = await s.serve(build.mesh(build.split(50, 50)))
            return {(await s.ask(ports[5000]))[2] for _ in range(60)}

    assert asyncio.run(scene()) == {"helloworld-v1-0", "helloworld-v2-0"}


@pytest.mark.parametrize(("weights", "pod"), [((100, 0), "helloworld-v1-0"), ((0, 100), "helloworld-v2-0")])
def test_the_whole_weight_goes_to_one_subset(site, build, weights, pod):
    async def scene():
        async with site() as s:
            _, ports = await s.serve(build.mesh(build.split(*weights)))
            return [await s.ask(ports[5000]) for _ in range(20)]

    assert {(status, body) for status, _, body in asyncio.run(scene())} == {(200, pod)}


def test_every_name_of_the_service_is_answered_and_another_host_is_not(site, build):
    names = ["helloworld", "helloworld:5000", "helloworld.default", "helloworld.default.svc:5000", build.host]

    async def scene():
        async with site() as s:
            _, ports = await s.serve(build.mesh())
            return [(await s.ask(ports[5000], host=name))[0] for name in [*names, "elsewhere"]]

    assert asyncio.run(scene()) == [200] * 5 + [502]


def test_the_short_name_is_only_known_in_the_services_own_namespace(site, build):
    async def scene():
        async with site() as s:
            _, ports = await s.serve(build.mesh(), Proxy(namespace="other"))
            return [(await s.ask(ports[5000], host=name))[0] for name in ["helloworld", "helloworld.default"]]

    assert asyncio.run(scene()) == [502, 200]


def test_a_subset_that_no_rule_defines_answers_503(site, build):
    async def scene():
        async with site() as s:
            envoy, ports = await s.serve(build.mesh(build.route(build.to("v3"))))
            reply = await s.ask(ports[5000])
            return reply, await envoy.admin.counters()

    (status, _, _), counters = asyncio.run(scene())
    assert status == 503
    assert counters["http.outbound_0.0.0.0_5000.no_cluster"] == 1


def test_a_subset_without_pods_answers_503(site, build):
    mesh = build.mesh(build.route(build.to("v2")))

    async def scene():
        async with site() as s:
            _, ports = await s.serve(replace(mesh, workloads=mesh.workloads[:1]))
            return await s.ask(ports[5000])

    status, _, body = asyncio.run(scene())
    assert (status, body) == (503, "no healthy upstream")


def test_matches_decide_in_order(site, build):
    def header(name, kind, value=""):
        return ((name, StringMatch(MatchKind(kind), value, build.here)),)

    v1, v2 = (build.route(build.to(v)) for v in ("v1", "v2"))
    cases = [
        (build.uri("exact", "/hello"), "/hello", {}, "GET"),
        (build.uri("prefix", "/api"), "/api/x", {}, "GET"),
        (build.uri("regex", "/r[0-9]+"), "/r12", {}, "GET"),
        (replace(build.uri("exact", "/Case"), ignore_uri_case=True), "/cASE", {}, "GET"),
        (RouteMatch(build.here, headers=header("end-user", "exact", "jason")), "/x", {"End-User": "jason"}, "GET"),
        (RouteMatch(build.here, headers=header("canary", "present")), "/x", {"canary": "whatever"}, "GET"),
        (RouteMatch(build.here, method=StringMatch(MatchKind.EXACT, "PUT", build.here)), "/x", {}, "PUT"),
        (RouteMatch(build.here, query_params=header("q", "exact", "1")), "/x?q=1", {}, "GET"),
        (RouteMatch(build.here, scheme=StringMatch(MatchKind.EXACT, "http", build.here)), "/x", {}, "GET"),
        (RouteMatch(build.here, authority=StringMatch(MatchKind.PREFIX, "helloworld:", build.here)), "/x", {}, "GET"),
        (RouteMatch(build.here, without_headers=header("debug", "present")), "/x", {}, "GET"),
        (RouteMatch(build.here, without_headers=header("v", "exact", "1")), "/x", {"v": "2"}, "GET"),
        (RouteMatch(build.here, without_headers=header("v", "exact", "1")), "/x", {}, "GET"),
    ]
    misses = [
        (build.uri("exact", "/hello"), "/hello2", {}, "GET"),
        (build.uri("prefix", "/api"), "/ap", {}, "GET"),
        (build.uri("regex", "/r[0-9]+"), "/r12x", {}, "GET"),
        (build.uri("exact", "/Case"), "/case", {}, "GET"),
        (RouteMatch(build.here, headers=header("end-user", "exact", "jason")), "/x", {"end-user": "Jason"}, "GET"),
        (RouteMatch(build.here, without_headers=header("debug", "present")), "/x", {"debug": "1"}, "GET"),
        (RouteMatch(build.here, without_headers=header("v", "exact", "1")), "/x", {"v": "1"}, "GET"),
        (RouteMatch(build.here, port=81), "/x", {}, "GET"),
        (RouteMatch(build.here, source_labels={"app": "other"}), "/x", {}, "GET"),
        (RouteMatch(build.here, gateways=("default/gateway",)), "/x", {}, "GET"),
    ]

    async def scene():
        answers = []
        async with site() as s:
            envoy, ports = await s.serve(build.mesh())
            for match, path, headers, method in cases + misses:
                mesh = build.mesh(replace(v2, matches=(match,)), v1)
                await envoy.apply(translate(mesh, Proxy(labels={"app": "client"}), s.addresses))
                answers.append((await s.ask(ports[5000], path, headers=headers, method=method))[2])
        return answers

    answers = asyncio.run(scene())
    assert answers == ["helloworld-v2-0"] * len(cases) + ["helloworld-v1-0"] * len(misses)


def test_a_request_that_no_route_takes_gets_404(site, build):
    mesh = build.mesh(build.route(build.to("v1"), matches=(build.uri("exact", "/hello"),)))

    async def scene():
        async with site() as s:
            _, ports = await s.serve(mesh)
            return [(await s.ask(ports[5000], path))[0] for path in ("/hello", "/other")]

    assert asyncio.run(scene()) == [200, 404]


def test_rewrite_headers_redirect_and_direct_response(site, build):
    changes = HeaderChanges(
        HeaderChange((("x-set", "1"), ("Host", "new.host")), (("x-add", "2"),), ("x-gone",)),
        HeaderChange((("x-answer", "yes"),)),
    )
    rewritten = replace(
        build.route(build.to("v1"), matches=(build.uri("prefix", "/old"),)), rewrite=Rewrite("/new"), headers=changes
    )
    moved = replace(build.route(matches=(build.uri("exact", "/away"),)), redirect=Redirect("/there", "other", code=302))
    direct = replace(build.route(), direct_response=DirectResponse(418, "teapot"))

    async def scene():
        async with site() as s:
            _, ports = await s.serve(build.mesh(rewritten, moved, direct))
            replies = [await s.ask(ports[5000], p, headers={"x-gone": "1"}) for p in ("/old/a", "/away", "/")]
            return replies, s.seen["helloworld-v1-0"][0]

    (first, second, third), head = asyncio.run(scene())
    assert head[0] == "GET /new/a HTTP/1.1"
    assert {"host: new.host", "x-set: 1", "x-add: 2"} <= set(head)
    assert not [line for line in head if line.startswith("x-gone")]
    assert first[1]["x-answer"] == "yes"
    assert (second[0], second[1]["location"]) == (302, "http://other/there")
    assert (third[0], third[2]) == (418, "teapot")


def test_an_abort_of_every_request_and_a_mirror_of_every_request(site, build):
    aborted = replace(
        build.route(build.to("v1"), matches=(build.uri("exact", "/abort"),)),
        abort=Abort(Fraction(1), 555, build.here),
    )
    mirrored = replace(
        build.route(build.to("v1")), mirrors=(Mirror(build.to("v2").destination, Fraction(1), build.here),)
    )

    async def scene():
        async with site() as s:
            envoy, ports = await s.serve(build.mesh(aborted, mirrored))
            status = (await s.ask(ports[5000], "/abort"))[0]
            for _ in range(5):
                await s.ask(ports[5000], "/copy")

            async def copied():
                return len(s.seen["helloworld-v2-0"]) == 5

            await envoy.until(copied, "five copies")
            return status, len(s.seen["helloworld-v1-0"]), s.seen["helloworld-v2-0"][0]

    status, primaries, copy = asyncio.run(scene())
    assert (status, primaries) == (555, 5)
    assert copy[0] == "GET /copy HTTP/1.1"
    assert "host: helloworld:5000" in copy


def test_a_copy_is_told_the_time_of_all_tries_and_its_primary_that_of_one(site, build):
    tried = Retries(attempts=3, per_try_timeout=0.5, retry_on="5xx", location=build.here)
    copies = (Mirror(build.to("v2").destination, Fraction(1), build.here),)
    route = replace(build.route(build.to("v1")), mirrors=copies, timeout=3.0, retries=tried)

    async def scene():
        async with site() as s:
            envoy, ports = await s.serve(build.mesh(route))
            await s.ask(ports[5000], "/copy")

            async def copied():
                return bool(s.seen["helloworld-v2-0"])

            await envoy.until(copied, "a copy")
            return s.seen["helloworld-v1-0"][0], s.seen["helloworld-v2-0"][0]

    primary, copy = asyncio.run(scene())
    assert "x-envoy-expected-rq-timeout-ms: 500" in primary
    assert "x-envoy-expected-rq-timeout-ms: 3000" in copy


def test_a_destination_without_a_port_leads_to_the_listeners_port_in_a_sidecar_alone(build):
    other = build.service("other", 80)
    mesh = build.mesh(build.route(build.to()))
    mesh = replace(
        mesh,
        services=(*mesh.services, other),
        virtual_services=(build.virtual_service(build.route(build.to()), hosts=(other.host,)),),
    )
    clusters = [Scope(mesh, Proxy(kind), 80, frozenset()).cluster(build.to().destination) for kind in Kind]
    assert clusters == [f"outbound|80||{build.host}", f"outbound|5000||{build.host}"]
