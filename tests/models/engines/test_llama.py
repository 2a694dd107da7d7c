"""llama.cpp in its child process, on a tiny model: what it writes, how it ends, and what is left behind."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import torch

from playground import ROOT
from playground.errors import BadInput, CannotLoad, DoesNotFit
from playground.models.cache import ModelCache
from playground.models.catalog import Catalog
from playground.models.engines import llama, llama_child
from playground.models.engines.interface import End, Order, Read, Token
from playground.models.engines.llama import Llama
from playground.models.gguf import header
from playground.models.loaders import TransformersLoader
from playground.models.sandbox import wire
from playground.system import cancellation
from tests.models import gguf_files
from tests.waiting import until

pytestmark = pytest.mark.skipif(not llama.available(), reason="xllamacpp is not installed on this platform")
IDS = [0, 80, 81, 82, 83]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("llama")


@pytest.fixture(scope="module")
def model(folder: Path) -> torch.nn.Module:
    return gguf_files.llama(folder / "tiny.gguf", kind="F32")


@pytest.fixture
def engine(folder: Path, model: torch.nn.Module) -> Iterator[Llama]:
    made = opened(folder / "tiny.gguf")
    yield made
    made.close()


def opened(path: Path) -> Llama:
    return Llama(path.name, path, header.read(path), threads=1)


def ids_of(engine: Llama, *prompt: int, **how: object) -> list[int]:
    order = Order(prompt or IDS, **{"max_new_tokens": 16, **how})  # type: ignore[arg-type]
    return [piece.id for piece in engine.stream(order) if isinstance(piece, Token)]


def alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_prompt_is_read_then_tokens_come_then_an_end(engine: Llama) -> None:
    pieces = list(engine.stream(Order(IDS, max_new_tokens=8, alternatives=5)))
    read = [piece for piece in pieces if isinstance(piece, Read)]
    tokens = [piece for piece in pieces if isinstance(piece, Token)]
    assert read[-1].done == read[-1].total == len(IDS)
    assert sum(1 + token.silent for token in tokens) <= 8
    end = pieces[-1]
    assert isinstance(end, End) and end.prompt_tokens == len(IDS) and end.new_tokens <= 8
    for token in tokens:
        assert token.probability is not None and 0 < token.probability <= 1 and len(token.top) == 5
        shares = [share for _, share in token.top]
        assert shares == sorted(shares, reverse=True) and token.seconds is not None


def test_probabilities_are_the_models_own(engine: Llama, model: torch.nn.Module) -> None:
    with torch.no_grad():
        own = torch.softmax(model(input_ids=torch.tensor([IDS])).logits[0, -1].float(), 0)  # type: ignore[operator]
    found = engine.likeliest(IDS, 10)
    values, places = own.topk(10)
    assert [id for id, _ in found] == places.tolist()
    assert [share for _, share in found] == pytest.approx(values.tolist(), abs=2e-3)
    first = next(
        piece for piece in engine.stream(Order(IDS, temperature=1.5, top_k=3)) if isinstance(piece, Token)
    )
    if not first.silent:  # before temperature and filters
        assert first.probability == pytest.approx(float(own[first.id]), abs=2e-3)


def test_a_seed_gives_the_same_reply(engine: Llama) -> None:
    drawn = [ids_of(engine, temperature=1.0, seed=seed) for seed in (3, 3, 4)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_penalty_and_filters_are_heard(engine: Llama) -> None:
    greedy = ids_of(engine)
    assert ids_of(engine, temperature=2.0, top_k=1, seed=1) == greedy
    assert ids_of(engine, temperature=2.0, min_p=1.0, seed=1) == greedy
    assert ids_of(engine, repetition_penalty=1.8) != greedy


def test_every_token_has_the_probability_that_transformers_gives_it(
    engine: Llama, model: torch.nn.Module
) -> None:
    """Of the whole vocabulary, whichever filters draw: they cut what is drawn from, not what is told."""
    for how in (
        {},
        {"temperature": 0.8, "top_k": 5, "top_p": 0.9, "seed": 2},
        {"temperature": 1.0, "seed": 3},
    ):
        order = Order(IDS, max_new_tokens=12, alternatives=4, **how)  # type: ignore[arg-type]
        tokens = [piece for piece in engine.stream(order) if isinstance(piece, Token)]
        ids = list(IDS)
        for token in tokens:
            if token.silent:  # of these the ids are not told, so that nothing after them can be read again
                break
            with torch.no_grad():
                logits = model(input_ids=torch.tensor([ids])).logits[0, -1]  # type: ignore[operator]
            own = torch.softmax(logits.float(), 0)
            assert token.probability == pytest.approx(float(own[token.id]), abs=3e-3)
            assert [share for _, share in token.top] == pytest.approx(own.topk(4).values.tolist(), abs=3e-3)
            ids.append(token.id)


def test_no_more_samplers_run_than_change_something() -> None:
    def chain(**how: float) -> list[str]:
        return list(llama.samplers(Order(IDS, **how), 64)["samplers"])  # type: ignore[arg-type]

    assert chain() == chain(top_p=0.5, min_p=0.1) == ["top_k"]  # greedy: the best one alone
    assert llama.samplers(Order(IDS), 64)["top_k"] == 1
    assert chain(repetition_penalty=1.2) == ["penalties", "top_k"]
    every = {"temperature": 0.7, "top_k": 40, "top_p": 0.9, "min_p": 0.05, "repetition_penalty": 1.1}
    assert chain(**every) == ["penalties", "top_k", "temperature", "top_p", "min_p"]
    assert chain(temperature=1.0) == ["temperature"]


def test_top_k_draws_from_so_many_and_as_often_as_their_chances_say(
    engine: Llama, model: torch.nn.Module
) -> None:
    """Before the temperature as after it: transformers' order gives the same."""
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([IDS])).logits[0, -1].float()  # type: ignore[operator]
    values, places = logits.topk(3)
    chances = torch.softmax(values / 1.7, 0).tolist()
    drawn = []
    for seed in range(120):
        order = Order(IDS, max_new_tokens=1, temperature=1.7, top_k=3, seed=seed)
        drawn += [piece.id for piece in engine.stream(order) if isinstance(piece, Token)]
    whole = [id for id in places.tolist() if id in drawn]
    assert set(drawn) <= set(places.tolist()) and len(whole) > 1
    if len(drawn) == 120:  # all three are whole characters, which alone are told
        for id, chance in zip(places.tolist(), chances, strict=True):
            assert drawn.count(id) / 120 == pytest.approx(chance, abs=0.16)


