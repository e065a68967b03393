"""A comparison as one page, which needs nothing else and reaches for nothing else."""

from __future__ import annotations

from markupsafe import Markup

from meshproof.language.words import ENGLISH, Words
from meshproof.report.comparison.comparison import Comparison, ShareChange
from meshproof.report.comparison.render import verdict
from meshproof.report.html.environment import rendered
from meshproof.report.html.pictures import svg
from meshproof.report.wording import line, share, specified

TEMPLATE = "comparison.html.j2"
MOST_ALIKE = 100
WIDTH, HEIGHT = 320.0, 26.0


def page(found: Comparison, words: Words = ENGLISH) -> str:
    """The page as text; raises UsageError when the installation lacks its template."""
    told = [one for one in found.shares if one.differ or one.moved]
    alike = [one for one in found.shares if not (one.differ or one.moved)]
    told.sort(key=lambda one: not one.worse)
    shown = [*told, *alike[:MOST_ALIKE]]
    shares = [(one, _picture(f"share-{number}", one, words)) for number, one in enumerate(shown)]
    return rendered(
        TEMPLATE,
        words,
        found=found,
        verdict=verdict(found, words),
        shares=shares,
        left_out=len(alike[MOST_ALIKE:]),
    )


def _picture(id_: str, one: ShareChange, words: Words) -> Markup:
    """Both shares on one line, with what was specified as a stroke."""
    values = [one.before.observed, one.after.observed, one.before.expected, one.after.expected]
    margin = max(0.25 * (max(values) - min(values)), 0.02)
    x = svg.Scale((max(0.0, min(values) - margin), min(1.0, max(values) + margin)), (8.0, WIDTH - 8.0))
    shares = {"before": share(one.before.observed), "after": share(one.after.observed)}
    shares["specified"] = specified(one.after.expected)
    tone = "wrong" if one.worse else "seen"
    before, after = x(one.before.observed), x(one.after.observed)
    wanted = [svg.segment((x(at), 3), (x(at), HEIGHT - 3), "specified") for at in sorted({*values[2:]})]
    return svg.drawing(
        id_,
        (WIDTH, HEIGHT),
        words("{share}: before and after", share=line(one.name)),
        words("before {before}, after {after}, {specified} specified.", **shares),
        svg.segment((8, 13), (WIDTH - 8, 13), "grid"),
        *wanted,
        svg.segment((before, 13), (after, 13), f"line {tone}"),
        svg.element("circle", cx=before, cy=13, r=4, class_="hollow"),
        svg.dot((after, 13), "seen") if tone == "seen" else svg.cross((after, 13), "wrong"),
        class_="plot small",
    )
