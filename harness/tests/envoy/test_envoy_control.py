"""The control plane: acknowledgement is a barrier, a refusal changes nothing, a broken proxy is told as such."""

import asyncio
from dataclasses import replace

import pytest
from meshproof.envoy.control_plane.control import RefusedError
from meshproof.envoy.node import Proxy
from meshproof.envoy.translate import translate
from meshproof.mesh.model.destination_rule import ConnectionPool, TrafficPolicy


def broken(build):
    """A mesh that Envoy refuses: its regular expression is none."""
    return build.mesh(build.route(build.to("v2"), matches=(build.uri("regex", "("),)))


async def keep_asking(s, port, answers, wanted):
    """Ask without end; each answer is (what was wanted from its beginning to its end, status, body)."""
    while True:
        expected = wanted[0]
        status, _, body = await s.ask(port)
        answers.put_nowait((expected if wanted[0] == expected else "", status, body))


async def under_load(s, port, turns, wanted):
    """Run each of `turns` (an awaitable each) under four clients, with some answers after each; gives all answers."""
    answers, collected = asyncio.Queue(), []
    clients = [asyncio.create_task(keep_asking(s, port, answers, wanted)) for _ in range(4)]
    try:
        async for _ in turns:
            while not answers.empty():
                collected.append(answers.get_nowait())
            async with asyncio.timeout(10):
                collected += [await answers.get() for _ in range(12)]
    finally:
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)
    while not answers.empty():
        collected.append(answers.get_nowait())
    return collected


def test_after_the_acknowledgement_no_new_request_takes_the_old_route(site, build):
    wanted = [""]

    async def turns(s, envoy):
        for turn in range(40):
            # What is still under way when a change begins may take either route: it tells nothing.
            wanted[0] = ""
            weights = (0, 100) if turn % 2 else (100, 0)
            await envoy.apply(translate(build.mesh(build.split(*weights)), Proxy(), s.addresses))
            wanted[0] = f"helloworld-v{1 + turn % 2}-0"
            yield turn

    async def scene():
        async with site() as s:
            envoy, ports = await s.serve(build.mesh(build.split(0, 100)))
            return await under_load(s, ports[5000], turns(s, envoy), wanted)

    told = [(expected, body) for expected, status, body in asyncio.run(scene()) if expected]
    assert len(told) > 200
    late = [pair for pair in told if pair[0] != pair[1]]
    assert late == []


def test_not_one_request_fails_while_subsets_come_and_go(site, build):
    plain, split = replace(build.mesh(build.route(build.to())), destination_rules=()), build.mesh(build.split(50, 50))

    async def turns(s, envoy):
        for turn in range(20):
            await envoy.apply(translate(plain if turn % 2 else split, Proxy(), s.addresses))
            yield turn

    async def scene():
        async with site() as s:
            envoy, ports = await s.serve(plain)
            return await under_load(s, ports[5000], turns(s, envoy), [""])

    answers = asyncio.run(scene())
    assert {status for _, status, _ in answers} == {200}
    assert len(answers) >= 240


def test_a_new_listener_takes_requests_when_apply_returns(site, build):
    async def scene():
        answers = []
        async with site() as s:
            base = build.mesh()
            more = [build.service(f"extra{n}", 6000 + n) for n in range(15)]
            pods = [build.workload("v1", f"extra{n}", 6000 + n) for n in range(15)]
            whole = replace(base, services=base.services + tuple(more), workloads=base.workloads + tuple(pods))
            envoy, before = await s.serve(base)
            await s.pods(replace(whole, workloads=tuple(pods)))
            for n in range(1, 16):
                part = replace(whole, services=whole.services[: n + 1])
                await envoy.apply(translate(part, Proxy(), s.addresses))
                ports = await envoy.ports()
                answers.append((await s.ask(ports[5999 + n], host=f"extra{n - 1}"))[0])
            return answers, before[5000] == ports[5000]

    answers, kept = asyncio.run(scene())
    assert answers == [200] * 15
    assert kept


def test_a_listener_goes_when_its_service_does(site, build):
    async def scene():
        async with site() as s:
            mesh = build.mesh()
            both = replace(mesh, services=(*mesh.services, build.service("extra", 6000)))
            envoy, before = await s.serve(both)
            await envoy.apply(translate(mesh, Proxy(), s.addresses))
            return before, await envoy.ports()

    before, after = asyncio.run(scene())
    assert set(before) == {5000, 6000}
    assert set(after) == {5000}


def test_a_refused_configuration_leaves_the_former_one_whole(site, build):
    async def scene():
        async with site() as s:
            good = build.mesh(build.split(100, 0))
            envoy, ports = await s.serve(good)
            pool = TrafficPolicy(connection_pool=ConnectionPool(max_connections=7))
            bad = replace(broken(build), destination_rules=(build.rule(pool),))
            with pytest.raises(RefusedError) as refused:
                await envoy.apply(translate(bad, Proxy(), s.addresses))
            answers = [(await s.ask(ports[5000]))[2] for _ in range(5)]
            dump = str(await envoy.admin.config_dump())
            current = s.ads.current("client") == translate(good, Proxy(), s.addresses)
            await envoy.apply(translate(build.mesh(build.split(0, 100)), Proxy(), s.addresses))
            return str(refused.value), answers, dump, current, (await s.ask(ports[5000]))[2]

    message, answers, dump, current, later = asyncio.run(scene())
    assert "client refused the routes" in message
    assert "missing ): (" in message
    assert set(answers) == {"helloworld-v1-0"}
    assert "'max_connections': 7" not in dump
    assert current
    assert later == "helloworld-v2-0"


def test_a_proxy_that_refused_its_first_configuration_takes_the_next(site, build):
    async def scene():
        async with site() as s:
            good = build.mesh()
            await s.pods(good)
            envoy = await s.envoy()
            with pytest.raises(RefusedError):
                await envoy.apply(translate(broken(build), Proxy(), s.addresses))
            assert s.ads.current("client") is None
            await envoy.apply(translate(good, Proxy(), s.addresses))
            return (await s.ask((await envoy.ports())[5000]))[0]

    assert asyncio.run(scene()) == 200


def test_listeners_that_come_as_others_go_never_share_a_local_port(site, build):
    def on(*numbers):
        return replace(build.mesh(), services=tuple(build.service(f"s{n}", n) for n in numbers))

    async def scene():
        found = []
        async with site() as s:
            envoy, _ = await s.serve(on(80))
            for numbers in ((5000, 8080), (80,), (80, 5000), (8080,), (80, 5000)):
                await envoy.apply(translate(on(*numbers), Proxy(), {}))
                ports = await envoy.ports()
                assert set(ports) == set(numbers)
                found.append(len(set(ports.values())))
        return found

    assert asyncio.run(scene()) == [2, 1, 2, 1, 2]
