"""The bundle of a live cluster: the same bytes for the same, and a stranger's is not believed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from meshproof.border.facts.captured import Captured, Document, Dump
from meshproof.errors import UsageError
from meshproof.report.bundle.archive import packed, unpacked
from meshproof.report.bundle.of_cluster import dumps, of_cluster

DUMP = Dump("shop", "one", {"app": "shop"}, False, {"routes": [{"name": "80"}]})
CAPTURED = Captured(
    (Document("Service/shop/one", "kind: Service\n"),),
    left_out={"environment": 2},
    unread=("the nodes",),
    dumps=(DUMP,),
)


def test_it_comes_back_as_it_was() -> None:
    data = packed(of_cluster(CAPTURED, "0.1.0"))
    assert data == packed(of_cluster(CAPTURED, "0.1.0"))
    found = unpacked(data, "bundle")
    assert found.left_out is not None
    assert (found.left_out.counts, found.left_out.unread) == ({"environment": 2}, ("the nodes",))
    assert list(dumps(found, "bundle")) == [DUMP]


HEAD = '"namespace": "a", "pod": "b"'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"namespace": 1}',
        f'{{{HEAD}, "labels": {{}}, "gateway": 0, "resources": {{}}}}',
        f'{{{HEAD}, "labels": {{"x": 1}}, "gateway": false, "resources": {{}}}}',
        f'{{{HEAD}, "labels": {{}}, "gateway": false, "resources": {{"routes": [1]}}}}',
        "[" * 100_000,
    ],
)
def test_what_is_no_dump_is_refused(text: str) -> None:
    found = of_cluster(CAPTURED, "0.1.0")
    found = replace(found, files={**found.files, "proxies/0.json": text.encode()})
    with pytest.raises(UsageError, match=r"proxies/0.json: is no configuration of a proxy"):
        list(dumps(unpacked(packed(found), "bundle"), "bundle"))


@pytest.mark.parametrize("name", ["proxies/../x.json", "proxies/a.json", "proxies/0.json/x", "proxies/00000.json"])
def test_other_names_are_refused(name: str) -> None:
    found = of_cluster(CAPTURED, "0.1.0")
    with pytest.raises(UsageError, match="a bundle holds no file of the name"):
        unpacked(packed(replace(found, files={**found.files, name: b"{}"})), "bundle")
