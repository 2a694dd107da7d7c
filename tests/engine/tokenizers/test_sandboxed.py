"""A stranger's tokenizer has a process of its own: it answers as any other, and harms nobody."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from hypothesis import HealthCheck, given, settings

from playground.engine.generation import chat_template
from playground.engine.generation.detokenize import TextStream
from playground.engine.tokenizers import model_inputs, replays, vocabulary
from playground.engine.tokenizers.libraries import Adapter, HuggingFaceAdapter, adapter
from playground.engine.tokenizers.sandboxed import ConfinedAdapter
from playground.engine.tokenizers.tokenize import detokenize, tokenize
from playground.engine.vectors import encode
from playground.errors import BadInput, CannotLoad, DoesNotFit, PlaygroundError, TookTooLong
from playground.models.cache import Loaded, ModelCache
from playground.models.catalog import FETCHED_BY_NAME, Catalog, ModelCard, foreign
from playground.models.loaders import TransformersLoader, tokenizers
from playground.models.sandbox import process as children
from playground.models.sandbox.tokenizer import ConfinedTokenizer
from playground.rooms.embeddings.token_vectors import hidden_states
from playground.rooms.models import trial
from tests import small_models
from tests.app import ROOT, SLOWER, tokenizer_json
from tests.engine.tokenizers.nasty_tokenizers import nasty
from tests.models import saved
from tests.rooms.architecture import hostile_configs
from tests.rooms.architecture.hostile_configs import opened, written

TEXTS = (
    "",
    " ",
    "hello world",
    "  The  the café e\u0301 ",
    "你好，世界 👨‍👩‍👧‍👦",
    "[CLS] a [MASK] </s>",
    "a\0\r\n\u202e",
)
POSIX = pytest.mark.skipif(sys.platform != "linux", reason="limits of memory hold on Linux")


@pytest.fixture(scope="module")
def minilm(catalog: Catalog) -> Iterator[tuple[Adapter, ConfinedAdapter]]:
    """The embedded tokenizer here, and as if a stranger had brought it."""
    from playground.models.loaders.places import place

    card = catalog.find("all-MiniLM-L6-v2")
    path = place(card)
    assert path is not None
    stranger = ModelCard("theirs", "folder", str(path))
    there = adapter(Loaded(stranger, tokenizers.confined(stranger, path)))
    assert isinstance(there, ConfinedAdapter)
    yield adapter(Loaded(card, tokenizers.read(card, path))), there
    there.tokenizer.close()


@pytest.fixture(scope="module", params=["bytes", "llama", "unigram", "word-level", "clip"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Other kinds, here and there."""
    file = tmp_path_factory.mktemp("kinds") / "it.json"
    small_models.KINDS[request.param]().backend_tokenizer.save(str(file))
    card = ModelCard("it", "upload", str(file))
    there = opened(card)
    yield adapter(Loaded(card, tokenizers.read(card, file))), there
    there.tokenizer.close()


def same(here: Adapter, there: Adapter, text: str) -> None:
    for special in (True, False):
        one, other = tokenize(here, "it", text, special), tokenize(there, "it", text, special)
        assert list(one.tokens()) == list(other.tokens())
        assert one.normalized == other.normalized
        for name in ("ids", "starts", "ends", "added"):
            found = getattr(other.encoded, name)
            assert np.array_equal(getattr(one.encoded, name), found) and found.flags.writeable
    ids = here.encode(text).ids.tolist()
    assert detokenize(here, "it", ids).text == detokenize(there, "it", ids).text
    one_by_one = [TextStream(here), TextStream(there)]
    assert [one_by_one[0].push(id) for id in ids] == [one_by_one[1].push(id) for id in ids]


@pytest.mark.parametrize("text", TEXTS)
def test_the_same_texts(pair: Any, minilm: Any, text: str) -> None:
    same(*pair, text)
    same(*minilm, text)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=nasty)
def test_any_text(minilm: Any, text: str) -> None:
    same(*minilm, text)


def test_the_same_facts(pair: Any, minilm: Any) -> None:
    for here, there in (pair, minilm):
        assert vocabulary.facts(here) == vocabulary.facts(there)
        assert here.own == there.own and here.last == there.last and here.spelling == there.spelling
        ids = list(here.vocabulary())
        assert list(there.vocabulary()) == ids
        around = [*ids, -1, here.last + 1, 10**9]
        assert [here.piece(id) for id in around] == [there.piece(id) for id in around]
        assert vocabulary.search(here, "e") == vocabulary.search(there, "e")


