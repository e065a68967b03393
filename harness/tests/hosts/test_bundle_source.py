"""A bundle is used only with the right checksum, and a broken download continues where it stopped."""

import asyncio
import functools
import hashlib
import http.server
import io
import socketserver
import tarfile
import threading

import pytest
from meshproof.border.timeouts import Timeouts
from meshproof.errors import TargetError, UsageError
from meshproof.targets.hosts.bundle.layout import read
from meshproof.targets.hosts.bundle.source import fetch


@pytest.fixture
def packed(tmp_path):
    path = tmp_path / "Canary_v1.0.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name in ("kernel/kernel-lt.rpm", "kernel/linux-firmware.rpm", "images/pilot.tar", "images/image_push.sh",
                     "istio-1.9.5/bin/istioctl"):  # fmt: skip
            info = tarfile.TarInfo(f"Canary/{name}")
            info.size = 5000
            tar.addfile(info, io.BytesIO(name.encode().ljust(5000, b".")))
    return path


def get(origin, tmp_path, checksum=""):
    return asyncio.run(fetch(str(origin), checksum, tmp_path / "cache", Timeouts()))


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_layout_of_the_exercise(packed, tmp_path):
    bundle = read(get(packed, tmp_path))
    assert [path.name for path in bundle.packages] == ["kernel-lt.rpm", "linux-firmware.rpm"]
    assert [path.name for path in bundle.images] == ["pilot.tar"]
    assert bundle.istio_version == "1.9.5"
    assert [path.name for path in bundle.ignored] == ["image_push.sh"]
    assert get(packed, tmp_path) == get(packed, tmp_path, digest(packed))


def test_a_wrong_checksum_is_refused_from_the_option_and_from_the_file_beside(packed, tmp_path):
    with pytest.raises(UsageError, match="this is another bundle"):
        get(packed, tmp_path, "0" * 64)
    packed.with_name(packed.name + ".sha256").write_text(f"{'1' * 64}  {packed.name}\n")
    with pytest.raises(UsageError, match=r"1{64}"):
        get(packed, tmp_path)
    with pytest.raises(UsageError, match="64 hexadecimal digits"):
        get(packed, tmp_path, "abc")


def test_a_folder_is_checked_against_its_sums(tmp_path):
    folder = tmp_path / "bundle"
    (folder / "kernel").mkdir(parents=True)
    (folder / "kernel/k.rpm").write_bytes(b"kernel")
    (folder / "SHA256SUMS").write_text(f"{hashlib.sha256(b'kernel').hexdigest()} *./kernel/k.rpm\n")
    assert read(get(folder, tmp_path)).packages == (folder / "kernel/k.rpm",)
    (folder / "kernel/k.rpm").write_bytes(b"kernel!")
    with pytest.raises(UsageError, match="SHA256SUMS says"):
        get(folder, tmp_path)
    (folder / "SHA256SUMS").write_text(f"{'0' * 64}  ../../etc/passwd\n")
    with pytest.raises(UsageError, match="SHA256SUMS:1"):
        get(folder, tmp_path)


def test_a_description_gives_another_layout(tmp_path):
    for name in ("pkg/a.deb", "pkg/b.deb", "oci/layout/oci-layout", "istio-1.20.0/bin/istioctl"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    text = "kernel: [pkg/b.deb, 'pkg/*.deb']\nimages: [oci/*]\nistio: istio-1.20.0\n"
    (tmp_path / "bundle.yaml").write_text(text)
    bundle = read(tmp_path)
    assert [path.name for path in bundle.packages] == ["b.deb", "a.deb"]
    assert [path.name for path in bundle.images] == ["layout"]
    assert bundle.istio_version == "1.20.0"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("kernel: ['../*.rpm']", r"bundle\.yaml:1:10: .*leads out"),
        ("kernel: [/etc/passwd]", "leads out"),
        ("kernel: [none.rpm]", "no file of the bundle matches"),
        ("kernel: [out.rpm]", "link that leads out"),
        ("kernel: [bundle.yaml]", "not a package"),
        ("istio: elsewhere", "not the folder of a release"),
        ("kernels: []", "is not a field of a bundle"),
        ("kernel: [a.rpm, a.deb]", "mixes"),
        ("kernel: []", "neither kernel packages"),
    ],
)
def test_a_wrong_description_is_reported_with_its_location(tmp_path, text, words):
    folder = tmp_path / "b"
    folder.mkdir()
    for name in ("a.rpm", "a.deb"):
        (folder / name).write_text("x")
    (tmp_path / "secret").write_text("x")
    (folder / "out.rpm").symlink_to(tmp_path / "secret")
    (folder / "bundle.yaml").write_text(text)
    with pytest.raises(UsageError, match=words):
        read(folder)


class Server(socketserver.ThreadingTCPServer):
    """Not http.server's own, which asks the DNS for this machine's name."""

    daemon_threads = True


class Serving(http.server.BaseHTTPRequestHandler):
    """Serves one file with ranges; breaks off after `server.cut` bytes as long as that is set."""

    def do_GET(self):
        data, start = self.server.data, 0
        if "Range" in self.headers:
            start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        self.server.starts.append(start)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        self.wfile.write(data[start : self.server.cut])

    def log_message(self, *_):
        """Quiet."""


@pytest.fixture
def server(packed):
    with Server(("127.0.0.1", 0), Serving) as server:
        server.data, server.cut, server.starts = packed.read_bytes(), None, []
        thread = threading.Thread(target=functools.partial(server.serve_forever, 0.01))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def url(server):
    return f"http://127.0.0.1:{server.server_address[1]}/Canary_v1.0.tar.gz"


def test_a_broken_download_continues_where_it_stopped(server, packed, tmp_path):
    server.cut = 150
    with pytest.raises(TargetError, match="150 of"):
        get(url(server), tmp_path, digest(packed))
    server.cut = None
    assert read(get(url(server), tmp_path, digest(packed))).istio_version == "1.9.5"
    assert server.starts == [0, 150]
    # A complete file is not downloaded again.
    get(url(server), tmp_path, digest(packed))
    assert len(server.starts) == 2


def test_a_download_with_another_checksum_is_deleted(server, tmp_path):
    with pytest.raises(UsageError, match="the download is deleted"):
        get(url(server), tmp_path, "0" * 64)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_a_url_needs_a_checksum_and_no_password(server, tmp_path):
    with pytest.raises(UsageError, match="--bundle-sha256"):
        get(url(server), tmp_path)
    with pytest.raises(UsageError, match="leave it out") as caught:
        get("http://me:hunter2@127.0.0.1/x", tmp_path, "0" * 64)
    assert "hunter2" not in str(caught.value)
    with pytest.raises(UsageError, match="http"):
        get("ftp://127.0.0.1/x", tmp_path, "0" * 64)
