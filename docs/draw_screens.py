"""The three pictures at the head of README.md, each of a command that is run here: `python docs/draw_screens.py`.

Needs Chromium on PATH. The commands are those that README.md names beside the pictures, on scenarios/canary and
examples/shop.
"""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "img"
CANARY = Path("scenarios", "canary")
WIDTH, HEIGHT, SCALE = 720, 540, 1.5
LIMIT = 120.0
TERMINAL = """<!doctype html><meta charset="utf-8"><style>
body { margin: 0; padding: 20px 24px; background: #14181d; color: #d7dde4; }
pre { font: 11.5px/1.6 "DejaVu Sans Mono", monospace; margin: 0; } b { color: #7fd1a8; font-weight: 400; }
</style><pre><b>$ """


def meshproof(*arguments: str, code: int = 0) -> str:
    """Standard output of the command, which must end with this exit code."""
    words = [sys.executable, "-m", "meshproof", *arguments]
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT)
    if ended.returncode != code:
        raise SystemExit(f"meshproof {' '.join(arguments)}: exit code {ended.returncode}\n{ended.stderr}")
    return ended.stdout


def photograph(page: Path, name: str) -> None:
    """The top of a page as docs/img/NAME.png."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        raise SystemExit("no Chromium on PATH (Debian: apt-get install chromium)")
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    size = [f"--window-size={WIDTH},{HEIGHT}", f"--force-device-scale-factor={SCALE}", "--hide-scrollbars"]
    profile = f"--user-data-dir={page.parent / 'profile'}"
    shot = f"--screenshot={IMAGES / name}.png"
    command = [browser, "--headless=new", "--disable-gpu", *root, profile, *size, shot, page.as_uri()]
    subprocess.run(command, check=True, capture_output=True, timeout=LIMIT)


def drift(folder: Path) -> Path:
    """The first check that failed of a canary of ten percent where half of all goes to it."""
    names = ("helloworld.yaml", "subsets.yaml")
    wanted = [f"-f{CANARY / name}" for name in (*names, "weight-10.yaml")]
    runs = [f"--applied={CANARY / name}" for name in (*names, "weight-50.yaml")]
    meshproof("verify", *wanted, *runs, "--output", str(folder), code=1)
    whole = (folder / "report.html").read_text(encoding="utf-8")
    card = re.search(r'<article class="card" id="[^"]+">.*?</article>', whole, re.DOTALL)
    style = re.search(r"<style>.*?</style>", whole, re.DOTALL)
    assert card is not None
    assert style is not None
    page = folder / "card.html"
    page.write_text(f'<!doctype html><meta charset="utf-8">{style[0]}<main>{card[0]}</main>', encoding="utf-8")
    return page


def certificate(folder: Path) -> Path:
    """The report of a folder that is certified."""
    meshproof("certify", "-f", "examples/shop", "--output", str(folder))
    return folder / "report.html"


def explanation(folder: Path) -> Path:
    """What explain prints, as in a terminal."""
    words = ("explain", "-f", "examples/shop", "http://reviews.shop/x", "-H", "x-beta: no")
    folder.mkdir()
    page = folder / "terminal.html"
    told = "meshproof explain -f examples/shop http://reviews.shop/x -H 'x-beta: no'"
    page.write_text(f"{TERMINAL}{html.escape(told)}</b>\n{html.escape(meshproof(*words))}</pre>", encoding="utf-8")
    return page


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        for name, make in (("drift", drift), ("certificate", certificate), ("explain", explanation)):
            photograph(make(Path(place, name)), name)


if __name__ == "__main__":
    main()
