"""One pass, and what becomes of its logits: against transformers on small models of several architectures."""

from __future__ import annotations

import itertools
import math
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from transformers.generation import logits_process as theirs

from playground.engine.generation import logits as next_token
from playground.engine.generation import probabilities, prompts
from playground.engine.generation.generate import Reading, Waiting
from playground.engine.generation.logits import Row, candidates, look, lookup, name_of, spelled
from playground.engine.generation.prefix_cache import CachedPrefix
from playground.engine.generation.sampling import Settings
from playground.engine.queue import line
from playground.engine.tokenizers.libraries import adapter
from playground.errors import BadInput, DoesNotFit, PlaygroundError
from playground.models.cache import Loaded, ModelCache
from playground.models.catalog import ModelCard
from playground.models.loaders import TransformersLoader
from playground.rooms.next_token.logit_cache import Rows
from playground.system.lru import LRU
from tests import small_models
from tests.models import saved

STORIES = Path(__file__).resolve().parents[4] / "shared" / "models" / "stories260K"
TEXT = "Once upon a time there was a little girl"


pytestmark = pytest.mark.usefixtures("one_thread")


def state_space() -> Any:
    torch.manual_seed(0)
    config = transformers.MambaConfig(
        vocab_size=saved.VOCABULARY, hidden_size=32, num_hidden_layers=2, state_size=8, bos_token_id=0,
        eos_token_id=1, pad_token_id=0,
    )  # fmt: skip
    return transformers.AutoModelForCausalLM.from_config(config).eval()


def capped() -> Any:
    """Gemma 2's kind: logits through a soft cap, layers that see a window only."""
    torch.manual_seed(0)
    config = transformers.Gemma2Config(
        vocab_size=saved.VOCABULARY, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, head_dim=16,
        num_key_value_heads=2, intermediate_size=128, max_position_embeddings=256, sliding_window=16,
        final_logit_softcapping=5.0,
    )  # fmt: skip
    return transformers.AutoModelForCausalLM.from_config(config).eval()


MAKERS: dict[str, Any] = {
    **{kind: (lambda kind=kind: saved.model(kind)) for kind in ("Llama", "GPT2", "Qwen2", "Phi3")},
    "Gemma2": capped,
    "Mamba": state_space,
}


def loaded_as(model: Any, tokenizer: Any | None = None) -> Loaded:
    return Loaded(ModelCard("small", "folder", "x"), tokenizer or saved.tokenizer(), model)


@pytest.fixture(scope="module", params=MAKERS)
def loaded(request: pytest.FixtureRequest) -> Loaded:
    return loaded_as(MAKERS[request.param]())


def prompt_ids(loaded: Loaded, text: str) -> list[int]:
    return prompts.prompt_ids(loaded, text, len(text))[0]


def row_of(loaded: Loaded, ids: list[int], **how: Any) -> Row:
    *_, last = look(loaded, ids, **how)
    assert isinstance(last, Row)
    return last


def bare(loaded: Loaded, ids: list[int]) -> torch.Tensor:
    with torch.inference_mode():
        return loaded.model(input_ids=torch.tensor([ids])).logits[0].float()


# ---- the pass ----


def test_logits_are_the_models(loaded: Loaded) -> None:
    ids = prompt_ids(loaded, TEXT)
    row = row_of(loaded, ids)
    assert np.allclose(row.logits.numpy(), bare(loaded, ids)[-1].numpy(), atol=1e-4)
    with torch.inference_mode():
        states = loaded.model.base_model(torch.tensor([ids]))[0]
    assert row.hidden_size == states.shape[-1]
    assert np.allclose(row.hidden, states[0, -1, : len(row.hidden)].numpy(), atol=1e-4)
    assert row.vocabulary == saved.VOCABULARY


