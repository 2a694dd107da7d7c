"""Every view of the page as a picture: in each language, theme and width, on sheets to look through.

    python -m tests.contact_sheet folder [--only tokens --only chat/] [--widths 360,1280] [--langs en,zh-TW]
    python -m tests.contact_sheet --readme

The folder gets a picture of each view (``1280-dark-zh-TW-tokens-lanes.png``) and a sheet of all views for
each width, theme and language. What a picture cannot show is told as text: views that scroll sideways, and
whatever the console said. ``--readme`` takes the pictures of README.md anew. Needs Chromium.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import product
from math import ceil
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.sync_api import Browser, Page, sync_playwright

from playground.text import LANGUAGES
from tests.app import ROOT, running
from tests.browser.conftest import ARGUMENTS, chromium
from tests.browser.visiting import Visit, settled, visiting

WIDTHS = {360: 780, 768: 1024, 1280: 800, 1920: 1080}  # and the window's height
THEMES = ("light", "dark")
ROOM_OF_ROOMS = "embeddings"  # opens on one of its three
ROW, THUMB = 6, 320  # pictures in a row of a sheet, pixels of each
README = {
    "home": "assets/screenshot.png", "next_token/bars": "docs/pictures/next-token.png",
    "sentences/map": "docs/pictures/sentences.png", "architecture/flow": "docs/pictures/architecture.png",
}  # fmt: skip


def views(page: Page) -> list[str]:
    """The addresses of all views that a visitor can see; one that only holds others is none."""
    told: list[dict[str, str]] = page.evaluate("playground.store.views()")
    names = [each["view"] for each in told if each["view"] != ROOM_OF_ROOMS]
    return [name for name in names if not any(other.startswith(f"{name}/") for other in names)]


def go(page: Page, view: str) -> Page:
    """To a view by its address, until what it shows is there and at rest."""
    page.evaluate("view => { location.hash = view }", view)
    page.wait_for_function("view => playground.store.view() === view", arg=view)
    page.evaluate("scrollTo(0, 0)")
    return settled(page)


def opened(visit: Visit, width: int, theme: str, lang: str) -> Page:
    """The page, in a context of its own, where it opens."""
    size = {"width": width, "height": WIDTHS[width]}
    touch = {"has_touch": True, "is_mobile": True} if width < 768 else {}
    page = visit(locale=lang, viewport=size, color_scheme=theme, reduced_motion="reduce", **touch)
    return settled(page)


def pictures(
    browser: Browser, home: str, folder: Path, which: tuple[int, str, str], only: Sequence[str]
) -> Iterator[tuple[str, Path]]:
    """Each view and its picture, down to where it ends; what is wrong by itself is printed."""
    width, theme, lang = which
    with visiting(browser, home) as visit:
        page = opened(visit, *which)
        for view in views(page):
            if only and not any(view.startswith(each) for each in only):
                continue
            go(page, view)
            path = folder / f"{width}-{theme}-{lang}-{view.replace('/', '-')}.png"
            page.screenshot(path=path, full_page=True, animations="disabled")
            wide = page.evaluate("document.documentElement.scrollWidth")
            if wide > width:
                print(f"{path.name}: scrolls sideways, {wide} of {width} px")
            for complaint in visit.watch.complaints:
                print(f"{path.name}: {complaint}")
            visit.watch.complaints.clear()
            yield view, path


def sheet(found: Sequence[tuple[str, Path]], path: Path, height: int) -> None:
    """All pictures as small ones, each with its name; what is below twice a window's height is left out."""
    tall = round(THUMB * height)
    whole = Image.new("RGB", (ROW * (THUMB + 8), ceil(len(found) / ROW) * (tall + 24)), "#888")
    draw = ImageDraw.Draw(whole)
    for number, (view, each) in enumerate(found):
        left, top = number % ROW * (THUMB + 8), number // ROW * (tall + 24)
        with Image.open(each) as picture:
            size = THUMB, max(1, round(picture.height * THUMB / picture.width))
            small = picture.convert("RGB").resize(size)
        whole.paste(small.crop((0, 0, THUMB, min(tall, small.height))), (left, top + 18))
        draw.text((left + 2, top + 3), view, fill="white")
    whole.save(path)


def readme(browser: Browser, home: str) -> None:
    """The pictures of README.md: light, English, 1280 px, a window high."""
    with visiting(browser, home) as visit:
        page = opened(visit, 1280, "light", "en")
        for view, path in README.items():
            go(page, view)
            page.screenshot(path=ROOT / path, animations="disabled")
            with Image.open(ROOT / path) as picture:  # 256 colours do for a page, at a third of the bytes
                few = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
            few.save(ROOT / path, optimize=True)
            print(path)


def main() -> None:
    """The command line, see above."""
    told = __doc__.partition("\n")[0]
    ask = argparse.ArgumentParser(prog="python -m tests.contact_sheet", description=told)
    ask.add_argument("folder", nargs="?", type=Path)
    ask.add_argument("--only", action="append", default=[], help="how a view's address begins")
    ask.add_argument("--widths", default=",".join(map(str, WIDTHS)))
    ask.add_argument("--themes", default=",".join(THEMES))
    ask.add_argument("--langs", default=",".join(LANGUAGES))
    ask.add_argument("--readme", action="store_true")
    asked = ask.parse_args()
    if asked.folder is None and not asked.readme:
        ask.error("a folder for the pictures, or --readme")
    if (path := chromium()) is None:
        sys.exit("no Chromium found: install it, or name it in the environment variable CHROMIUM")
    settings = {"PLAYGROUND_OFFLINE": "1"}
    with (
        tempfile.TemporaryDirectory() as own,
        sync_playwright() as playwright,
        running(Path(own), settings, "tests/serve.py") as app,
    ):
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS.split())
        if asked.readme:
            readme(browser, app.url)
            return
        asked.folder.mkdir(parents=True, exist_ok=True)
        widths = [int(width) for width in asked.widths.split(",")]
        for which in product(widths, asked.themes.split(","), asked.langs.split(",")):
            found = [*pictures(browser, app.url, asked.folder, which, asked.only)]
            name = asked.folder / f"sheet-{which[0]}-{which[1]}-{which[2]}.png"
            sheet(found, name, 2 * WIDTHS[which[0]] / which[0])
            print(name)


if __name__ == "__main__":
    main()
