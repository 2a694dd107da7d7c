"""How fast is the Tokens panel? ``python tests/bench/bench_tokens.py`` prints ratios of one run.

1. Six tokenizers on 100,000 characters, from text to the HTML of the page, against the six libraries called
   bare; and over the wire, through the endpoint that programs use.
2. Time against length: 10,000 to 400,000 characters.
3. A search of the largest vocabulary.
4. 20,000 chips painted in Chromium: from the answer's arrival to the painted frame.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from playground import text  # noqa: E402
from playground.catalog import TOKENIZERS, Catalog  # noqa: E402
from playground.loaders import TransformersLoader  # noqa: E402
from playground.models import ModelCache  # noqa: E402
from playground.panels import Context  # noqa: E402
from playground.panels.tokens_actions import TokensActions  # noqa: E402
from playground.settings import read  # noqa: E402
from playground.subjects import tokens, vocabulary  # noqa: E402
from playground.subjects.readers import reader  # noqa: E402
from playground.views import tokens as view  # noqa: E402

SAMPLE = text.say("tokens.example_text", "en") + "\n" + text.say("lessons.tokens", "en")
SAMPLE += text.say("lessons.tokens", "zh-TW") + text.say("tokens.example_code", "en")
ROUNDS = 7


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
    do = TokensActions(context)
    names = [card.name for card in TOKENIZERS]
    whole = of_length(100_000)
    with ExitStack() as stack:
        loaded = [stack.enter_context(context.models.lease(card)) for card in TOKENIZERS]
        readers = [reader(each) for each in loaded]

        print("1. six tokenizers, 100,000 characters")
        plain = 0.0
        for each, one in zip(loaded, readers, strict=True):
            library = best(bare(each.card.family, each.tokenizer, whole))
            ours = best(lambda one=one: one.encode(whole))
            plain += library
            print(f"   {each.card.name:18} library {library * 1e3:7.1f} ms   ours {ours * 1e3:7.1f} ms   "
                  f"ratio {ours / library:.2f}")  # fmt: skip

        def shown() -> None:
            tokens.count_words.cache_clear()  # as for a text that comes for the first time
            do.compare(whole, names, True)

        page = best(shown)
        print(f"   all six bare {plain * 1e3:.0f} ms; to the page's HTML {page * 1e3:.0f} ms: "
              f"ratio {page / plain:.2f} (wanted: at most 1.5)")  # fmt: skip

        print("2. time against length (ratio to 10,000 characters, per character)")
        base = 0.0
        for n in (10_000, 50_000, 100_000, 200_000, 400_000):
            some = of_length(n)
            each = best(lambda some=some: [tokens.tokenize(r, "x", some) for r in readers]) / n
            base = base or each
            print(f"   {n:8,} characters: {each / base:.2f}")

        print("3. search")
        largest = max(readers, key=lambda r: r.size if r.algorithm != "characters" else 0)
        vocabulary.prepare(largest)
        for query in ("token", "a", "語"):
            took = best(lambda query=query: vocabulary.search(largest, query))
            print(f"   {largest.size:,} entries, {query!r}: {took * 1e3:.0f} ms (wanted: under 200)")

        short = whole
        while sum(tokens.tokenize(r, "x", short).count for r in readers) > view.PAGE:
            short = short[: int(len(short) * 0.95)]
        large = do.compare(short, names, True)[0]
    chips = large.count('class="t')
    print(f"4. painting {chips:,} chips ({len(large) / 1e6:.1f} MB of HTML)")
    paint(large, do.compare(whole[:200], names, True)[0])


def paint(large: str, small: str) -> None:
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
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=flags)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_content(f"<style>{css}</style><div id=box class=gradio-container></div>")
        for name, html in (("small", small), ("large", large)):
            times = [page.evaluate(script, html) for _ in range(5)]
            typical = statistics.median(times)
            print(f"   {name}: median {typical:.0f} ms, best {min(times):.0f} ms (wanted: under 500)")
        browser.close()


if __name__ == "__main__":
    main()