def test_perplexity_is_the_loss_of_labels(loaded: Loaded) -> None:
    ids = prompt_ids(loaded, TEXT)
    row = row_of(loaded, ids, score_prompt=True)
    tokens = torch.tensor([ids])
    with torch.inference_mode():
        loss = float(loaded.model(input_ids=tokens, labels=tokens).loss)
    assert row.prompt_scores is not None and row.prompt_scores.perplexity == pytest.approx(
        math.exp(loss), rel=1e-4
    )
    rows = bare(loaded, ids).log_softmax(-1)
    for place, id in enumerate(ids[1:]):
        assert row.prompt_scores.log_probabilities[place] == pytest.approx(float(rows[place, id]), abs=1e-4)
        assert row.prompt_scores.ranks[place] == 1 + int((rows[place] > rows[place, id]).sum())
    assert np.allclose(row.logits.numpy(), row_of(loaded, ids).logits.numpy(), atol=1e-4)


def test_one_token_alone_has_no_perplexity(loaded: Loaded) -> None:
    prompt_scores = row_of(loaded, [5], score_prompt=True).prompt_scores
    assert prompt_scores is not None and prompt_scores.perplexity is None


def test_a_long_prompt_is_read_in_parts_and_heard_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(next_token, "AT_ONCE", 2**17)
    model = saved.model("Llama", max_position_embeddings=2048)
    loaded = loaded_as(model)
    ids = [7 + i * i % 300 for i in range(1300)]
    states = [*look(loaded, ids, score_prompt=True)]
    assert [state.done for state in states if isinstance(state, Reading)] == [512, 1024]
    row = states[-1]
    assert isinstance(row, Row) and row.prompt_scores is not None
    expected = bare(loaded, ids).log_softmax(-1)[:-1].gather(1, torch.tensor(ids[1:])[:, None])[:, 0]
    assert np.allclose(row.prompt_scores.log_probabilities, expected.numpy(), atol=1e-3)


def test_a_branch_reads_one_token(loaded: Loaded) -> None:
    ids, prefix = prompt_ids(loaded, TEXT), CachedPrefix()
    row_of(loaded, ids, prefix=prefix, score_prompt=True)
    path = list(ids)
    for id in (9, 10, 11):
        path.append(id)
        row = row_of(loaded, path, prefix=prefix)
        if type(loaded.model).__name__ not in ("MambaForCausalLM", "Gemma2ForCausalLM"):
            assert row.reused == len(path) - 1
    other = [*ids, 9, 40]  # back by two, and on another way
    assert np.allclose(row_of(loaded, other, prefix=prefix).logits, bare(loaded, other)[-1], atol=1e-4)


def test_kept_rows_are_bounded() -> None:
    loaded = loaded_as(saved.model("Llama"))
    row = row_of(loaded, [5, 6])
    one = Rows()
    one.put("it", row)
    rows = Rows(3 * one.bytes)
    for number in range(5):
        rows.put(str(number), row)
    assert rows.bytes == 3 * one.bytes and len(rows) == 3
    found = rows.get("4")
    assert rows.get("0") is None and found is not None and found.ids == row.ids
    assert name_of(loaded, [5, 6]) == name_of(loaded, [5, 6]) != name_of(loaded, [5, 7])
    assert name_of(loaded, [5, 6]) != name_of(loaded_as(loaded.model), [5, 6])


def test_it_waits_in_the_line_of_the_model() -> None:
    loaded = loaded_as(saved.model("Llama"))
    ticket = line(loaded).join()
    assert ticket.wait(0) == 0
    looking = look(loaded, [5, 6])
    assert next(looking) == Waiting(1)
    threading.Timer(0.05, ticket.leave).start()
    assert isinstance([*looking][-1], Row)


@pytest.mark.parametrize(
    ("ids", "key"),
    [
        ([], "next_prompt_empty"),
        ([5] * 257, "prompt_too_long"),
        ([saved.VOCABULARY], "id_outside"),
        ([-1], "id_outside"),
    ],
)
def test_prompts_that_cannot_be_read(ids: list[int], key: str) -> None:
    loaded = loaded_as(saved.model("Llama"))
    with pytest.raises(BadInput) as told:
        look(loaded, ids)
    assert told.value.key == f"errors.{key}"
    assert row_of(loaded, [5] * 256).vocabulary == saved.VOCABULARY  # exactly the window is read


