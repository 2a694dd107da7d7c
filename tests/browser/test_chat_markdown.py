"""Replies' Markdown as the page shows it: what it makes, what it never makes, and that tokens stay tokens."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.app import App
from tests.app_fixture import app  # noqa: F401
from tests.browser.test_chat_page import answered, ready, tell
from tests.browser.visiting import Visit, visiting

pytestmark = pytest.mark.browser
REPLY = r"""## Heading
**bold** *em* `co*de*` ~~gone~~ [link](javascript:window.canary=1) ![x](https://example.org/x.png) $5 and $10

3. three
4. four
   - inside

> quoted

| a | b |
|:--|--:|
| 1 | $\frac{x_i}{\sqrt[3]{2}}$ |

```python
<script>window.canary = 1</script>
```

$$\text{softmax}\left(\frac{QK^\top}{\sqrt{d_k}}\right)$$

$\unknown{x}$ <img src=x onerror="window.canary = 1">
"""
MADE = {
    "h5": "Heading", "strong": "bold", "em": "em", "del": "gone", "ol[start='3'] > li": "three",
    "ol li ul li": "inside", "blockquote": "quoted", "td": "1", "th:nth-child(2)": "b",
    "figure.chat-code pre": "<script>window.canary = 1</script>", "figure.chat-code figcaption": "python",
    "code.chat-tex": r"$\unknown{x}$",
}  # fmt: skip
# Every token is a character or two, so that all of them must be cut where Markdown cuts.
BEGIN = """(text) => {
  const n = Array.from({ length: Math.ceil(text.length / 2) }, (_, i) => Math.min(2, text.length - 2 * i));
  playground.chat.begin([{ role: "user", content: "?" },
    { role: "assistant", content: text, ids: n.map((_, i) => i), p: n.map(() => 0.5), n, done: null }]);
}"""


@pytest.fixture
def visit(browser: Browser, app: App) -> Iterator[Visit]:  # noqa: F811
    with visiting(browser, app.panel("chat")) as visit:
        yield visit


def test_markdown_is_shown_and_nothing_of_it_runs(visit: Visit) -> None:
    page = visit("?tab=chat", ready=False)
    ready(page)
    page.evaluate(BEGIN, REPLY)
    body = page.locator(".chat-msg.assistant .chat-body")
    for selector, words in MADE.items():
        expect(body.locator(selector).first).to_have_text(words)
    expect(body).to_contain_text("$5 and $10")
    expect(body.locator("math mfrac")).to_have_count(2)
    expect(body.locator("math[display=block] msqrt")).to_have_count(1)
    expect(body.locator("math mroot")).to_have_count(1)
    expect(body.locator("a, img, script, iframe")).to_have_count(0)
    expect(body.locator(".chat-link").first).to_contain_text("javascript:window.canary=1")
    # Each piece of text is of the token that it came from, and the other view shows all of the source.
    cut = body.locator(".ct").evaluate_all(
        "(all) => all.map((each) => [Number(each.dataset.i), each.textContent])"
    )
    assert all(words in REPLY[2 * i : 2 * i + 2] for i, words in cut)
    page.locator(".chat-views [data-view=tokens]").click()
    assert body.evaluate("(body) => body.textContent") == REPLY


@pytest.mark.parametrize(
    "nasty", [">" * 5000, "*" * 5000, "[" * 5000, "- " * 2000, "$" * 999, "| |\n|-|\n" * 500]
)
def test_whatever_is_written_is_shown_at_once(visit: Visit, nasty: str) -> None:
    page = visit("?tab=chat", ready=False)
    ready(page)
    spent = page.evaluate(
        "(text) => { const from = performance.now();"
        " playground.chat.markdown(text, (a, b) => text.slice(a, b)); return performance.now() - from; }",
        nasty,
    )
    assert spent < 3000


def test_a_reply_is_written_as_markdown(visit: Visit) -> None:
    page = visit("?tab=chat", ready=False)
    ready(page)
    tell(page, "What is the capital of France?")
    assert "Paris" in answered(page)
    expect(page.locator(".chat-msg.assistant .chat-body > p .ct").first).to_be_visible()
