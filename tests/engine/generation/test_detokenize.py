"""Text as it grows: whole characters only, nothing taken back, and in the end what the library says."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playground.engine.generation.detokenize import TextStream, alternatives, whole
from playground.engine.tokenizers.adapter import Adapter
from playground.engine.tokenizers.libraries import adapter
from playground.models.cache import Loaded
from playground.models.catalog import ModelCard
from tests.engine.tokenizers.nasty_tokenizers import SNIPPETS, nasty, random_text
from tests.small_models import KINDS

TEXTS = [
    "hello world the thing",
    "你好，世界",
    "👩‍👩‍👧 👍🏽 é e\u0301",
    "a  b\n\n c ",
    " leading",
    "don't 3.14",
    "",
]
BYTES_KEPT = ("llama", "bytes", "bytes-prefix", "roberta", "unigram-bytes")


def of(kind: str) -> Adapter:
    return adapter(Loaded(ModelCard(kind, "folder", ""), KINDS[kind]()))


READERS = {kind: of(kind) for kind in KINDS}


def stream(of: Adapter, ids: list[int], before: list[int] | None = None) -> tuple[list[str], TextStream]:
    """The text after each token; nothing is ever taken back, and no � that was not final."""
    made, texts = TextStream(of, before or []), []
    for id in ids:
        shown = made.text
        new = made.push(id)
        assert made.text == shown + new
        texts.append(made.text)
    return texts, made


@pytest.mark.parametrize("kind", KINDS)
def test_streaming_ends_as_the_library_decodes(kind):
    one = READERS[kind]
    for text in [*TEXTS, *SNIPPETS]:
        ids = one.encode(text, special=True).ids.tolist()
        texts, made = stream(one, ids)
        last = made.text
        made.finish()
        assert made.text == one.tokenizer.decode(ids, skip_special_tokens=True), text
        if one.keeps_bytes:
            assert made.text == last, text  # all of it was out before the end
        for shown in texts:
            assert made.text.startswith(shown), text
            assert "�" not in shown or "�" in text


@pytest.mark.parametrize("kind", BYTES_KEPT)
@given(text=nasty)
def test_any_text_never_shows_a_broken_character(kind, text):
    one = READERS[kind]
    ids = one.encode(text, special=False).ids.tolist()
    texts, made = stream(one, ids)
    assert all("�" not in shown for shown in texts) or "�" in text
    end = made.text
    made.finish()
    assert made.text == end == one.tokenizer.decode(ids, skip_special_tokens=True)


@pytest.mark.parametrize("kind", KINDS)
@given(ids=st.lists(st.integers(0, 250), max_size=40))
def test_any_ids_even_nonsense(kind, ids):
    """What a model with random weights writes."""
    one = READERS[kind]
    ids = [id for id in ids if id <= one.last]
    texts, made = stream(one, ids)
    made.finish()
    assert made.text == one.tokenizer.decode(ids, skip_special_tokens=True)
    assert len(texts) == len(ids)
    if kind in ("bytes", "roberta"):  # every � shown was final
        assert all(made.text.startswith(shown) for shown in texts)


def test_a_character_is_written_with_its_last_byte():
    one = READERS["bytes-untrimmed"]
    spelled = [one.tokenizer.convert_tokens_to_ids(p) for p in ("ð", "Ł", "ĳ")]  # f0 9f 91 of 👍
    last = next(id for id in one.vocabulary() if one.piece(id).bytes == b"\x8d")
    made = TextStream(one)
    assert [made.push(id) for id in [*spelled, last]] == ["", "", "", "👍"]
    held = TextStream(one)
    for id in spelled:
        held.push(id)
    assert held.held == b"\xf0\x9f\x91" and held.text == ""
    assert held.finish() == "�" and held.text == "�" == one.decode(spelled)
    broken = TextStream(one)
    letter = next(id for id in one.vocabulary() if one.piece(id).bytes == b"a")
    assert [broken.push(id) for id in [*spelled, letter]] == ["", "", "", "�a"]


def test_bytes_of_sentencepiece_are_lost_one_by_one():
    one = READERS["llama"]
    byte = {one.piece(id).bytes: id for id in one.vocabulary() if one.piece(id).kind == "byte"}
    ids = [byte[b"\xe4"], byte[b"\xbd"], one.tokenizer.convert_tokens_to_ids("a")]
    texts, made = stream(one, ids)
    made.finish()
    assert texts == ["", "", "��a"] and made.text == "��a" == one.decode(ids)


@pytest.mark.parametrize("kind", ["llama", "unigram", "unigram-bytes"])
def test_a_continued_text_keeps_its_blank(kind):
    one = READERS[kind]
    before = one.encode("hello", special=False).ids.tolist()
    both = one.encode("hello the hello", special=False).ids.tolist()
    assert both[: len(before)] == before
    texts, made = stream(one, both[len(before) :], before)
    made.finish()
    assert texts[-1] == made.text == " the hello"
    alone, made = stream(one, both[len(before) :])
    made.finish()
    assert alone[-1] == made.text == "the hello"


def cleaned_up() -> Adapter:
    """Of bytes, but its library's decoder mends blanks: so it decodes by windows."""
    tokenizer = KINDS["bytes"]()
    tokenizer.clean_up_tokenization_spaces = True
    return adapter(Loaded(ModelCard("cleaned-up", "folder", ""), tokenizer))


