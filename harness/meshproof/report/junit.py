"""junit.xml, in the form that CI servers read (the schema of Jenkins' xUnit plugin).

JUnit has no inconclusive: it is a failure of that type, since inconclusive never passes.
"""

from __future__ import annotations

import re
from collections import Counter
from xml.etree import ElementTree as ET

from meshproof.border.verdict import Outcome, Verdict
from meshproof.redaction.credentials import redact
from meshproof.report.coverage import sentence
from meshproof.report.place import place
from meshproof.report.record import INTERRUPTED, Record

RUN = "run"
NEVER = "Never"
# What XML 1.0 cannot hold, not even as a character reference (section 2.2, Char), and the C1 controls.
_NOT_XML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(record: Record) -> str:
    """The whole file as text; one suite for each scenario, one case for each check."""
    root = ET.Element("testsuites", name="meshproof")
    broken = {error.scenario for error in record.errors} - record.scenarios.keys()
    proved = sentence(record)
    for name in [*record.scenarios, *sorted(broken)]:
        root.append(_suite(record, name, proved))
    if record.outcome == INTERRUPTED:
        suite = ET.SubElement(root, "testsuite", name="meshproof")
        message = "the run was interrupted" if record.interrupted else "the run ended without finishing"
        _result(_case(suite, "meshproof", RUN, 0.0), "error", INTERRUPTED, message, message)
        _total(suite)
    _total(root)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suite(record: Record, name: str, proved: str) -> ET.Element:
    suite = ET.Element("testsuite", name=_clean(name) or "meshproof")
    scenario = record.scenarios.get(name)
    if record.started:
        suite.set("timestamp", _clean(record.started.started_at))
        properties = ET.SubElement(suite, "properties")
        for key, value in {"target": record.started.target, **record.started.versions}.items():
            ET.SubElement(properties, "property", name=_clean(key), value=_clean(str(value)))
        if proved:
            ET.SubElement(properties, "property", name="proved", value=_clean(proved))
    for verdict in scenario.verdicts if scenario else ():
        _verdict(suite, verdict)
    finished = scenario.finished if scenario else None
    if scenario and finished and finished.outcome is Outcome.SKIPPED and not scenario.verdicts:
        _result(_case(suite, name, RUN, finished.seconds), "skipped", "skipped", finished.reason, "")
    for error in record.errors:
        if error.scenario == name:
            case = _case(suite, name or "meshproof", RUN, 0.0)
            _result(case, "error", "TargetError", error.message, f"{error.message}\n{error.detail}".rstrip())
    told = [one for one in record.notices if one.scenario == name]
    if told:
        # A notice is no case: it neither passes nor fails.
        lines = (f"notice: {one.location}: {one.message}" if one.location else one.message for one in told)
        ET.SubElement(suite, "system-out").text = _clean("\n".join(lines))
    _told_apart(suite)
    _total(suite)
    if finished:
        suite.set("time", f"{finished.seconds:.3f}")
    return suite


def _told_apart(suite: ET.Element) -> None:
    """A reader takes two cases of one name for the same one."""
    seen: Counter[str] = Counter()
    for case in suite.iter("testcase"):
        name = case.get("name", "")
        seen[name] += 1
        if seen[name] > 1:
            case.set("name", f"{name} ({seen[name]})")


def _verdict(suite: ET.Element, verdict: Verdict) -> None:
    asked = _asked(verdict)
    name = [verdict.check, f"[{asked}]" if asked else ""]
    name.append(f"stage {verdict.stage}" if verdict.stage else "")
    case = _case(suite, verdict.scenario, " ".join(filter(None, name)), verdict.seconds)
    if where := place(verdict):
        case.set("file", _clean(where.file))
        case.set("line", str(where.line))
    match verdict.outcome:
        case Outcome.FAILED | Outcome.INCONCLUSIVE:
            _result(case, "failure", verdict.outcome.value, verdict.reason, _detail(verdict))
        case Outcome.ERROR:
            _result(case, "error", verdict.outcome.value, verdict.reason, _detail(verdict))
        case Outcome.SKIPPED:
            _result(case, "skipped", verdict.outcome.value, verdict.reason, "")


def _asked(verdict: Verdict) -> str:
    """What sets a check apart in every run: the promise itself, since which request breaks it may change."""
    named = str(verdict.evidence.get("intent") or "")
    if verdict.check == NEVER and named:
        return named
    return f"{named}: {verdict.request}" if named and named != verdict.request else verdict.request


def _detail(verdict: Verdict) -> str:
    arms = [
        f"{arm.destination}: specified {arm.expected:.4g}, observed {arm.observed:.4g} ({arm.count} of {verdict.n}),"
        f" interval [{arm.interval[0]:.4g}, {arm.interval[1]:.4g}], {arm.outcome.value}"
        + (f", {arm.location}" if arm.location else "")
        for arm in verdict.arms
    ]
    return "\n".join([verdict.reason, *arms])


def _case(suite: ET.Element, scenario: str, name: str, seconds: float) -> ET.Element:
    return ET.SubElement(
        suite, "testcase", classname=f"meshproof.{_clean(scenario)}", name=_clean(name), time=f"{seconds:.3f}"
    )


def _result(case: ET.Element, tag: str, kind: str, message: str, text: str) -> None:
    element = ET.SubElement(case, tag, type=kind, message=_clean(message))
    element.text = _clean(text) or None


def _total(element: ET.Element) -> None:
    cases = list(element.iter("testcase"))
    element.set("tests", str(len(cases)))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(attribute, str(sum(1 for case in cases if case.find(tag) is not None)))
    element.set("time", f"{sum(float(case.get('time', '0')) for case in cases):.3f}")


def _clean(text: str) -> str:
    return _NOT_XML.sub("", redact(text))
