"""Watching a shared model: only the own passes are heard, and no pass runs beside another's."""

from __future__ import annotations

import ast
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from playground.engine.generation import interpret
from playground.engine.generation.generate import Waiting
from playground.engine.generation.logits import _last_hidden
from playground.engine.hooks import hooks
from playground.engine.in_turn import finished, in_line
from playground.engine.queue import line
from playground.engine.vectors import encode as encoding
from playground.rooms.architecture import forward
from playground.rooms.embeddings.token_vectors import hidden_states
from playground.rooms.models import trial
from tests.small_models import byte_level
from tests.tiny_tokenizers import loaded_of, model_of
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def another(work: Callable[[], Any]) -> Iterator[None]:
    """Another visitor, whose thread does this again and again; at least once before the block begins."""
    stop, times, failed = threading.Event(), [0], []

    def run() -> None:
        try:
            while not stop.is_set():
                work()
                times[0] += 1
        except Exception as error:
            failed.append(error)
            raise

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    until(lambda: times[0] or failed)
    try:
        yield
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive() and not failed


def passing(model: Any, length: int) -> Callable[[], Any]:
    """A pass over so many tokens, as somebody makes it who knows nothing of turns."""
    import torch

    def work() -> None:
        with torch.inference_mode():
            model(input_ids=torch.tensor([[5] * length]))

    return work


@pytest.mark.parametrize("kind", ["llama", "gpt2", "mamba"])
def test_a_watched_pass_holds_nobody_elses(kind: str, one_thread: None):
    """With a chat running, 30 of 30 tables held the other visitor's passes."""
    model = model_of(kind)
    alone = forward.watch(model, [1, 2, 3])
    assert {row.shape[1] for row in alone if len(row.shape) == 3} == {3}
    with another(passing(model, 7)):
        for _ in range(10):
            assert forward.watch(model, [1, 2, 3]) == alone


def test_neither_do_the_other_watchers(one_thread: None):
    loaded = loaded_of(model_of("llama"))
    with another(passing(interpret.twin(loaded), 7)):
        for _ in range(5):
            seen = interpret.lens(loaded, [1, 2, 3])
            assert seen.ids.shape[1] == 3
    with another(passing(loaded.model, 7)):
        for _ in range(10):
            with _last_hidden(loaded.model) as heard:
                passing(loaded.model, 2)()
            assert len(heard) == 1


def test_hooks_are_gone_afterwards_also_after_an_error():
    model = model_of("llama")

    def count() -> int:
        return sum(len(each._forward_hooks) + len(each._forward_pre_hooks) for each in model.modules())

    with pytest.raises(ZeroDivisionError), hooks() as ours:
        ours.after(model, lambda module, given, out: None)
        ours.before(model.lm_head, lambda module, given: None)
        assert count() == 2
        raise ZeroDivisionError
    assert count() == 0
    with pytest.raises(IndexError):
        forward.watch(model, [10**6])
    assert count() == 0


def test_a_hook_may_change_what_its_own_thread_gets_and_nobody_elses():
    import torch

    layer = torch.nn.Linear(2, 2)
    given = torch.ones(1, 2)
    plain = layer(given)
    other: list[Any] = []
    with hooks() as ours:
        ours.before(layer, lambda module, given: (given[0] * 0,))
        ours.after(layer, lambda module, given, out: out + 1)
        thread = threading.Thread(target=lambda: other.append(layer(given)))
        thread.start()
        thread.join(30)
        assert torch.equal(layer(given), layer.bias[None] + 1)
    assert torch.equal(other[0], plain)


def test_nobody_sets_hooks_past_them():
    """A plain hook on a shared model hears everybody."""
    found = [
        path.name
        for path in (ROOT / "playground").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr in ("register_forward_hook", "register_forward_pre_hook")
    ]
    assert found == ["hooks.py", "hooks.py"]


# ---- turns: each way to a shared model waits while somebody is at work on it ----