def replayed(of: Adapter, text: str) -> Any:
    try:
        return list(replays.replays(of, text))
    except BadInput as refused:
        return refused.key, refused.values


def test_the_same_replays(pair: Any, minilm: Any) -> None:
    for here, there in (pair, minilm):
        for text in ("hello unbelievable world", "你好", "", "x" * 300):
            assert replayed(here, text) == replayed(there, text)


def test_the_same_prompt_of_a_chat_template(tmp_path: Path) -> None:
    folder = tmp_path / "chats"
    tokenizer = saved.tokenizer()
    tokenizer.chat_template = (
        "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}\n{% endfor %}{{ eos_token }}"
    )
    tokenizer.save_pretrained(folder)
    card = ModelCard("chats", "folder", str(folder))
    here = adapter(Loaded(card, tokenizers.read(card, folder)))
    there = adapter(Loaded(card, tokenizers.confined(card, folder)))
    said = [{"role": "user", "content": "hello 👍"}, {"role": "assistant", "content": "the end"}]
    one, other = (chat_template.render(each, "it", None, said, source="folder") for each in (here, there))
    assert one.prompt == other.prompt and one.segments == other.segments and one.sources == other.sources
    assert one.encoded.ids.tolist() == other.encoded.ids.tolist()
    there.tokenizer.close()


def test_who_is_a_stranger() -> None:
    listed = FETCHED_BY_NAME["openai-community/gpt2"]
    assert not foreign(listed, public=True)
    assert foreign(ModelCard("openai-community/GPT2", "hub", "openai-community/GPT2"), public=False)
    assert foreign(ModelCard("upload-0", "upload", "x"), public=False)
    folder = ModelCard("x", "folder", "x")
    assert foreign(folder, public=True) and not foreign(folder, public=False)


def test_the_cache_keeps_strangers_apart_and_ends_their_process(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "tokenizer.json").write_text(tokenizer_json(), encoding="utf-8")
    catalog = Catalog(tmp_path, tmp_path, offline=True)
    with ModelCache(2**30, TransformersLoader(offline=True)).lease(catalog.find("own")) as loaded:
        assert isinstance(adapter(loaded), HuggingFaceAdapter)
    cache = ModelCache(2**30, TransformersLoader(offline=True, public=True))
    with cache.lease(catalog.find("own")) as loaded:
        there = adapter(loaded)
        assert isinstance(there, ConfinedAdapter)
        process = psutil.Process(there.tokenizer.pid)
    cache.unload("own")
    assert not process.is_running()


def test_a_process_ends_with_what_holds_it(tmp_path: Path) -> None:
    it = opened(written(tmp_path, hostile_configs.whole()))
    process = psutil.Process(it.tokenizer.pid)
    del it
    gc.collect()
    process.wait(10)


def test_processes_end_with_the_app(tmp_path: Path) -> None:
    """Also where it is killed and can end nothing itself."""
    written(tmp_path, hostile_configs.whole())
    script = (
        "import sys, time; from pathlib import Path\n"
        "from tests.rooms.architecture.hostile_configs import opened\n"
        "from playground.models.catalog import ModelCard\n"
        "it = opened(ModelCard('it', 'upload', sys.argv[1])); print(it.tokenizer.pid, flush=True)\n"
        "time.sleep(0 if sys.argv[2] == 'ends' else 600)"
    )
    for how in ("ends", "killed"):
        started = subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / "it.json"), how], cwd=ROOT, stdout=subprocess.PIPE
        )
        assert started.stdout
        child = psutil.Process(int(started.stdout.readline()))
        if how == "killed":
            started.kill()
        started.wait(60)
        psutil.wait_procs([child], timeout=20)
        assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_it_knows_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_TOKEN", "PLAYGROUND_PASSWORD", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "s3cret")
    it = opened(written(tmp_path, hostile_configs.whole()))
    environment = psutil.Process(it.tokenizer.pid).environ()
    assert "s3cret" not in str(environment)
    assert set(environment) <= {*children.environment(), "LC_CTYPE", "PWD", "SHLVL", "_"}


