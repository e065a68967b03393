"""Values as the API server gets them from kubectl: keys, numbers, merges, nulls, durations, names and labels."""

from __future__ import annotations

import io
from fractions import Fraction

import pytest
from meshproof.errors import ManifestError
from meshproof.manifest import Resource, Value, load
from meshproof.manifest.compose import compose
from meshproof.manifest.scalar import key_text, resolve
from meshproof.manifest.syntax import names
from meshproof.manifest.syntax.duration import seconds

ROUTE = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web}
spec:
  hosts: [web]
  http:
  - timeout: 1s
    route:
    - {destination: {host: web, subset: v1}, weight: 90}
    - {destination: {host: web, subset: v2}, weight: 10}
"""
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec: {containers: [{name: c, env: [{name: A, value: b}], args: [a], ports: [{containerPort: 80}]}]}
"""


def read(text: str) -> Resource:
    return load(["-"], stdin=io.StringIO(text)).resources[0]


def plain(value: Value) -> object:
    if isinstance(value.data, dict):
        return {name: plain(child) for name, child in value.data.items()}
    return [plain(child) for child in value.data] if isinstance(value.data, tuple) else value.data


def composed(text: str) -> object:
    (document,) = compose(text, "f")
    return plain(document)


def destinations(text: str) -> list[Value]:
    return list(read(text).body.need("spec").list("http")[0].list("route"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{weight: 10, <<: {weight: 90}}", {"weight": 90}),
        ("{<<: {weight: 90}, weight: 10}", {"weight": 10}),
        ("{a: 1, <<: {a: 2, b: 2}, b: 3}", {"a": 2, "b": 3}),
        ("{<<: [{a: 1}, {a: 2, b: 2}]}", {"a": 1, "b": 2}),
        ("{a: 0, <<: [{a: 1}, {b: 2}]}", {"a": 1, "b": 2}),
        ("{<<: {a: 1}, <<: {a: 2}}", {"a": 2}),
        ("[&old {a: 1, b: {c: 1}}, {a: 2, <<: *old, b: {d: 1}}]", [{"a": 1, "b": {"c": 1}}, {"a": 1, "b": {"d": 1}}]),
        ("{'<<': {a: 1}}", {"<<": {"a": 1}}),
        ("{a: <<}", {"a": "<<"}),
    ],
)
def test_a_merge_key_replaces_what_stands_before_it(text: str, value: object) -> None:
    assert composed(text) == value


@pytest.mark.parametrize("text", ["{<<: 1}", "{<<: [1]}", "{<<: [[{a: 1}]]}", "{<<: }"])
def test_only_mappings_are_merged(text: str) -> None:
    with pytest.raises(ManifestError, match="<< merges mappings only"):
        composed(text)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("on", "true"),
        ("No", "false"),
        ("'on'", "on"),
        ("0x10", "16"),
        ("1_0", "10"),
        ("017", "15"),
        ("1.50", "1.5"),
        ("1e3", "1000"),
        ("1e6", "1e+06"),
        ("1e-5", "1e-05"),
        ("123456.5", "123456.5"),
        ("1234567.5", "1.2345675e+06"),
        ("0.1", "0.1"),
        ("-0.0", "-0"),
        ("16777217.0", "1.6777216e+07"),
        ("3.5e38", ".inf"),
        (".NaN", ".nan"),
        ("!!str 5", "5"),
        ("2024-01-02", "2024-01-02"),
    ],
)
def test_keys_become_text(key: str, name: str) -> None:
    assert composed(f"{key}: x") == {name: "x"}
    resolved = resolve(key)
    if not key.startswith(("'", "!")):
        assert resolved is not None
        assert key_text(resolved) == name


@pytest.mark.parametrize(
    ("text", "why"), [("~: 1", "must be text"), ("[a]: 1", "must be text"), ("on: 1\ntrue: 2", "twice")]
)
def test_keys_that_are_refused(text: str, why: str) -> None:
    with pytest.raises(ManifestError, match=why):
        composed(text)


@pytest.mark.parametrize("text", [".inf", "-.INF", ".nan"])
def test_numbers_that_json_does_not_have(text: str) -> None:
    with pytest.raises(ManifestError, match="a number that JSON does not have"):
        composed(f"a: {text}")
    assert composed(f"a: '{text}'") == {"a": text}


@pytest.mark.parametrize(
    ("written", "number"), [("90.0", 90), ("080", 80), ("1e+02", 100), ("1_0", 10), ("0x5A", 90), ("0132", 90)]
)
def test_whole_numbers_however_they_are_written(written: str, number: int) -> None:
    assert destinations(ROUTE.replace("90", written))[0].need("weight").whole() == number


@pytest.mark.parametrize("written", ["90.5", "'90'", "yes", "1e400", "[1]", "9" * 30])
def test_what_is_no_whole_number(written: str) -> None:
    with pytest.raises(ManifestError, match="weight must be"):
        read(ROUTE.replace("90", written))


def test_a_number_is_exactly_what_it_says() -> None:
    assert [one.number() for one in compose("[0.1, 017, 0x10, 1_000.5, 1e1]", "f").__next__().items()] == [
        Fraction(1, 10),
        Fraction(15),
        Fraction(16),
        Fraction(2001, 2),
        Fraction(10),
    ]


@pytest.mark.parametrize("written", ["y", "no", "On", "5", "1.0", "1e3", "017", "0x1"])
@pytest.mark.parametrize("field", ["subset: v1", "host: web", "name: web}", "hosts: [web]"])
def test_text_that_is_none_without_quotes(written: str, field: str) -> None:
    name = field.strip("[]}").rpartition(" ")[2].strip("[")
    with pytest.raises(ManifestError, match="must be text") as caught:
        read(ROUTE.replace(field, field.replace(name, written), 1))
    assert "quotes" in caught.value.problems[0].hint or written in ("y", "no", "On")


