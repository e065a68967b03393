"""Requests that show each rule, and the rules that none was found for."""

from __future__ import annotations

from meshproof.mesh.requests.probes import probes
from meshproof.mesh.requests.samples import sample_requests

# What helloworld would answer with 404 or 405 says how it is to be answered instead.
ANSWERED = "'x-meshproof-answer:200 0 0'"


def shown(built) -> tuple[list[str], list[str]]:
    requests, notices = sample_requests(built.mesh)
    return [str(request) for request in requests], [str(notice) for notice in notices]


def test_without_virtual_services_each_http_port(built) -> None:
    assert shown(built()) == (["GET http://greeter:5000/hello"], [])


def test_a_port_that_no_rule_is_for_is_called_with_virtual_services_too(built) -> None:
    more = """---
apiVersion: v1
kind: Service
metadata: {name: plain}
spec: {selector: {app: greeter}, ports: [{name: http, port: 80}, {name: tcp-a, port: 90}, {name: https, port: 443}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: greeter}
spec: {hosts: [greeter], http: [{route: [{destination: {host: greeter}}]}]}
"""
    ours, plain = shown(built(more)), ["GET http://plain/hello", "tcp://plain:90", "tls://plain:443"]
    assert ours == (["GET http://greeter:5000/hello", *plain], [])
    hidden = more.replace("name: plain}", "name: plain, annotations: {networking.istio.io/exportTo: '~'}}")
    assert shown(built(hidden))[0] == ours[0][:1]


def test_each_rule_and_the_shadowed_one(routed) -> None:
    requests, notices = shown(
        routed("""
- match: [{headers: {end-user: {exact: jason}, x-any: {}}, queryParams: {q: {regex: "[0-9]{3}"}}}]
  route: [{destination: {host: greeter, subset: v2}}]
- match: [{uri: {prefix: /api/}, method: {regex: "PUT|POST"}}]
  route: [{destination: {host: greeter}}]
- match: [{uri: {prefix: /api}, method: {exact: PUT}}]
  route: [{destination: {host: greeter, subset: v1}}]
- match: [{uri: {exact: /api/x}, method: {exact: PUT}}]
  route: [{destination: {host: greeter}}]
- route: [{destination: {host: greeter}}]
- redirect: {uri: /never}
""")
    )
    assert requests == [
        "GET http://greeter:5000/hello?q=000 end-user:jason x-any:a",
        f"PUT http://greeter:5000/api/ {ANSWERED}",
        f"PUT http://greeter:5000/api {ANSWERED}",
        "GET http://greeter:5000/hello",
    ]
    assert [notice.partition(": ")[0] for notice in notices] == ["<stdin>:48:5", "<stdin>:51:5"]
    assert all("shadowed" in notice for notice in notices)


def test_what_no_request_can_hold_is_never_sent_and_costs_its_own_rule_alone(routed) -> None:
    made = routed(r"""
- match: [{headers: {x-a: {regex: "a\\nb"}}}, {headers: {x-a: {exact: "a\rb"}}}, {headers: {x-a: {prefix: "\x7f"}}}]
  route: [{destination: {host: greeter, subset: v2}}]
- match: [{headers: {x-b: {regex: "\\n|b"}}, withoutHeaders: {x-c: {regex: "\\x00"}}}]
  route: [{destination: {host: greeter, subset: v1}}]
- route: [{destination: {host: greeter}}]
""")
    requests, notices = shown(made)
    assert requests == ["GET http://greeter:5000/hello x-b:b", "GET http://greeter:5000/hello"]
    assert [notice.partition(": ")[2] for notice in notices] == [
        "no text was found that meets a condition of this rule: name a request with --request"
    ]
    several = [value for one in probes(made.mesh).requests for _, value in one.headers]
    assert "b" in several
    assert not [value for value in several if set("\r\n\0\x7f") & set(value)]


def test_a_method_that_is_matched_by_its_beginning_is_one_that_there_is(routed) -> None:
    for condition, method in (("prefix: P", "POST"), ("regex: 'P.*'", "POST"), ("regex: D.*", "DELETE"), ("{}", "GET")):
        match = f"{{{condition}}}" if condition != "{}" else condition
        made = routed(f"- match: [{{method: {match}}}]\n  route: [{{destination: {{host: greeter}}}}]")
        asked = "" if method == "GET" else f" {ANSWERED}"
        assert shown(made)[0] == [f"{method} http://greeter:5000/hello{asked}"]


def test_gateways(routed) -> None:
    gateway = """---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: front}
spec:
  servers:
  - {port: {number: 8080, name: a, protocol: HTTP}, hosts: ["*.example.com"]}
"""
    made = routed(
        "- match: [{uri: {exact: /hello}}]\n  route: [{destination: {host: greeter}}]",
        head="hosts: [greeter, shop.example.com]\n  gateways: [mesh, front]",
        more=gateway,
    )
    assert shown(made)[0] == [
        "GET http://greeter:5000/hello",
        "GET http://shop.example.com:8080/hello (by gateway default/front)",
    ]


def test_each_of_many_rules_has_its_request(routed) -> None:
    count = 300
    routes = "".join(f"- match: [{{uri: {{exact: /{n}}}}}]\n  directResponse: {{status: 200}}\n" for n in range(count))
    requests, notices = shown(routed(routes))
    assert len(requests) == count
    assert not notices


