"""A room that is in no page yet (`tests/rooms/perplexity`): what CONTRIBUTING says is enough for one."""

from __future__ import annotations

import json
import math
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
import torch
from gradio_client import Client

from playground import text
from playground.models.cache import Loaded
from playground.settings import Settings
from playground.shell import page
from playground.ui import visitor
from playground.ui.context import Context
from tests.rooms.perplexity import panel

FOLDER = Path(panel.__file__).parent
MOST = 8  # files of a small room beside its words; this test is one of them
SAID = "The sun is warm."


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Context, gr.Blocks]]:
    known, words = text.catalogue, json.loads((FOLDER / "words.json").read_text(encoding="utf-8"))
    folder = tmp_path_factory.mktemp("room")
    context = Context.of(Settings(offline=True, models_dir=folder / "models", cache_dir=folder / "cache"))
    with pytest.MonkeyPatch.context() as patch:
        added = {
            lang: known(lang) | {f"{panel.KEY}.{key}": said for key, said in words[lang].items()}
            for lang in text.LANGUAGES
        }
        patch.setattr(text, "catalogue", added.__getitem__)
        patch.setattr(visitor, "_static", {*visitor._static})  # its words are no other page's
        patch.setattr(visitor, "_wholes", {**visitor._wholes})
        app = page.build_app(context, [panel])
        page.launch(app, context, server_port=None, mcp_server=False)
        yield context, app
        app.close()


def test_it_is_small() -> None:
    files = [path for path in FOLDER.iterdir() if path.suffix in (".py", ".js", ".css")]
    assert len(files) + 1 <= MOST


def test_its_endpoint_counts_as_transformers_does(served: tuple[Context, gr.Blocks]) -> None:
    context, app = served
    answer = Client(app.local_url, verbose=False, ssl_verify=False).predict(SAID, api_name="/perplexity")
    with closing(context.leasing(context.catalog.find("tutor"), "causal")) as steps:
        loaded = next(step for step in steps if isinstance(step, Loaded))
        ids = torch.tensor([loaded.tokenizer(SAID)["input_ids"]])
        with torch.inference_mode():
            loss = float(loaded.model(ids, labels=ids).loss)
    assert answer["tokens"] == ids.shape[1]
    assert answer["perplexity"] == pytest.approx(math.exp(loss), rel=1e-4)


def lines(app: gr.Blocks, given: dict[str, Any], lang: str) -> list[dict[str, Any]]:
    asked = urllib.request.Request(
        f"{app.local_url}playground/perplexity/measure?by=perplexity.text", json.dumps(given).encode(),
        {"Content-Type": "application/json", "X-Playground-Language": lang},
    )  # fmt: skip
    plain = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with plain.open(asked, timeout=60) as answer:
        return [json.loads(line) for line in answer]


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_its_page_is_answered_in_the_visitors_language(served: Any, lang: str) -> None:
    _, app = served
    *_, last = lines(app, {"perplexity.text": SAID, "perplexity.model": "tutor"}, lang)
    assert last["place"] == "perplexity-result"
    told = Client(app.local_url, verbose=False, ssl_verify=False).predict(SAID, api_name="/perplexity")
    assert f"<b>{told['perplexity']:.1f}</b>" in last["html"]
    assert text.say("perplexity.of", lang, count=told["tokens"]) in last["html"]


def test_what_cannot_be_measured_is_a_sentence(served: tuple[Context, gr.Blocks]) -> None:
    _, app = served
    (only,) = lines(app, {"perplexity.text": SAID, "perplexity.model": "no such"}, "zh-TW")
    assert only["error"] == text.say("errors.name_malformed", "zh-TW", name="no such")