def test_models_that_have_no_next_token() -> None:
    config = transformers.BertConfig(
        vocab_size=384, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    for model in (transformers.BertModel(config), saved.model("Llama").model):
        with pytest.raises(BadInput) as told:
            look(loaded_as(model), [5])
        assert told.value.key in ("errors.not_causal", "errors.no_lm_head")
    headless = saved.model("Llama")
    headless.get_output_embeddings = lambda: None
    with pytest.raises(BadInput) as told:
        look(loaded_as(headless), [5])
    assert told.value.key == "errors.no_lm_head"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_damaged_weights_are_told(value: float) -> None:
    model = saved.model("Llama")
    with torch.no_grad():
        model.model.norm.weight[3] = value
    for score_prompt in (False, True):
        with pytest.raises(PlaygroundError) as told:
            row_of(loaded_as(model), [5, 6], score_prompt=score_prompt)
        assert told.value.key == "errors.logits_not_finite"


def test_memory_that_runs_out_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded, prefix = loaded_as(saved.model("Llama")), CachedPrefix()
    row_of(loaded, [5, 6], prefix=prefix)

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("DefaultCPUAllocator: not enough memory")

    with monkeypatch.context() as patched:
        patched.setattr(loaded.model, "forward", fail)
        with pytest.raises(DoesNotFit):
            row_of(loaded, [5, 6, 7], prefix=prefix)
    assert np.allclose(
        row_of(loaded, [5, 6, 7], prefix=prefix).logits, bare(loaded, [5, 6, 7])[-1], atol=1e-4
    )
    assert len(line(loaded)) == 0


# ---- weighing ----

MIXES = [*itertools.product((0.0, 0.3, 1.0, 1.7), (0, 1, 5, 10_000), (0.0, 0.4, 0.95, 1.0), (0.0, 0.2, 1.0))]


@pytest.fixture(scope="module")
def rows() -> list[torch.Tensor]:
    torch.manual_seed(1)
    loaded = loaded_as(saved.model("Llama"))
    flat, equal = torch.randn(900) * 0.1, torch.zeros(50)
    return [row_of(loaded, [5, 6, 7]).logits, torch.randn(3000) * 4, flat, equal]


def warped(logits: torch.Tensor, mix: tuple[float, int, float, float]) -> torch.Tensor:
    """What transformers makes of them, with its own classes in its own order."""
    temperature, k, p, least = mix
    scores = logits[None]
    if temperature == 0:
        return torch.nn.functional.one_hot(logits.argmax(), len(logits)).float()
    if temperature != 1:
        scores = theirs.TemperatureLogitsWarper(temperature)(None, scores)
    if k:
        scores = theirs.TopKLogitsWarper(k)(None, scores)
    if p < 1:
        scores = theirs.TopPLogitsWarper(p)(None, scores)
    if least:
        scores = theirs.MinPLogitsWarper(least)(None, scores)
    return scores[0].softmax(-1)


def test_filtered_probabilities_are_transformers(rows: list[torch.Tensor]) -> None:
    for logits in rows:
        everything = range(len(logits))
        for mix in MIXES:
            temperature, k, p, least = mix
            settings = Settings(temperature=temperature, top_k=k, top_p=p, min_p=least).checked()
            found = probabilities.reweigh(logits, settings, everything)
            assert np.allclose(found.final, warped(logits, mix).numpy(), atol=1e-6), mix
            for column in (found.own, found.warm, found.final):
                assert column.sum() == pytest.approx(1, abs=1e-6)
            assert ((found.removed_by == 0) == (found.final > 0)).all() or temperature <= 0.3
            stays = (found.removed_by == 0) | (found.removed_by == 3)
            if temperature:
                assert found.left[1] == stays.sum()
                assert found.mass[2] == pytest.approx(found.warm[found.removed_by == 0].sum(), abs=1e-9)
                assert list(found.left) == sorted(found.left, reverse=True)


def test_each_token_is_removed_by_the_first_filter_that_does(rows: list[torch.Tensor]) -> None:
    logits = rows[1]
    settings = Settings(temperature=1.0, top_k=40, top_p=0.8, min_p=0.2).checked()
    found = probabilities.reweigh(logits, settings, range(len(logits)))
    assert (found.removed_by == 1).sum() == len(logits) - 40
    order = np.argsort(-found.own)
    names = found.removed_by[order]
    assert (
        np.diff(names[names > 0].astype(int)) <= 0
    ).all()  # min-p takes the best of what goes, top-k the rest
    assert set(names) == {0, 1, 2, 3}


@pytest.mark.parametrize(("k", "p"), [(2, 0.5), (5, 0.6), (40, 0.8), (0, 0.7)])
def test_top_p_counts_over_what_top_k_left(rows: list[torch.Tensor], k: int, p: float) -> None:
    """What the page shows in that stage: shares of what top-k left, of which the fewest that reach p stay."""
    for logits in rows:
        settings = Settings(temperature=1.0, top_k=k, top_p=p).checked()
        found = probabilities.reweigh(logits, settings, range(len(logits)))
        counted = found.removed_by != 1
        shares = found.warm[counted] / found.mass[0]
        scores = theirs.TopKLogitsWarper(k)(None, logits[None]) if k else logits[None]
        assert np.allclose(shares, scores[0].softmax(-1).numpy()[counted], atol=1e-6)
        stays = np.sort(shares[found.removed_by[counted] == 0])[::-1]
        assert stays.sum() >= p - 1e-6 > stays[:-1].sum() - 2e-6
        if not k:
            assert found.mass[0] == pytest.approx(1)


def test_entropy_and_ranks() -> None:
    logits = torch.log(torch.tensor([0.5, 0.25, 0.125, 0.125]))
    found = probabilities.reweigh(logits, Settings(temperature=1.0).checked(), range(4))
    assert found.bits[0] == pytest.approx(1.75) and found.ranks.tolist() == [1, 2, 3, 3]
    cold = probabilities.reweigh(logits, Settings(temperature=0.0).checked(), range(4))
    assert (
        cold.bits[2] == 0 and cold.removed_by.tolist() == [0, 4, 4, 4] and cold.final.tolist() == [1, 0, 0, 0]
    )
    assert probabilities.top(torch.tensor([1.0, 3.0, 3.0, 2.0]), 3) == [1, 2, 3]


@pytest.mark.parametrize("room", [0, 10**6])
@pytest.mark.parametrize("mix", [{}, {"top_k": 9}, {"top_p": 0.7, "min_p": 0.01}, {"temperature": 1.4}])
def test_draws_of_a_seed_are_those_of_generate(
    mix: dict[str, Any], room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        probabilities, "_kept", LRU(room)
    )  # anew every time, or from where the last one ended
    loaded = loaded_as(saved.model("GPT2", eos_token_id=None, bos_token_id=None))
    settings = Settings(**{"temperature": 1.0, "seed": 11, **mix}).checked()
    ids, prefix = [5, 6, 7], CachedPrefix()
    path = list(ids)
    for draws in range(8):
        path.append(
            probabilities.choose(row_of(loaded, path, prefix=prefix).logits, settings, "sample", draws)
        )
    torch.manual_seed(11)
    how = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": None, **mix}
    written = loaded.model.generate(
        torch.tensor([ids]), attention_mask=torch.ones(1, 3, dtype=torch.long), do_sample=True,
        max_new_tokens=8, pad_token_id=0, **how,
    )  # fmt: skip
    assert path == written[0].tolist()


def test_greedy_is_generates() -> None:
    loaded = loaded_as(saved.model("Qwen2", eos_token_id=None))
    path, prefix = [5, 6, 7], CachedPrefix()
    for _ in range(8):
        path.append(probabilities.choose(row_of(loaded, path, prefix=prefix).logits, Settings(), "greedy"))
    written = loaded.model.generate(torch.tensor([path[:3]]), max_new_tokens=8, do_sample=False)
    assert path == written[0].tolist()


# ---- spelling ----


def test_half_characters_are_read_against_what_came_before() -> None:
    loaded = loaded_as(saved.model("Llama"))
    known = adapter(loaded)
    ids = prompt_ids(loaded, "a你")
    first, second, third = (known.piece(id).bytes for id in ids[-3:])
    assert (first + second + third).decode() == "你"
    begun = candidates(known, [], ids[-3:-2])[0]
    assert (begun.text, begun.raw) == ("", first)
    assert candidates(known, ids[:-1], ids[-1:])[0].text == "你"
    lost = candidates(known, prompt_ids(loaded, "a"), ids[-1:])[0]  # the last byte, with nothing to end
    assert (lost.text, lost.raw) == ("", third)
    assert [each.text for each in spelled(loaded, ids)][-3:] == ["", "", "你"]
    assert (
        "".join(each.text for each in spelled(loaded, prompt_ids(loaded, TEXT)) if each.kind == "text")
        == TEXT
    )


def test_padded_rows_are_labelled() -> None:
    model = saved.model("Llama")
    model.resize_token_embeddings(saved.VOCABULARY + 64)
    loaded = loaded_as(model)
    row = row_of(loaded, [5])
    assert row.vocabulary == saved.VOCABULARY + 64
    found = candidates(adapter(loaded), [5], [5, saved.VOCABULARY + 3])
    assert [each.kind for each in found] == ["text", "padded"]
    assert str(saved.VOCABULARY + 3) in found[1].piece
    assert lookup(adapter(loaded), str(saved.VOCABULARY + 3), row.vocabulary) == saved.VOCABULARY + 3


def test_any_token_is_found_by_text_piece_or_id() -> None:
    known = adapter(loaded_as(None))
    word = next(id for id in known.vocabulary() if known.piece(id).bytes == b" time")
    assert lookup(known, " time", 384) == lookup(known, "Ġtime", 384) == word
    assert lookup(known, str(word), 384) == word
    assert lookup(known, "</s>", 384) == 1
    assert lookup(known, "7", 384) == next(i for i in known.vocabulary() if known.piece(i).bytes == b"7")
    assert known.piece(lookup(known, " times", 384)).bytes == b" time"  # no token: the first of its tokens
    for wrong in ("", "999999", 5, "a" * 1001):
        with pytest.raises(BadInput):
            lookup(known, wrong, 384)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["llama", "unigram", "unigram-bytes", "bytes", "roberta"])
