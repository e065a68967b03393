"""Envoy normalises paths as prediction says; the two are written apart, and must agree."""

import asyncio
import random

from meshproof.mesh.model.path import normalized

ALPHABET = [
    "/",
    "/",
    "a",
    "B",
    ".",
    "..",
    "%2e",
    "%2E%2e",
    "%2f",
    "%5C",
    "\\",
    "%61",
    "%7e",
    "%25",
    "%2",
    "~",
    "|",
    "{",
    ";",
    "/.;",
    "/..;x",
]
PICKED = [
    *("/", "/a/..", "//a//..//b", "/a%00", "/a?b=/../%61", "/a#f", "/a?b#f", "/;x=1/%41,b", "/a%zz%", "/%c3%a9%20"),
    *(
        "/shop/.;v=2/items",
        "/shop/..;v=2/items",
        "/a/b/..;",
        "/a/%2e;x/c",
        "/a/..;x\\b",
        "/a\\..;x\\b",
        "/a/..;/..;y/b",
    ),
    *("/a/...;x/b", "/a/.;x%2F..%2F/b", "/a/..;#f", "/a/.;x?q=/..;/", "/a\x7fb", "/a?\x7f", "/a;%00", "/a#%00"),
    *(
        "/%2%61",
        "/%2%61b",
        "/%%32e",
        "/%%32%65",
        "/%%32",
        "/%%32%2e",
        "/%%%32e",
        "/%%41",
        "/%4%zz",
        "/%%25%32e",
        "/%a%%62c",
    ),
]


def paths():
    draw = random.Random(1)
    return PICKED + ["/" + "".join(draw.choices(ALPHABET, k=draw.randrange(1, 9))) for _ in range(400)]


def test_paths_arrive_normalised(site, build):
    async def scene():
        async with site() as s:
            _, ports = await s.serve(build.mesh(build.route(build.to("v1"))))
            arrived = {}
            for path in paths():
                before = len(s.seen["helloworld-v1-0"])
                status, _, _ = await s.ask(ports[5000], path)
                heads = s.seen["helloworld-v1-0"][before:]
                arrived[path] = heads[0][0].split(" ")[1] if heads else status
            return arrived

    assert asyncio.run(scene()) == {path: normalized(path) or 400 for path in paths()}