PAIR = """---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: first}
spec: {hosts: [greeter], http: [{match: [{uri: {prefix: /a}}], route: [{destination: {host: greeter}}]}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: second}
spec: {hosts: [greeter.default.svc.cluster.local], http: [{route: [{destination: {host: greeter}}]}]}
"""
HIDDEN = """---
apiVersion: v1
kind: Service
metadata: {name: apart, namespace: other, annotations: {networking.istio.io/exportTo: EXPORTED}}
spec: {selector: {app: greeter}, ports: [{name: http, port: 80}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: apart, namespace: other}
spec: {exportTo: [ENTRY], hosts: [apart], http: [{route: [{destination: {host: apart}}]}]}
"""


ENTRY = """---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: api, namespace: other}
spec:
  hosts: [api.example.com]
  exportTo: [EXPORTED]
  resolution: STATIC
  ports: [{number: 80, name: http, protocol: HTTP}]
  endpoints: [{address: 192.0.2.1}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: api, namespace: other}
spec: {hosts: [api.example.com], http: [{route: [{destination: {host: api.example.com}}]}]}
"""


def test_a_rule_that_another_virtual_service_keeps_from_its_host_says_which(built) -> None:
    (told,) = shown(built(PAIR))[1]
    assert "VirtualService default/first" in told
    assert "decides alone" in told


def test_a_rule_that_clients_do_not_see_says_so(built) -> None:
    (told,) = shown(built(HIDDEN.replace("EXPORTED", "other").replace("ENTRY", '"*"')))[1]
    assert "clients in default reaches this rule: they do not see apart.other" in told
    foreign = ENTRY.replace("EXPORTED", "other")
    (told,) = shown(built(foreign))[1]
    assert "clients in default reaches this rule: they do not see api.example.com" in told
    (told,) = shown(built(HIDDEN.replace("EXPORTED", "'*'").replace("ENTRY", '"."')))[1]
    assert "clients in default reaches this rule: it is exported to . alone" in told


def test_a_pattern_is_shown_by_a_host_that_no_other_object_names(built) -> None:
    """`www` of a domain is what people have a rule of its own for, most of all."""
    text = """---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: entry}
spec: {servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}, TLS]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: all}
spec: {hosts: ["*.example.com"], gateways: [entry], http: [{directResponse: {status: 201}}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: one}
spec: {hosts: [www.example.com], gateways: [entry], http: [{directResponse: {status: 202}}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: names}
spec:
  hosts: ["*.example.org"]
  gateways: [entry]
  tls:
  - match: [{sniHosts: ["*.example.org"]}]
    route: [{destination: {host: greeter}}]
  - match: [{sniHosts: [www.example.org]}]
    route: [{destination: {host: greeter}}]
"""
    tls = '{port: {number: 443, name: tls, protocol: TLS}, hosts: ["*.example.org"], tls: {mode: PASSTHROUGH}}'
    requests, notices = shown(built(text.replace("TLS", tls)))
    assert notices == []
    by = " (by gateway default/entry)"
    named = {f"GET http://{one}.example.com/{by}" for one in ("any", "www")} | {
        f"tls://{one}.example.org:443{by}" for one in ("any", "www")
    }
    assert named <= {*requests}


def test_a_rule_for_http_of_a_service_that_has_none_is_told_so(built) -> None:
    text = """---
apiVersion: v1
kind: Service
metadata: {name: till}
spec: {selector: {app: greeter}, ports: [{name: tcp-web, port: 80, targetPort: 5000}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: till}
spec: {hosts: [till], http: [{route: [{destination: {host: greeter}}]}]}
"""
    (notice,) = shown(built(text))[1]
    assert notice.endswith("no request reaches this rule: it is for HTTP, and port 80 of till.default speaks tcp")


def test_a_rule_for_a_port_that_its_gateway_has_not_is_told_so(built) -> None:
    text = """---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: out}
spec: {servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ['*']}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: greeter}
spec:
  hosts: [greeter]
  gateways: [out, mesh]
  http:
  - match: [{gateways: [mesh]}]
    route: [{destination: {host: greeter}}]
  - match: [{gateways: [out], port: 443}]
    route: [{destination: {host: greeter}}]
"""
    (notice,) = shown(built(text))[1]
    assert notice.endswith("no request reaches this rule: it is for port 443, and requests come by port 80 alone")


def test_a_scheme_that_a_client_tells_its_sidecar_of_shows_a_rule(routed) -> None:
    rule, rest = "{match: [{scheme: {exact: https}}], directResponse: {status: 204}}", "{redirect: {uri: /x}}"
    requests, notices = shown(routed(f"- {rule}\n- {rest}"))
    assert (requests[0], notices) == ("GET http://greeter:5000/ x-forwarded-proto:https", [])


def test_a_rule_for_some_of_a_services_names_is_shown_by_one_of_them(routed) -> None:
    rules = "- {match: [{authority: {regex: 'greeter.*local'}}], directResponse: {status: 204}}"
    requests, notices = shown(routed(rules))
    assert (requests, notices) == (["GET http://greeter:5000/ host:greeter.default.svc.cluster.local"], [])