def test_every_kind_of_tokenizer(kind: str) -> None:
    loaded = loaded_as(None, small_models.KINDS[kind]())
    known = adapter(loaded)
    ids = prompt_ids(loaded, "hello the 你")
    assert "\ufffd" not in "".join(each.text for each in spelled(loaded, ids))
    assert not any("\ufffd" in each.text for each in candidates(known, ids, known.vocabulary()))
    ends = {id for role, id in known.specials().items() if role in ("eos", "sep")}
    assert ids[-1] not in ends


@pytest.mark.skipif(not STORIES.is_dir(), reason="real model not here")
def test_stories260k_is_transformers() -> None:
    cache = ModelCache(2**30, TransformersLoader(offline=True))
    card = ModelCard("stories260K", "folder", str(STORIES), frozenset({"causal", "tokenizer"}))
    with cache.lease(card, "causal", dtype="float32") as loaded:
        ids = prompt_ids(loaded, "Once upon a time")
        assert ids == loaded.tokenizer("Once upon a time").input_ids
        row, expected = row_of(loaded, ids, score_prompt=True), bare(loaded, ids)
        assert np.allclose(row.logits, expected[-1], atol=1e-4)
        tokens = torch.tensor([ids])
        with torch.inference_mode():
            loss = float(loaded.model(input_ids=tokens, labels=tokens).loss)
        assert row.prompt_scores is not None and row.prompt_scores.perplexity == pytest.approx(
            math.exp(loss), rel=1e-4
        )
        first = candidates(adapter(loaded), ids, probabilities.top(row.logits, 3))
        assert first[0].text in {",", " there"}
    assert next_token.VALUES
