"""One kind of request to send, as a person writes it: `GET http://helloworld:5000/hello end-user:jason`."""

from __future__ import annotations

import re
import shlex
from dataclasses import field
from urllib.parse import urlsplit

from meshproof.border.grpc import CONTENT_TYPE, is_grpc
from meshproof.errors import Location, UsageError
from meshproof.records import dataclass

DEFAULT_PORTS = {"http": 80, "https": 443}
TCP, TLS = "tcp", "tls"
"""The schemes of what is no request of HTTP but a connection, of TLS or of anything."""
CALLS = {"grpc": "http", "grpcs": "https"}
"""The schemes by which a person writes a call of gRPC, and those of the request that it is."""
CALLED = (("content-type", CONTENT_TYPE), ("te", "trailers"))
"""The headers by which a call of gRPC is known (https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md)."""
SOCKETS = {"ws": "http", "wss": "https"}
"""The schemes by which a person writes a WebSocket, and those of the request that asks for it."""
HANDSHAKE = (
    ("connection", "Upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "bWVzaHByb29mIHByb2JlIQ=="),
)
"""The headers of a handshake (RFC 6455, 4.1). The key proves nothing but that a server has read it."""
WRITTEN = {
    **{name: (meant, CALLED) for name, meant in CALLS.items()},
    **{name: (meant, HANDSHAKE) for name, meant in SOCKETS.items()},
}
"""What the schemes of both stand for: that of the request, and the headers that it has first."""
OF_CONNECTIONS = frozenset({"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "expect"})
MOST_CALLED = 90
METHOD = re.compile(r"[A-Za-z-]+")
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""What a name of a header is made of (RFC 9110, 5.6.2)."""
HEADER_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
"""No control characters but tabs (RFC 9110, 5.5)."""
AUTHORITY = re.compile(r"[A-Za-z0-9._~%!$&'()*+,;=:\[\]-]+")
"""What an authority is made of (RFC 3986, 3.2), without a user; Envoy answers 400 to others."""


@dataclass(frozen=True, slots=True)
class Tls:
    """What a client brings to a TLS handshake: PEM files, those of a scenario beside it.

    `ca` says whom it trusts (the PEM text itself will do; empty: the system's authorities), `cert`
    and `key` who it is (empty: nobody). `newest` is the newest version of TLS that it speaks
    (`TLSv1_2`, `TLSv1_3`; empty: whatever there is). With `any_name` the server's certificate may be for other names;
    `of_the_mesh`: it shows what stands in for the certificate that istiod gives a sidecar.
    """

    ca: str = ""
    cert: str = ""
    key: str = ""
    newest: str = ""
    any_name: bool = False
    of_the_mesh: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """A request as a client of the mesh addresses it.

    `host` is the name without its port that is connected to; a header `host` says another one for the
    rules to see, as with curl. `gateway` is empty for a client inside the mesh, else the
    `namespace/name` of the Gateway that the request enters by (a name alone is one of the client's
    namespace); `body` is sent as it is. `tls` None stands for what the load says. Of the schemes `tcp` and `tls` it is
    a new connection, without path, headers and body; TLS asks for `host`.
    """

    method: str
    host: str
    port: int
    path: str = "/"
    headers: tuple[tuple[str, str], ...] = ()
    scheme: str = "http"
    gateway: str = ""
    body: bytes = b""
    tls: Tls | None = None

    @property
    def authority(self) -> str:
        """The value of the Host header: the port stands in it unless it is the scheme's own."""
        for name, value in self.headers:
            if name == "host":
                return value or self._address
        return self._address

    @property
    def domain(self) -> str:
        """The host of the Host header, in lower case and without the port: virtual hosts are found by it."""
        whole = self.authority
        name, colon, port = whole.rpartition(":")
        return (name if colon and port.isdigit() else whole).lower()

    @property
    def is_grpc(self) -> bool:
        """Whether proxies take it for gRPC, and answer it as that."""
        types = [value for name, value in self.headers if name.lower() == "content-type"]
        return is_grpc(",".join(types))

    @property
    def is_call(self) -> bool:
        """Whether it is sent as clients of gRPC send a call: over HTTP/2, with `body` as its one message.

        What HTTP/2 cannot carry, or might not, goes over HTTP/1.1 like any other request.
        """
        names = [name.lower() for name, _ in self.headers]
        trailers = ("te", "trailers") in [(name.lower(), value) for name, value in self.headers]
        fits = len(names) <= MOST_CALLED and OF_CONNECTIONS.isdisjoint(names)
        return trailers and self.method == "POST" and fits and self.is_grpc

    @property
    def is_handshake(self) -> bool:
        """Whether it asks for a WebSocket, as clients of WebSockets do: a frame goes there and back afterwards."""
        named = {name.lower(): value for name, value in self.headers}
        asked = all(named.get(name, "").lower() == value.lower() for name, value in HANDSHAKE[:-1])
        return asked and self.method == "GET" and "sec-websocket-key" in named

    @property
    def is_tcp(self) -> bool:
        """Whether it is a connection, of whatever is spoken over it."""
        return self.scheme in (TCP, TLS)

    @property
    def _address(self) -> str:
        return self.host if self.port == DEFAULT_PORTS.get(self.scheme) else f"{self.host}:{self.port}"

    @property
    def endpoint(self) -> str:
        """What its address is looked up by: `host:port`, after `gateway@` when it enters by one, `tcp://` for TCP."""
        address = f"{self.gateway}@{self.host}:{self.port}" if self.gateway else f"{self.host}:{self.port}"
        return f"{self.scheme}://{address}" if self.is_tcp else address

    def __str__(self) -> str:
        words = [f"{self.method} {self.scheme}://{self._address}{self.path}"]
        words = [f"{self.scheme}://{self._address}"] if self.is_tcp else words
        sent = self.headers
        if self.is_call or self.is_handshake:
            for scheme, (meant, own) in WRITTEN.items():
                if meant == self.scheme and sent[: len(own)] == own:
                    words, sent = [f"{scheme}://{self._address}{self.path}"], sent[len(own) :]
                    break
        # A byte that is no character of UTF-8 is a surrogate in a value, which no terminal takes.
        headers = (f"{name}:{value}".encode("utf-8", "surrogateescape") for name, value in sent)
        words += [shlex.quote(one.decode("utf-8", "backslashreplace")) for one in headers]
        words += [f"(by gateway {self.gateway})"] if self.gateway else []
        words += [f"(certificate {self.tls.cert.rpartition('/')[2]})"] if self.tls and self.tls.cert else []
        words += [f"(at most {self.tls.newest})"] if self.tls and self.tls.newest else []
        return " ".join(words)


def parse(text: str, *, gateway: str = "") -> Request:
    """Read `[METHOD] URL [NAME:VALUE ...]` (HTTPie's order of words); raises UsageError."""
    shape = (
        "a request is written [METHOD] URL [HEADER:VALUE ...], as in 'GET http://helloworld:5000/hello end-user:jason'"
    )
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"request {text!r}: {error}; {shape}") from None
    named = bool(words) and "://" not in words[0]
    method = words.pop(0) if named else "GET"
    if not words or not METHOD.fullmatch(method):
        unwritten = next((word for word in (method, *words) if "." in word and not word.startswith((".", "/"))), "")
        if unwritten:
            raise UsageError(f"request {text!r} has no URL: did you mean http://{unwritten}?")
        raise UsageError(f"request {text!r} has no URL; {shape}")
    try:
        url = urlsplit(words[0])
        port = url.port
        if port == 0:
            raise ValueError("nothing listens on port 0")
    except ValueError as error:
        raise UsageError(f"request {text!r}: {error}; {shape}") from None
    if url.scheme in (TCP, TLS):
        bare = text.strip() == f"{url.scheme}://{url.netloc}"
        return _connection(text, url.hostname, port, gateway, scheme=url.scheme, bare=bare)
    scheme, own = WRITTEN.get(url.scheme, (url.scheme, ()))
    if scheme not in DEFAULT_PORTS or not url.hostname:
        raise UsageError(
            f"request {text!r}: the URL must begin with http://HOST, https://HOST, grpc://HOST, grpcs://HOST, "
            f"ws://HOST, wss://HOST, tcp://HOST:PORT or tls://HOST:PORT; {shape}"
        )
    if url.scheme in CALLS and (named or url.query or url.path.count("/") != 2):
        raise UsageError(f"request {text!r}: a call of gRPC is written {url.scheme}://HOST:PORT/SERVICE/METHOD")
    if url.scheme in SOCKETS and named:
        raise UsageError(f"request {text!r}: a WebSocket is written {url.scheme}://HOST:PORT/PATH, without a method")
    if url.username is not None or ":" in url.hostname:
        more = "an IPv6 address" if url.username is None else "a user before the host: write the header authorization"
        raise UsageError(f"request {text!r}: the URL has {more}, which is not sent; {shape}")
    headers = [*own]
    for word in words[1:]:
        name, colon, value = word.partition(":")
        if not colon or not is_header(name, value):
            raise UsageError(f"request {text!r}: {word!r} is not HEADER:VALUE; {shape}")
        headers.append((name.lower(), value))
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    method = "POST" if url.scheme in CALLS else method.upper()
    return Request(method, url.hostname, port or DEFAULT_PORTS[scheme], path, tuple(headers), scheme, gateway)


def is_header(name: str, value: str) -> bool:
    """Whether a request can have such a header; one of the name host must name a host."""
    wanted = AUTHORITY if name.lower() == "host" else HEADER_VALUE
    return HEADER_NAME.fullmatch(name) is not None and wanted.fullmatch(value) is not None


def _connection(text: str, host: str | None, port: int | None, gateway: str, *, scheme: str, bare: bool) -> Request:
    # A port without TLS may be any.
    port = DEFAULT_PORTS["https"] if port is None and scheme == TLS else port
    if not (host and port and bare):
        raise UsageError(f"request {text!r}: a connection is written {scheme}://HOST:PORT, with nothing else")
    return connection(host, port, scheme=scheme, gateway=gateway)


def connection(host: str, port: int, *, scheme: str = TCP, gateway: str = "", tls: Tls | None = None) -> Request:
    """A connection to a host's port."""
    return Request(scheme.upper(), host, port, "", scheme=scheme, gateway=gateway, tls=tls)


@dataclass(frozen=True, slots=True)
class HashKey:
    """One thing about a request that is hashed: `kind` is `header`, `cookie`, `query parameter` or `source IP`.

    With a `ttl` (seconds; 0: for the session) the proxy gives the cookie to a client without it, with this `path` and
    these `attributes`.
    """

    kind: str
    name: str = ""
    ttl: float | None = None
    path: str = ""
    attributes: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" if self.name else self.kind


@dataclass(frozen=True, slots=True)
class Hashing:
    """The pod of a destination is chosen by the hash of `keys`, combined; a request that has none of them gets any.

    `pods` is how many there are; `even` that different keys surely reach more than one of them: not so on a ring
    with few entries. The ring has `size` of them at least, a table of Maglev so many. `location` is where that is said.
    """

    keys: tuple[HashKey, ...]
    pods: int
    even: bool = True
    maglev: bool = False
    size: int = 1024
    location: Location | None = field(default=None, compare=False)
