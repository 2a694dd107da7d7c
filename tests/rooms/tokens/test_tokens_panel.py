"""The Tokens panel on folders of a visitor's own, from names and texts to what it shows."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from playground import text
from playground.engine.generation import prompts
from playground.errors import BadInput, CannotLoad, DoesNotFit
from playground.models.cache import ModelCache
from playground.models.catalog import Catalog
from playground.models.loaders import TransformersLoader, tokenizers
from playground.rooms.next_token.actions import Answers
from playground.rooms.tokens.service import TokensService
from playground.settings import read
from playground.ui.context import Context
from playground.ui.visitor import sentence
from tests import small_models
from tests.models import saved
from tests.rooms.architecture import hostile_configs

PICTURES = (  # of a model that sees pictures too
    "{% for m in messages %}{{ m.role | capitalize }}: {% for part in m.content %}"
    "{% if part.type == 'text' %}{{ part.text }}{% endif %}{% endfor %}<end_of_utterance>\n{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)
SAID = [{"role": "user", "content": "How many legs has a cat?"}]


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    folder = tmp_path_factory.mktemp("own")
    saved.save(folder / "models" / "pictures", template=PICTURES)
    saved.save(folder / "models" / "deaf", template="User: <end_of_utterance>")
    small_models.llama_like().save_pretrained(folder / "models" / "TinyLlama-1.1B-Chat")
    settings = read(["--device", "cpu", "--dtype", "float32"], {})
    catalog = Catalog(folder / "models", folder / "uploads", offline=True)
    return Context(settings, catalog, ModelCache(2**30, TransformersLoader(offline=True)))


@pytest.fixture
def do(context: Context) -> TokensService:
    return TokensService(context)


def test_a_template_of_parts_keeps_the_words_wherever_it_is_rendered(
    do: TokensService, context: Context
) -> None:
    whole = "User: How many legs has a cat?<end_of_utterance>\nAssistant:"
    rendered, tokenized = do.chat_prompt(SAID, "pictures")
    assert rendered.prompt == tokenized.text == whole
    assert "legs" in do.prompt("", SAID[0]["content"], "", "", "pictures", True)
    with do.opened("pictures") as (loaded, r):  # Next token in chat mode, and Decoding
        made = prompts.message(loaded, SAID[0]["content"], 100)
        assert (made.text, made.listed) == (whole, True)
        assert made.ids == r.encode(whole, special=False).ids.tolist()
    *_, last = Answers(context).look({"model": "pictures", "prompt": SAID[0]["content"], "chat": True})
    assert last["look"]["parts"] is True and last["look"]["plain"] is False


def test_a_template_that_loses_the_words_is_refused(do: TokensService) -> None:
    for name, key in (("deaf", "words_lost"), ("TinyLlama-1.1B-Chat", "no_template_folder")):
        with pytest.raises(BadInput) as refused:
            do.chat_prompt(SAID, name)
        assert refused.value.key == f"errors.{key}"
        for lang in text.LANGUAGES:
            assert sentence(refused.value, lang)
    assert "This folder has no chat template" in sentence(refused.value, "en")
    assert "TinyLlama-1.1B-Chat" in sentence(refused.value, "en")


@pytest.mark.parametrize("name", ["all-MiniLM-L6-v2", "mistral-v1", "tekken", "byt5", "canine", "pictures"])
def test_ids_to_begin_with_are_this_tokenizers(do: TokensService, name: str) -> None:
    ids = do.some_ids(name)
    with do.opened(name) as (_, r):
        known = r.encode(text.say("tokens.example_ids", "en")).ids.tolist()
        assert [int(id) for id in ids.split(", ")] == known
    assert do.decode(ids, name)  # they are this vocabulary's: nothing is outside
    assert ids in do.decode(" ", name)  # the hint names them


def test_ids_to_begin_with_where_no_letter_is_known(do: TokensService) -> None:
    name = do.keep(
        '{"version": "1.0", "model": {"type": "BPE", "vocab": {"\u4e00": 0, "\u4e8c": 1}, "merges": []}}'
    )
    assert do.some_ids(name) == "0, 1"


@pytest.fixture
def fresh(context: Context, tmp_path: Path) -> TokensService:
    """With a folder of uploads of its own."""
    catalog = Catalog(tmp_path / "models", tmp_path / "uploads", offline=True)
    return TokensService(Context(context.settings, catalog, context.models))


def uploads(do: TokensService) -> list[str]:
    """Files that visitors brought, under the folders of servers; the marks of those servers left out."""
    names = [file.name for file in do.context.catalog.uploads.folder.rglob("upload-*.json")]
    return sorted(names)


def test_an_upload_joins_the_others(fresh: TokensService, tmp_path: Path) -> None:
    name = fresh.upload(hostile_configs.written(tmp_path, hostile_configs.quadratic()).where)
    assert uploads(fresh) == [f"{name}.json"]
    assert fresh.beside(["byt5"], name) == (["byt5", name], "")
    assert fresh.beside([*"abcdef"], name) == ([*"abcde", name], "f")
    assert fresh.beside([*"abcde", name], name) == ([*"abcde", name], "")
    (found,) = fresh.tokenized("ab", [name], False)
    assert found.encoded.ids.tolist() == [0, 1]


@pytest.mark.parametrize("made", [hostile_configs.template(200, 1000), hostile_configs.replaces()])
def test_an_upload_that_is_refused_is_not_kept(
    fresh: TokensService, tmp_path: Path, made: dict[str, object]
) -> None:
    with pytest.raises(CannotLoad):
        fresh.upload(hostile_configs.written(tmp_path, made).where)
    assert uploads(fresh) == []


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory hold on Linux")
def test_an_upload_that_kills_its_process_is_not_kept(
    fresh: TokensService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own trial did it: the file stayed, and killed again whoever chose it."""
    script = (
        "from playground.models.loaders import tokenizer_limits as l\n"
        "from playground.engine.tokenizers import sandbox_process as p\n"
        "l.AROUND = l.COPIES = 10**12; p._main()"
    )
    monkeypatch.setattr(tokenizers, "COMMAND", (sys.executable, "-c", script))
    with pytest.raises(DoesNotFit, match="tokenizer_too_large"):
        fresh.upload(hostile_configs.written(tmp_path, hostile_configs.template()).where)
    assert uploads(fresh) == []


def test_an_upload_that_breaks_off_is_not_kept(fresh: TokensService, tmp_path: Path) -> None:
    for content, error in (("[1]", BadInput), ('{"model": ', BadInput), ('{"a":' * 10_000, CannotLoad)):
        file = tmp_path / "it.json"
        file.write_text(content, encoding="utf-8")
        with pytest.raises(error):
            fresh.upload(str(file))
    assert uploads(fresh) == []