@pytest.mark.parametrize(
    ("old", "new"), [("value: b", "value: %s"), ("args: [a]", "args: [%s]"), ("app: web", "app: %s")]
)
@pytest.mark.parametrize("written", ["5", "yes", "1.0"])
def test_text_of_pods_too(old: str, new: str, written: str) -> None:
    with pytest.raises(ManifestError, match="must be text"):
        read(POD.replace(old, new % written))
    assert read(POD.replace(old, new % f"'{written}'")).kind == "Pod"


def test_null_is_no_field_of_a_custom_resource() -> None:
    text = ROUTE.replace("timeout: 1s", "timeout:\n    match: [{headers: {x-a: }, uri: null, method: {exact: GET}}]")
    rule = read(text).body.need("spec").list("http")[0]
    assert "timeout" not in rule.fields()
    assert plain(rule.list("match")[0]) == {"headers": {}, "method": {"exact": "GET"}}


def test_null_among_items_is_refused() -> None:
    with pytest.raises(ManifestError, match=r"route\[0\] is empty"):
        read(ROUTE.replace("route:\n", "route:\n    -\n"))


def test_null_in_a_built_in_kind_stays() -> None:
    labels = read(POD.replace("app: web", "app: ")).body.need("metadata").need("labels")
    assert labels.fields()["app"].data is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1h30m", 5400),
        (".5s", Fraction(1, 2)),
        ("1.s", 1),
        ("+2s", 2),
        ("-2s", -2),
        ("2000us", Fraction(1, 500)),
        ("2000µs", Fraction(1, 500)),
        ("5ns", Fraction(5, 10**9)),
        ("0", 0),
        ("-0", 0),
        ("1m1m", 120),
        ("2562047h", 2562047 * 3600),
    ],
)
def test_durations_are_those_of_go(text: str, value: Fraction) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize(
    "text", ["", "+", "1", "s", ".s", "1 s", "1d", "1e3s", "1h-1m", "１s", "2562048h", "1S", "1s" * 200]
)
def test_what_go_takes_for_no_duration(text: str) -> None:
    assert seconds(text) is None


@pytest.mark.parametrize(("written", "value"), [(".5s", 0.5), ("+2s", 2.0), ("2000us", 0.002), ("1m1s", 61.0)])
def test_durations_of_rules(written: str, value: float) -> None:
    rule = read(ROUTE.replace("timeout: 1s", f"timeout: {written}")).body.need("spec").list("http")[0]
    assert rule.need("timeout").duration() == value


@pytest.mark.parametrize("written", ["500us", "1500us", "-1s", "0s", "5", "'1'"])
def test_durations_that_istiod_refuses(written: str) -> None:
    with pytest.raises(ManifestError, match="timeout must be a duration"):
        read(ROUTE.replace("timeout: 1s", f"timeout: {written}"))


@pytest.mark.parametrize(
    ("kind", "name", "right"),
    [
        ("Service", "web", True),
        ("Service", "1web", False),
        ("Service", "web.shop", False),
        ("Service", "w" * 63, True),
        ("Service", "w" * 64, False),
        ("Deployment", "1web.shop", True),
        ("Deployment", "Web", False),
        ("Deployment", "web_1", False),
        ("Deployment", "web-", False),
        ("Deployment", "w" * 253, True),
        ("Deployment", "w" * 254, False),
        ("Namespace", "1shop", True),
        ("Namespace", "my.shop", False),
        ("CronJob", "w" * 52, True),
        ("CronJob", "w" * 53, False),
    ],
)
def test_names(kind: str, name: str, right: bool) -> None:
    assert (names.NAMES.get(kind, names.subdomain)(name) == "") is right


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("name: web", "name: Web", "the name 'Web' is not lower-case"),
        ("name: web", "name: web, namespace: my.shop", "the namespace 'my.shop' is not"),
        ("app: web", "app: -web", "the label value '-web' is not letters"),
        ("app: web", f"app: {'w' * 64}", "has 64 characters, of which Kubernetes takes 63 at most"),
        ("app: web", "a b: web", "'a b' is not letters"),
        ("app: web", "a/b/c: web", "'a/b/c' is not lower-case letters"),
        ("app: web", "/a: web", "before its '/'"),
        ("app: web", f"{'a' * 64}: web", "64 characters"),
        ("labels: {app: web}", "annotations: {'a b': x}", "annotations: 'a b' is not letters"),
    ],
)
def test_what_the_api_server_refuses_in_metadata(old: str, new: str, why: str) -> None:
    with pytest.raises(ManifestError) as caught:
        read(POD.replace(old, new, 1))
    assert why in str(caught.value)


@pytest.mark.parametrize("label", ["app: ''", "shop.example/app: W_e.b-1", "A.b_c-1: x", "app: " + "w" * 63])
def test_labels_that_are_taken(label: str) -> None:
    assert read(POD.replace("app: web", label)).name == "web"


def test_labels_of_subsets_and_sources() -> None:
    rule = "apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: web}\nspec:\n  host: web\n"
    with pytest.raises(ManifestError, match="label value 'v 1'"):
        read(f"{rule}  subsets: [{{name: v1, labels: {{version: v 1}}}}]\n")
    with pytest.raises(ManifestError, match="label value 'a!'"):
        read(ROUTE.replace("timeout: 1s", "match: [{sourceLabels: {app: a!}}]"))
