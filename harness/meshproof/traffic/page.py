"""Locust's own web page, for people who know it: it shows a driven load, and nobody drives the load by it.

The harness decides what is sent, and counts it. Whoever presses Stop or New test has altered the load: then the process
ends with that reason, and no verdict comes of it.
"""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

from meshproof.traffic.abort import abort

READING = frozenset({"GET", "HEAD", "OPTIONS"})
SHOWN = frozenset({"", "assets", "stats", "exceptions", "tasks", "logs", "worker-count"})
# What it shows is emptied by that, and the harness counts for itself.
RESET = "stats/reset"
# For which older releases of Locust take a GET.
STOP = "stop"
LOOK_SECONDS = 0.005
STARTED_SECONDS = 10.0
NAMES = frozenset({"127.0.0.1", "localhost"})


def guard(environment: Any) -> None:
    """Have the page of Locust's environment, if it has one, end this process before it alters the load."""
    web = environment.web_ui
    if web is None:
        return
    import flask

    def look() -> Any:
        request = flask.request
        origin = request.headers.get("Origin", "")
        if urlsplit(f"//{request.host}").hostname not in NAMES or (origin and urlsplit(origin).netloc != request.host):
            # Another site in the same browser neither reads this page nor alters a load.
            return flask.make_response("this page is for the browser's own user", 403)
        path = request.path.removeprefix(_base(environment)).strip("/")
        if path != RESET and (path == STOP or request.method not in READING):
            abort(f"the load was altered by hand on Locust's web page ({request.method} /{path}): it is not judged")
        if path.partition("/")[0] not in SHOWN:
            return flask.make_response("the page only shows a load that meshproof drives", 403)
        return None

    web.app.before_request(look)


def address(environment: Any) -> str:
    """Where the page is, once it is served; empty where there is none."""
    web = environment.web_ui
    if web is None:
        return ""
    deadline = time.perf_counter() + STARTED_SECONDS
    while web.server is None or not web.server.started:
        if time.perf_counter() > deadline:
            abort(f"Locust's web page was not served within {STARTED_SECONDS:g} s")
        time.sleep(LOOK_SECONDS)
    scheme = "https" if web.tls_cert and web.tls_key else "http"
    return f"{scheme}://{web.server.server_host}:{web.server.server_port}{_base(environment)}/"


def _base(environment: Any) -> str:
    """The folder of its address, which a configuration file of the person's own may set; older releases have none."""
    return str(getattr(environment.parsed_options, "web_base_path", "") or "")