class Encoder:
    """What of a sentence model is used, over a tiny BERT: its passes are counted."""

    def __init__(self) -> None:
        import torch
        from transformers import BertConfig, BertModel

        torch.manual_seed(0)
        self.auto_model = BertModel(
            BertConfig(vocab_size=400, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
                       num_attention_heads=2, max_position_embeddings=64)
        ).eval()  # fmt: skip
        self.tokenizer = byte_level(pad_token="<|end|>")
        self.max_seq_length, self.kv = 64, 0

    def __getitem__(self, place: int) -> Any:
        return self

    def __iter__(self) -> Iterator[Any]:
        return iter([self])

    def __call__(self, features: dict[str, Any]) -> dict[str, Any]:
        self.kv += 1
        states = self.auto_model(**features).last_hidden_state
        return {"sentence_embedding": states.mean(1)}

    def encode(self, texts: list[str], **more: Any) -> Any:
        import torch

        with torch.inference_mode():
            return torch.cat([self(self.tokenizer([each], return_tensors="pt")) ["sentence_embedding"]
                              for each in texts]).numpy()  # fmt: skip


def _encoder() -> Any:
    made = Encoder()
    return loaded_of(made, made.tokenizer)


WAYS: dict[str, tuple[Callable[[], Any], Callable[[Any], Iterator[Any]]]] = {
    "encode a sentence model": (_encoder, lambda loaded: encoding.encoding(loaded, ["hello", "world"])),
    "encode a language model": (
        lambda: loaded_of(model_of("llama")), lambda loaded: encoding.encoding(loaded, ["hello"], "causal")
    ),
    "try a language model": (
        lambda: loaded_of(model_of("llama")), lambda loaded: trial.trying(loaded, "causal", "hello", [], "")
    ),
    "try a sentence model": (
        _encoder, lambda loaded: trial.trying(loaded, "encoder", "", ["hello", "world"], "")
    ),
    "token vectors": (_encoder, lambda loaded: hidden_states.running(loaded, ["hello world"])),
    "token vectors of a language model": (
        lambda: loaded_of(model_of("gpt2")), lambda loaded: hidden_states.running(loaded, ["hello world"])
    ),
    "watch": (
        lambda: loaded_of(model_of("gpt2")),
        lambda loaded: in_line(loaded, lambda: forward.watch(loaded.model, [1, 2]), 2),
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_a_shared_model_takes_its_turn(way: str):
    make, work = WAYS[way]
    loaded = make()
    body = getattr(loaded.model, "auto_model", loaded.model)
    kv: list[int] = []
    table = body.get_input_embeddings()
    table.register_forward_pre_hook(lambda module, given: kv.append(len(line(loaded))))
    before = line(loaded).join()
    assert before.wait(0) == 0  # a chat is at work
    states = work(loaded)
    assert next(states) == Waiting(1) and not kv
    assert next(states) == Waiting(1) and not kv
    before.leave()
    *_, last = states
    assert not isinstance(last, Waiting)
    assert kv and set(kv) == {1}, "its passes run while it holds the turn, alone"
    assert len(line(loaded)) == 0


def test_who_leaves_while_waiting_runs_nothing():
    loaded = loaded_of(model_of("llama"))
    before = line(loaded).join()
    assert before.wait(0) == 0
    states = encoding.encoding(loaded, ["hello"], "causal")
    next(states)
    states.close()
    before.leave()
    assert len(line(loaded)) == 0


def test_a_long_encoding_lets_a_chat_in_between(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(encoding, "BATCH", 2)
    loaded = loaded_of(model_of("llama"))
    texts = ["hello world " + "a" * n for n in range(9)]
    alone = encoding.encode(loaded, texts, "causal").vectors
    states = encoding.encoding(loaded, texts, "causal")
    assert next(states) == 2
    chat = line(loaded).join()
    assert chat.wait(0) == 1  # the encoding stands in the line again, before the one that came now
    assert next(states) == 4
    assert chat.wait(0) == 0
    assert next(states) == Waiting(1)
    chat.leave()
    made = finished(states)
    assert isinstance(made, encoding.Encoded) and abs(made.vectors - alone).max() < 1e-6


def test_encoding_inside_what_follows_an_encoding_waits_for_nobody():
    """A search encodes its query while the rows' generator still stands at its last step."""
    loaded = loaded_of(model_of("llama"))
    for step in encoding.encoding(loaded, ["hello", "world"], "causal"):
        if isinstance(step, encoding.Encoded):
            assert len(line(loaded)) == 0
            assert encoding.encode(loaded, ["the"], "causal").vectors.shape == (1, 32)
