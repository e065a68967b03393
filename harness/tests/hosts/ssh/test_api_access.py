"""Access to the API server through a real sshd: what is fetched, how it is stored, and where a forward leads."""

import asyncio
import base64
import json
import socket
import ssl
import stat
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psutil
import pytest
import trustme
import yaml
from accepting import accepting
from meshproof.errors import TargetError
from meshproof.targets.hosts.api_server import access
from meshproof.targets.kube.api import kubeconfig as config
from urllib3.exceptions import SSLError


@pytest.fixture
def server():
    """A server that sends a greeting to each connection; its port."""

    def take(peer):
        with peer:
            peer.sendall(b"hello")

    with accepting(take) as address:
        yield address[1]


def kubeconfig(folder, port, host="127.0.0.1", **cluster):
    path = folder / "admin.conf"
    body = {
        "clusters": [{"name": "c", "cluster": {"server": f"https://{host}:{port}", **cluster}}],
        "users": [{"name": "u", "user": {"token": "the-token"}}],
        "contexts": [{"name": "admin", "context": {"cluster": "c", "user": "u"}}],
    }
    path.write_text(yaml.safe_dump(body))
    return str(path)


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 120))


def listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_server_on_the_hosts_loopback_is_reached_through_the_connection(sshd, short, open_connection, server):
    kept = short / "kept"
    kept.mkdir()

    async def preparation():
        async with open_connection(sshd.inventory(short), short) as connection:
            found = await access(connection, kubeconfig(short, server), "", kept)
            cluster = yaml.safe_load(found.kubeconfig.read_text())["clusters"][0]["cluster"]
            port = int(cluster["server"].rpartition(":")[2])
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            greeting = await reader.read()
            writer.close()
            commands = [" ".join(one.cmdline()) for one in psutil.Process().children(recursive=True)]
            return found, cluster, port, greeting, commands

    found, cluster, port, greeting, commands = run(preparation())
    assert greeting == b"hello"
    assert port != server
    assert (cluster["tls-server-name"], found.through, found.context) == ("127.0.0.1", f"127.0.0.1:{server}", "admin")
    assert stat.S_IMODE(found.kubeconfig.stat().st_mode) == 0o600
    assert not any("the-token" in one for one in commands)
    assert not listening(port)


def test_commands_after_the_connections_end_have_the_same_forward_for_as_long_as_they_run(
    sshd, short, open_connection, server
):
    (short / "kept").mkdir()

    async def preparation():
        async with open_connection(sshd.inventory(short), short) as connection:
            return await access(connection, kubeconfig(short, server), "", short / "kept")

    found = run(preparation())
    text = yaml.safe_load(found.kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
    port = int(text.rpartition(":")[2])
    assert not listening(port)
    null = subprocess.DEVNULL
    for argv in found.surroundings.before:
        subprocess.run(argv, stdin=null, stdout=null, stderr=null, check=True, timeout=60)
    try:
        with socket.create_connection(("127.0.0.1", port), 10) as reached:
            assert reached.recv(5) == b"hello"
    finally:
        for argv in found.surroundings.after:
            subprocess.run(argv, stdin=null, stdout=null, stderr=null, check=True, timeout=60)
    assert not listening(port)
    commands = [" ".join(one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"])]
    assert not [one for one in commands if str(short / "kept") in one]


@pytest.mark.parametrize(("way", "host"), [("direct", "127.0.0.1"), ("", "192.0.2.1")])
def test_a_server_that_is_reached_as_it_is(sshd, short, open_connection, way, host):
    (short / "kept").mkdir()

    async def preparation():
        async with open_connection(sshd.inventory(short), short) as connection:
            return await access(connection, kubeconfig(short, 6443, host), "", short / "kept", way)

    found = run(preparation())
    assert yaml.safe_load(found.kubeconfig.read_text())["clusters"][0]["cluster"] == {"server": f"https://{host}:6443"}
    assert found.through == ""


@pytest.mark.parametrize(("certified", "welcome"), [("localhost", True), ("other.example.test", False)])
def test_through_a_forward_the_certificate_must_be_that_of_the_real_address(
    sshd, short, open_connection, certified, welcome
):
    (short / "kept").mkdir()
    authority = trustme.CA()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(certified).configure_cert(tls)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps({"token": self.headers["Authorization"]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words):
            pass

    async def preparation(port):
        ca = base64.b64encode(authority.cert_pem.bytes()).decode()
        path = kubeconfig(short, port, "localhost", **{"certificate-authority-data": ca})
        async with open_connection(sshd.inventory(short), short) as connection:
            files = [(await access(connection, path, "", short / "kept")).kubeconfig]
            api = config.client(files, config.read(files, "admin"), short / "kept")
            pool, url = api.rest_client.pool_manager, api.configuration.host
            return await asyncio.to_thread(lambda: pool.request("GET", url, retries=False).data)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        served.socket = tls.wrap_socket(served.socket, server_side=True)
        thread = threading.Thread(target=served.serve_forever, args=(0.05,))
        thread.start()
        try:
            if welcome:
                run(preparation(served.server_address[1]))
            else:
                with pytest.raises(SSLError, match="Hostname mismatch"):
                    run(preparation(served.server_address[1]))
        finally:
            served.shutdown()
            thread.join()


def test_no_kubeconfig_where_the_inventory_says(sshd, short, open_connection):
    async def preparation():
        async with open_connection(sshd.inventory(short), short) as connection:
            await access(connection, "/no/such/admin.conf", "", short)

    with pytest.raises(TargetError, match=r"worker-1: reading /no/such/admin\.conf failed") as error:
        run(preparation())
    assert "No such file" in error.value.detail


def test_cleanup_commands_use_a_connection_of_their_own(sshd, short, open_connection):
    async def preparation():
        async with open_connection(sshd.inventory(short), short) as connection:
            return connection.by_itself("printf '%s' '{\"a\": 1}'")

    argv = run(preparation())
    ended = subprocess.run(argv, capture_output=True, stdin=subprocess.DEVNULL, timeout=60, check=True)
    assert json.loads(ended.stdout) == {"a": 1}