def percentile(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.99)]


def timed(run: Callable[[], object], seconds: float) -> list[float]:
    times, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
        time.sleep(0.002)
    return times


def test_a_pattern_without_end_delays_nobody(
    tmp_path: Path, opened: Callable[[str], Adapter], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this process it held the interpreter's lock: nobody else did anything for eight seconds."""
    ours, theirs = (
        opened("all-MiniLM-L6-v2"),
        hostile_configs.opened(written(tmp_path, hostile_configs.quadratic())),
    )
    run = lambda: ours.encode("The quick brown fox jumps over the lazy dog. " * 20)
    run()
    idle = timed(run, 1.5)
    monkeypatch.setattr(children, "SECONDS", 2.5)
    caught: list[PlaygroundError] = []

    def ask() -> None:
        try:
            theirs.encode("a" * 120_000)
        except PlaygroundError as error:
            caught.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    busy = timed(run, 2.0)
    thread.join()
    assert percentile(busy) < 3 * percentile(idle) + 0.05 * SLOWER
    assert [type(error) for error in caught] == [TookTooLong]
    assert caught[0].key == "errors.tokenizer_too_long"
    assert theirs.encode("ab").ids.tolist() == [0, 1]  # and it works again


@POSIX
def test_memory_without_end(tmp_path: Path) -> None:
    it = opened(written(tmp_path, hostile_configs.heavy()))
    with pytest.raises(PlaygroundError) as caught:
        it.decode([1] * 20_000)  # 20 GB
    assert isinstance(caught.value, DoesNotFit) or caught.value.key == "errors.tokenizer_multiplies"
    assert it.decode([0]) == "a"


@POSIX
def test_a_template_of_a_hundred_million_tokens_aborts_its_own_process_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the limits of parts would let it through."""
    card = written(tmp_path, hostile_configs.template())
    script = (
        "from playground.models.loaders import tokenizer_limits as l\n"
        "from playground.engine.tokenizers import sandbox_process as p\n"
        "l.AROUND = l.COPIES = 10**12; p._main()"
    )
    monkeypatch.setattr(tokenizers, "COMMAND", (sys.executable, "-c", script))
    it = opened(card)
    with pytest.raises(DoesNotFit, match="tokenizer_too_large"):
        it.encode("a")
    assert it.encode("a", special=False).ids.tolist() == [0]


def test_killed_in_the_middle(tmp_path: Path) -> None:
    it = opened(written(tmp_path, hostile_configs.quadratic()))
    pid = it.tokenizer.pid
    caught: list[BaseException] = []

    def ask() -> None:
        try:
            it.encode("a" * 300_000)
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(0.5)
    os.kill(pid, signal.SIGTERM)
    thread.join()
    assert [type(error) for error in caught] == [BadInput]
    assert caught[0].key == "errors.tokenizer_crashed"  # type: ignore[attr-defined]
    assert it.encode("ab").ids.tolist() == [0, 1]
    assert it.tokenizer.pid not in (None, pid)


def test_killed_while_idle(tmp_path: Path) -> None:
    it = opened(written(tmp_path, hostile_configs.whole()))
    process = psutil.Process(it.tokenizer.pid)
    process.kill()
    process.wait()
    assert it.encode("ab").ids.tolist() == [0, 1]


def test_a_file_that_is_another_now(tmp_path: Path) -> None:
    it = opened(written(tmp_path, hostile_configs.whole()))
    process = psutil.Process(it.tokenizer.pid)
    process.kill()
    process.wait()
    (tmp_path / "it.json").write_text(tokenizer_json(), encoding="utf-8")
    with pytest.raises(CannotLoad, match="broken_tokenizer"):
        it.encode("ab")


def test_the_least_recently_used_makes_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children, "_POOL", children._Pool())
    monkeypatch.setattr(children, "MOST", 2)
    first, second = (opened(written(tmp_path, hostile_configs.whole(), name)) for name in ("first", "second"))
    first.encode("a")
    third = opened(written(tmp_path, hostile_configs.whole(), "third"))
    assert second.tokenizer.pid is None and first.tokenizer.pid and third.tokenizer.pid
    assert second.encode("ab").ids.tolist() == [0, 1]  # it is back, and another made room
    assert first.tokenizer.pid is None


def test_who_waits_too_long_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    it = opened(written(tmp_path, hostile_configs.whole()))
    monkeypatch.setattr(children, "SECONDS", 0.2)
    session = it.tokenizer._session
    with session._turn, pytest.raises(TookTooLong, match="tokenizer_busy"):
        it.encode("a")
    monkeypatch.setattr(children, "_PLACES", threading.BoundedSemaphore(1))
    with children._place("another"), pytest.raises(TookTooLong, match="tokenizer_busy"):
        it.encode("a")


def test_a_listener_that_leaves_gets_no_later_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer to nobody must not be taken for the next one's."""
    it = opened(written(tmp_path, hostile_configs.whole()))

    def leave(stream: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(children.wire, "receive", leave)
        with pytest.raises(KeyboardInterrupt):
            it.encode("a")
    assert it.encode("bb").ids.tolist() == [1, 1]


def test_what_a_child_says_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    it = opened(written(tmp_path, hostile_configs.whole()))
    wrong = {
        "ids": np.array([1], np.int32), "starts": np.array([0], np.int32),
        "ends": np.array([9], np.int32), "added": np.array([0], np.uint8),
    }  # fmt: skip
    monkeypatch.setattr(ConfinedTokenizer, "ask", lambda *_, **__: ({}, wrong))
    with pytest.raises(RuntimeError, match="does not fit"):
        it.encode("a")


def test_models_of_strangers(catalog: Catalog, tmp_path: Path) -> None:
    """The sentence model and the tutor, brought by a stranger: the same vectors and texts as our own."""
    from playground.models.loaders.places import place

    (tmp_path / "models").mkdir()
    for name in ("all-MiniLM-L6-v2", "tutor"):
        path = place(catalog.find(name))
        assert path is not None
        os.symlink(path, tmp_path / "models" / f"their-{name}")
    theirs = Catalog(tmp_path / "models", tmp_path, offline=True)
    cache = ModelCache(2**31, TransformersLoader(offline=True, public=True))
    texts = ["The cat sat.", "  A dog ran away, quickly!  ", "你好", "word " * 600]
    with (
        cache.lease(catalog.find("all-MiniLM-L6-v2"), "encoder", dtype="float32") as ours,
        cache.lease(theirs.find("their-all-MiniLM-L6-v2"), "encoder", dtype="float32") as strange,
    ):
        assert isinstance(strange.tokenizer, ConfinedTokenizer)
        assert len(strange.model.tokenizer) < 10  # what the library has is a stand-in
        here, there = (model_inputs.rows(each, texts, 256) for each in (ours, strange))
        assert here.ids == there.ids and here.begin == there.begin
        assert here.tokens.tolist() == there.tokens.tolist()
        one, other = (encode.encode(each, texts) for each in (ours, strange))
        assert np.allclose(one.vectors, other.vectors, atol=1e-6) and one.limit == other.limit
        plain = ours.model.encode(texts, show_progress_bar=False)
        assert np.allclose(plain, other.vectors, atol=1e-5)
        one, other = (hidden_states.run(each, texts[:3]).texts[1] for each in (ours, strange))
        assert (one.tokens, one.spans, one.special, one.fed) == (
            other.tokens, other.spans, other.special, other.fed
        )  # fmt: skip
        assert np.allclose(one.layers, other.layers, atol=1e-5)
        assert other.encoded is not None and np.allclose(one.encoded, other.encoded, atol=1e-5)
        one, other = (trial.trial(each, "encoder", "", texts[:3], "") for each in (ours, strange))
        assert np.allclose([x for _, x in one.answers], [x for _, x in other.answers], atol=1e-5)
    with (
        cache.lease(catalog.find("tutor"), "causal", dtype="float32") as ours,
        cache.lease(theirs.find("their-tutor"), "causal", dtype="float32") as strange,
    ):
        assert isinstance(strange.tokenizer, ConfinedTokenizer)
        one, other = (trial.trial(each, "causal", "What is a token?", (), "") for each in (ours, strange))
        assert one.answers == other.answers
        one, other = (encode.encode(each, texts[:2], "causal") for each in (ours, strange))
        assert np.allclose(one.vectors, other.vectors, atol=1e-5)
