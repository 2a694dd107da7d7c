"""How fast is the Tokens panel? ``python tests/bench/bench_tokens.py`` prints ratios of one run.

1. The tokenizers that the page opens with on 100,000 characters, against their libraries called bare: ours
   alone, and from text to the HTML of the page.
2. Time a character against length: 10,000 to 400,000 characters.
3. A search of the largest vocabulary, against a scan of its texts.
4. 20,000 chips painted in Chromium, from the answer's arrival to the painted frame, against as many bare
   elements.
"""

from __future__ import annotations

import html
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from playground import text  # noqa: E402
from playground.engine.tokenizers import tokenize, vocabulary  # noqa: E402
from playground.engine.tokenizers.libraries import adapter  # noqa: E402
from playground.models.cache import ModelCache  # noqa: E402
from playground.models.catalog import TOKENIZERS, Catalog  # noqa: E402
from playground.models.loaders import TransformersLoader  # noqa: E402
from playground.rooms.tokens import view  # noqa: E402
from playground.rooms.tokens.service import DEFAULTS, TokensService  # noqa: E402
from playground.settings import read  # noqa: E402
from playground.ui.context import Context  # noqa: E402
from tests.bench.rows import chromium, rounds, row  # noqa: E402

SAMPLE = text.say("tokens.example_text", "en") + "\n" + text.say("lessons.tokens", "en")
SAMPLE += text.say("lessons.tokens", "zh-TW") + text.say("tokens.example_code", "en")
ROUNDS = rounds(7)


def best(run: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return min(times)


def of_length(n: int) -> str:
    return (SAMPLE * (n // len(SAMPLE) + 1))[:n]


def bare(family: str, tokenizer: object, whole: str) -> Callable[[], object]:
    """The library's own call, ids only."""
    if family == "sentencepiece":
        return lambda: tokenizer.encode(whole)  # type: ignore[attr-defined]
    if family == "tekken":
        return lambda: tokenizer.encode(whole, bos=True, eos=False)  # type: ignore[attr-defined]
    return lambda: tokenizer(whole)  # type: ignore[operator]


def main() -> None:
    context = Context(
        read([], {}), Catalog(Path("none"), Path("none")), ModelCache(2**32, TransformersLoader(offline=True))
    )
    do = TokensService(context)
    compared = [card for card in TOKENIZERS if card.name in DEFAULTS]  # no more may be compared at once
    names = [card.name for card in compared]
    whole = of_length(100_000)
    with ExitStack() as stack:
        loaded = [stack.enter_context(context.models.lease(card)) for card in compared]
        readers = [adapter(each) for each in loaded]

        plain = 0.0
        for each, one in zip(loaded, readers, strict=True):
            library = best(bare(each.card.family, each.tokenizer, whole))
            ours = best(lambda one=one: one.encode(whole))
            plain += library
            row(f"100,000 characters, {each.card.name}", ours * 1e3, library * 1e3, "ms", "its library alone")

        def shown() -> None:
            tokenize.count_words.cache_clear()  # as for a text that comes for the first time
            do.compare(whole, names, True)

        page = best(shown)
        what = f"all {len(names)}, from text to the page's HTML"
        row(what, page * 1e3, plain * 1e3, "ms", "their libraries alone", most=1.5)

        base = 0.0
        for n in (10_000, 50_000, 100_000, 200_000, 400_000):
            some = of_length(n)
            each = best(lambda some=some: [tokenize.tokenize(r, "x", some) for r in readers]) / n
            base = base or each
            if n > 10_000:
                row(f"a character of {n:,}", each * 1e6, base * 1e6, "µs", "a character of 10,000")

        largest = max(readers, key=lambda r: r.size if r.algorithm != "characters" else 0)
        vocabulary.prepare(largest)
        texts = [largest.piece(id).piece.casefold() for id in largest.vocabulary()]
        for query in ("token", "a", "語"):
            took = best(lambda query=query: vocabulary.search(largest, query))
            scan = best(lambda query=query: [id for id, entry in enumerate(texts) if query in entry])
            what = f"search for {query!r} among {largest.size:,}"
            row(what, took * 1e3, scan * 1e3, "ms", "a scan of all texts")

        short = whole
        while sum(tokenize.tokenize(r, "x", short).count for r in readers) > view.PAGE:
            short = short[: int(len(short) * 0.95)]
        large = do.compare(short, names, True)[0]
    chips = large.count('class="t')
    size = len(short) * len(names) // chips + 1
    bare_chips = "".join(
        f"<i>{html.escape(short[at * size % len(short) :][:size])}</i>" for at in range(chips)
    )
    paint(f"{chips:,} chips painted", large, f"<p>{bare_chips}</p>")


def paint(what: str, ours: str, bare: str) -> None:
    """Put both into a page as gradio does (innerHTML), and wait for the frame after."""
    from playwright.sync_api import sync_playwright

    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
    flags += ["--disable-background-networking", "--disable-component-update"]
    css = "".join(
        (ROOT / "assets" / f"{name}.css").read_text(encoding="utf-8") for name in ("colours", "style")
    )
    script = """(html) => new Promise((done) => {
      const box = document.getElementById("box"); box.innerHTML = ""; void box.offsetHeight;
      requestAnimationFrame(() => { const began = performance.now(); box.innerHTML = html;
        requestAnimationFrame(() => setTimeout(() => done(performance.now() - began), 0)); });
    })"""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium(), args=flags)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_content(f"<style>{css}</style><div id=box class=gradio-container></div>")
        took = [
            statistics.median(page.evaluate(script, each) for _ in range(rounds(5))) for each in (ours, bare)
        ]
        browser.close()
    row(what, *took, "ms", "as many bare elements")


if __name__ == "__main__":
    main()