def test_what_was_read_is_not_read_again(engine: Llama) -> None:
    ids_of(engine, *range(10, 60))
    (end,) = [
        piece
        for piece in engine.stream(Order(list(range(10, 61)), max_new_tokens=1))
        if isinstance(piece, End)
    ]
    assert end.reused >= 40


def test_a_stop_is_heard_within_a_fifth_of_a_second(engine: Llama) -> None:
    running = engine.stream(Order(IDS, max_new_tokens=200, temperature=1.0))
    next(piece for piece in running if isinstance(piece, Token))
    began = time.monotonic()
    running.close()
    assert time.monotonic() - began < 0.2
    assert len(ids_of(engine, max_new_tokens=4)) >= 1


def test_batches_lose_no_token_and_what_is_waited_for_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two requests, in order; the first token of each and its end come at once, the others together."""
    monkeypatch.setattr(llama_child, "BATCH", 5.0)
    read, write = os.pipe()
    with os.fdopen(read, "rb") as source, os.fdopen(write, "wb") as stream:
        outbox = llama_child.Outbox(stream)
        batches = 0
        found: dict[int, list[int]] = {1: [], 2: []}

        def fill() -> None:
            for count in range(100):
                outbox.put(1, {"t": count}, urgent=count == 0)
                outbox.put(2, {"t": count}, urgent=count == 0)
                time.sleep(0.002)
            outbox.put(1, {"over": True}, urgent=True)

        began = time.monotonic()
        filling = threading.Thread(target=fill)
        filling.start()
        over = False
        while not over:
            message, _ = wire.receive(source)
            batches += 1
            for number, pieces in message["replies"]:
                found[number] += [piece["t"] for piece in pieces if "t" in piece]
                over = over or any("over" in piece for piece in pieces)
        filling.join()
        assert time.monotonic() - began < llama_child.BATCH
    assert found == {1: list(range(100)), 2: list(range(100))}
    assert batches <= 4  # what is urgent, with all that waited


def test_what_llama_cpp_refuses_is_a_sentence(engine: Llama) -> None:
    with pytest.raises(BadInput) as told:
        list(engine.stream(Order([99_999_999])))
    assert told.value.key == "errors.engine_says" and "invalid" in str(told.value.values["said"]).lower()
    assert ids_of(engine)


def test_many_are_written_at_the_same_time(engine: Llama) -> None:
    alone = [ids_of(engine, 0, first) for first in range(60, 68)]
    found: dict[int, list[int]] = {}

    def one(first: int) -> None:
        found[first] = ids_of(engine, 0, first)

    threads = [threading.Thread(target=one, args=(first,)) for first in range(60, 68)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    same = [found[first] == ids for first, ids in zip(range(60, 68), alone, strict=True)]
    assert len(found) == 8 and sum(same) >= 6  # sums of another order may choose otherwise


def test_a_child_that_is_killed_ends_a_reply_with_a_sentence_and_the_next_one_works(engine: Llama) -> None:
    running = engine.stream(Order(IDS, max_new_tokens=240, temperature=1.0))
    next(running)
    first = engine.pid
    assert first
    os.kill(first, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    with pytest.raises(CannotLoad) as told:
        for _ in running:
            pass
    assert told.value.key == "errors.engine_ended"
    assert ids_of(engine)
    assert engine.pid not in (None, first)


def test_a_closed_engine_has_no_process_and_says_so(engine: Llama) -> None:
    pid = engine.pid
    assert pid and alive(pid)
    engine.close()
    until(lambda: not alive(pid))
    with pytest.raises(CannotLoad):
        ids_of(engine)


def test_an_engine_that_nobody_holds_ends(folder: Path, model: torch.nn.Module) -> None:
    made = opened(folder / "tiny.gguf")
    pid = made.pid
    assert pid
    del made
    gc.collect()
    until(lambda: not alive(pid))


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system kills otherwise")
def test_no_child_outlives_a_parent_that_is_killed(folder: Path, model: torch.nn.Module) -> None:
    source = (
        "import sys; from pathlib import Path; from playground.models.engines.llama import Llama\n"
        "from playground.models.engines.interface import Order\n"
        "from playground.models.gguf import header\n"
        "path = Path(sys.argv[1]); made = Llama('tiny', path, header.read(path), threads=1)\n"
        "running = made.stream(Order([0, 80], max_new_tokens=240)); next(running)\n"
        "print(made.pid, flush=True); sys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", source, str(folder / "tiny.gguf")], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        assert alive(pid)
        parent.send_signal(signal.SIGKILL)
        parent.wait(30)
        until(lambda: not alive(pid))
    finally:
        parent.kill()


@pytest.mark.parametrize("how", [{"blocks": 9}, {"architecture": "oddity"}, {"pre": "nobody"}])
def test_files_that_lie_end_no_process_of_ours(how: dict[str, object], tmp_path: Path) -> None:
    path = tmp_path / "lie.gguf"
    gguf_files.llama(path, **how)  # type: ignore[arg-type]
    with pytest.raises(CannotLoad) as told:
        opened(path)
    assert told.value.key == "errors.engine_refused"


def test_a_block_count_of_none_ends_no_process_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "none.gguf"
    gguf_files.llama(path, blocks=0)
    with pytest.raises(CannotLoad):
        opened(path)


def test_without_the_package_it_says_so(
    folder: Path, model: torch.nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llama, "PACKAGE", "no_such_package_here")
    with pytest.raises(CannotLoad) as told:
        opened(folder / "tiny.gguf")
    assert told.value.key == "errors.engine_missing"


def test_who_is_not_waited_for_ends(engine: Llama) -> None:
    with pytest.raises(cancellation.Abandoned), cancellation.when(lambda: True):
        list(engine.stream(Order(IDS, max_new_tokens=1)))


# ---- in the cache ----


def cache_of(folder: Path, budget: int = 2**32) -> tuple[ModelCache, Catalog]:
    loader = TransformersLoader(offline=True, cache_dir=folder / "cache")
    return ModelCache(budget, loader, patience=0.1), Catalog(folder, folder / "cache", offline=True)


def test_the_cache_counts_leases_and_evicts_it(folder: Path, model: torch.nn.Module) -> None:
    cache, catalog = cache_of(folder)
    card = catalog.find("tiny.gguf")
    with cache.lease(card, "engine") as loaded:
        pid = loaded.model.pid
        (row,) = cache.status()
        assert row.role == "engine" and row.leases == 1 and row.stored == "F32"
        taken = psutil.Process(pid).memory_full_info().uss
        assert 0.5 * taken < row.bytes == cache.used_bytes() < 1.5 * taken + 2**26
        assert cache.unload("tiny.gguf") == 0 and alive(pid)
    with cache.lease(card, "engine") as again:
        assert again.model.pid == pid
    assert cache.unload("tiny.gguf") == row.bytes
    until(lambda: not alive(pid))


def test_another_model_pushes_it_out_and_what_never_fits_is_refused(
    folder: Path, model: torch.nn.Module
) -> None:
    room = llama.estimate(header.read(folder / "tiny.gguf"))
    cache, catalog = cache_of(folder, room + 2**20)
    (folder / "other.gguf").write_bytes((folder / "tiny.gguf").read_bytes())
    with cache.lease(catalog.find("tiny.gguf"), "engine") as loaded:
        pid = loaded.model.pid
    with cache.lease(catalog.find("other.gguf"), "engine") as other:
        until(lambda: not alive(pid))
        assert [row.name for row in cache.status()] == ["other.gguf"] and alive(other.model.pid)
    cache.unload("other.gguf")
    small, _ = cache_of(folder, 2**20)
    with pytest.raises(DoesNotFit), small.lease(catalog.find("tiny.gguf"), "engine"):
        pass


def test_what_the_header_says_of_size_bounds_what_is_kept() -> None:
    class Says:
        def __init__(self, **said: int) -> None:
            self.said = {"attention.head_count": 32, "embedding_length": 4096, "block_count": 32, **said}

        def own(self, key: str, otherwise: int = 0) -> int:
            return self.said.get(key, otherwise)

    seven = Says(context_length=32_768, **{"attention.head_count_kv": 8})
    assert llama.per_token(seven) == 131_072  # type: ignore[arg-type]
    assert llama.slots_of(seven) == (3, 2048)  # type: ignore[arg-type]
    smollm2 = Says(
        embedding_length=576, block_count=30, context_length=8192,
        **{"attention.head_count": 9, "attention.head_count_kv": 3},
    )  # fmt: skip
    assert llama.slots_of(smollm2) == (16, 2048)  # type: ignore[arg-type]
    assert llama.slots_of(Says(context_length=1000)) == (1, 1024)  # type: ignore[arg-type]
    assert llama.slots_of(Says(context_length=2**60, block_count=2**40)) == (1, llama.LEAST)  # type: ignore[arg-type]
