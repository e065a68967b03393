"""Envoy as a process: ports and folders of its own, what is told when it ends, and proxies beside each other."""

import asyncio
import os
import signal
import socket
import stat
from dataclasses import replace

import pytest
from held_port import held_port
from meshproof.envoy.control_plane.ads import AdsServer
from meshproof.envoy.node import Proxy
from meshproof.envoy.translate import translate
from meshproof.errors import TargetError
from meshproof.mesh.model.destination_rule import OutlierDetection, TrafficPolicy


def test_a_port_in_use_is_named(site, build):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        async def scene():
            async with site() as s:
                await s.serve(build.mesh(), Proxy(ports={5000: port}))

        with pytest.raises(TargetError, match=f"127.0.0.1:{port}.*Address already in use"):
            asyncio.run(scene())


def test_two_proxies_never_share_a_port(site, build):
    async def scene():
        async with site() as s:
            _, ports = await s.serve(build.mesh())
            second = await s.envoy("second")
            await second.apply(translate(build.mesh(), Proxy(ports={5000: ports[5000]}), s.addresses))

    with pytest.raises(TargetError, match=r"second refused the listeners(.|\n)*Address already in use"):
        asyncio.run(scene())


def test_nobody_else_reads_the_folder_or_asks_the_admin_page(site, build):
    async def scene():
        async with site() as s:
            await s.envoy()
            folder = s.folder / "client"
            return [stat.S_IMODE(path.stat().st_mode) for path in (folder, folder / "admin.sock")]

    assert asyncio.run(scene()) == [0o700, 0o600]


def test_a_fixed_port_is_used(site, build):
    async def scene(port):
        async with site() as s:
            return (await s.serve(build.mesh(), Proxy(ports={5000: port})))[1]

    with held_port() as port:
        assert asyncio.run(scene(port)) == {5000: port}


def test_a_killed_envoy_is_told_with_its_command(site, build):
    async def scene():
        async with site() as s:
            envoy, _ = await s.serve(build.mesh())
            gone = asyncio.create_task(envoy.exited())
            os.killpg(envoy.child.pid, signal.SIGKILL)
            error = await asyncio.wait_for(gone, 5)
            with pytest.raises(TargetError, match="client: Envoy ended"):
                await envoy.apply(translate(build.mesh(build.split(0, 100)), Proxy(), s.addresses))
            return error, envoy.alive

    error, alive = asyncio.run(scene())
    assert "Envoy ended (exit code -9)" in str(error)
    assert "--config-path" in str(error)
    assert not alive


def test_a_proxy_that_never_comes_is_named_with_what_is_missing(site, build, timeouts):
    async def scene():
        async with site() as s, AdsServer(s.folder / "lone.sock", replace(timeouts, config_acknowledged=0.05)) as lone:
            await lone.set("nobody", translate(build.mesh(), Proxy(), {}))

    with pytest.raises(
        TargetError, match=r"nobody: .*missing: clusters, endpoints, listeners, routes; .* not connected"
    ):
        asyncio.run(scene())


def test_a_proxy_comes_back_to_a_control_plane_that_restarts(site, build):
    async def scene():
        async with site() as s:
            envoy, ports = await s.serve(build.mesh(build.split(100, 0)))
            await s.ads.stop()
            during = (await s.ask(ports[5000]))[2]
            await s.ads.start()
            await envoy.apply(translate(build.mesh(build.split(0, 100)), Proxy(), s.addresses))
            return during, (await s.ask(ports[5000]))[2]

    assert asyncio.run(scene()) == ("helloworld-v1-0", "helloworld-v2-0")


def test_two_proxies_hold_their_own_snapshots(site, build):
    async def scene():
        async with site() as s:
            await s.pods(build.mesh())
            bodies = []
            for name, weights in (("one", (100, 0)), ("two", (0, 100))):
                envoy = await s.envoy(name)
                await envoy.apply(translate(build.mesh(build.split(*weights)), Proxy(), s.addresses))
                bodies.append(envoy)
            return [(await s.ask((await envoy.ports())[5000]))[2] for envoy in bodies]

    assert asyncio.run(scene()) == ["helloworld-v1-0", "helloworld-v2-0"]


def test_an_ejected_host_shows_on_the_admin_page(site, build):
    policy = TrafficPolicy(outlier_detection=OutlierDetection(consecutive_5xx_errors=1, max_ejection_percent=100))
    mesh = replace(build.mesh(build.route(build.to("v1"))), destination_rules=(build.rule(policy),))

    async def scene():
        async with site() as s:
            await s.pods(mesh, status=500)
            envoy = await s.envoy()
            await envoy.apply(translate(mesh, Proxy(), s.addresses))
            first = await s.ask((await envoy.ports())[5000])
            hosts = [h for h in await envoy.admin.clusters() if "|v1|" in h.cluster]
            gauges = await envoy.admin.gauges()
            return first[0], hosts, gauges

    status, (host,), gauges = asyncio.run(scene())
    assert status == 500
    assert (host.pod, host.ejected) == ("helloworld-v1-0", True)
    assert (
        gauges["cluster.outbound|5000|v1|helloworld.default.svc.cluster.local.outlier_detection.ejections_active"] == 1
    )