@pytest.mark.parametrize("one", [READERS["bytes"], cleaned_up()], ids=["bytes", "windows"])
def test_a_text_cut_inside_a_character_goes_on_with_the_rest_of_it(one):
    ids = one.encode("👍🏽 你", special=False).ids.tolist()
    for cut in range(len(ids) + 1):
        head, first = stream(one, ids[:cut])
        _, second = stream(one, ids[cut:], ids[:cut])
        assert (head[-1] if head else "") + second.text == "👍🏽 你"
        assert "�" not in second.text and first.text + second.text == "👍🏽 你"


def test_alternatives_are_spelled_after_what_came_before():
    one = READERS["bytes"]
    by = {one.piece(id).bytes: id for id in one.vocabulary()}
    ids = [by[b"\x8d"], by[b"a"], one.tokenizer.eos_token_id]
    found = alternatives(one, ids, [0.5, 0.25, 0.125], [1.0, 0.0, 0.0], b"\xf0\x9f\x91")
    assert [each.text for each in found] == ["👍", "�a", "<|end|>"]
    assert [each.special for each in found] == [False, False, True]
    assert [each.raw for each in found][:2] == [b"\x8d", b"a"]
    assert [each.probability for each in found] == [0.5, 0.25, 0.125]
    assert alternatives(one, [by[b"\xe4"]], [1.0], [1.0])[0].text == ""
    assert whole("a你".encode()[:-1]) == "a" and whole(b"") == "" and whole("👍".encode()) == "👍"


def test_a_long_text_takes_constant_time_per_token():
    one, chance = READERS["bytes"], random.Random(1)
    text = "".join(random_text(chance) for _ in range(3000))
    ids = one.encode(text, special=False).ids.tolist()
    for id in set(ids):
        one.piece(id)

    def seconds(n: int) -> float:
        began = time.perf_counter()
        made = TextStream(one)
        for id in ids[:n]:
            made.push(id)
        return time.perf_counter() - began

    assert len(ids) > 40_000
    short, long = min(seconds(4_000) for _ in range(5)), min(seconds(40_000) for _ in range(3))
    assert long < 40 * short


@pytest.mark.real
@pytest.mark.parametrize("name", ["gpt2", "llama-2-tinyllama", "bert-base-cased", "qwen1.5", "stories260K"])
def test_real_vocabularies(name, shared_catalog, models):
    if not (shared_catalog.models_dir / name).is_dir():
        pytest.skip(f"no ../shared/models/{name}")
    with models.lease(shared_catalog.find(name)) as loaded:
        one = adapter(loaded)
    chance = random.Random(7)
    for text in [*TEXTS, *SNIPPETS, *(random_text(chance) for _ in range(300))]:
        ids = one.encode(text, special=True).ids.tolist()
        texts, made = stream(one, ids)
        last = made.text
        made.finish()
        assert made.text == one.tokenizer.decode(ids, skip_special_tokens=True), text
        assert all(made.text.startswith(shown) for shown in texts), text
        assert "�" in text or "�" not in last
