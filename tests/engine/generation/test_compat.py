"""Every model that transformers lets write with a cache gets one here, whatever its argument is called."""

from __future__ import annotations

import ast
import inspect
import itertools
import logging
import re
from pathlib import Path

import pytest

from playground.engine.generation import compat, generate
from playground.engine.generation.conversation import compose
from playground.engine.generation.kv_cache import CroppableKVCache, kv_cache_for
from playground.engine.generation.prefix_cache import CachedPrefix
from playground.engine.generation.sampling import Settings
from playground.rooms.decoding.experiments import cache_times
from playground.rooms.decoding.no_grad import grad_modes
from tests.tiny_tokenizers import KINDS, loaded_of, model_of

ROOT = Path(__file__).resolve().parents[3]
PROMPT = [5, 6, 7, 8, 9, 10, 11]
# These read the keys and values that another model hands them, or only a language model inside them writes.
OTHERS_CACHE = {
    "Gemma4AssistantForCausalLM",
    "Gemma4UnifiedAssistantForCausalLM",
    "EvollaForProteinText2Text",
    "InstructBlipVideoForConditionalGeneration",
}


class Counted:
    """How many tokens a model was fed, pass by pass."""

    def __init__(self, model) -> None:
        self.fed: list[int] = []
        model.register_forward_pre_hook(
            lambda _, __, given: self.fed.append(int(given["input_ids"].shape[1])), with_kwargs=True
        )


def finished(states):
    *_, done = states
    assert isinstance(done, generate.Done)
    return done


@pytest.mark.parametrize("kind", ["gpt2", "llama", "qwen2", "gemma", "phi3"])
def test_these_are_cached_and_a_longer_text_reads_only_what_is_new(kind):
    loaded, prefix = loaded_of(model_of(kind)), CachedPrefix()
    assert compat.cache_name(loaded.model) and isinstance(kv_cache_for(loaded.model), CroppableKVCache)
    counted, greedy = Counted(loaded.model), Settings(temperature=0, max_new_tokens=4)
    finished(generate.reply(loaded, PROMPT, greedy, prefix=prefix))
    assert counted.fed == [len(PROMPT), 1, 1, 1]
    held, counted.fed = prefix.ids, []
    assert finished(generate.reply(loaded, [*held, 20, 21], greedy, prefix=prefix)).reused == len(held)
    assert counted.fed == [2, 1, 1, 1]


def test_the_tutors_second_turn_reads_only_what_is_new(models, catalog):
    """Of a conversation: not the first question, not the reply, only the last token of it and the second."""
    with models.lease(catalog.find("tutor"), "causal") as loaded:
        assert isinstance(kv_cache_for(loaded.model), CroppableKVCache)
        counted, prefix = Counted(loaded.model), CachedPrefix()
        said = [{"role": "user", "content": "What is the capital of France?"}]
        asked = compose(loaded, said, max_new_tokens=40)
        settings = Settings(temperature=0, max_new_tokens=40, stop_ids=asked.stop_ids)
        first = finished(generate.reply(loaded, asked.ids, settings, prefix=prefix))
        assert counted.fed == [len(asked.ids), *[1] * (first.new_tokens - 1)] and first.new_tokens > 3
        counted.fed = []
        said += [{"role": "assistant", "content": first.text}, {"role": "user", "content": "And of Japan?"}]
        again = compose(loaded, said, max_new_tokens=40, replies={1: first.ids})
        second = finished(generate.reply(loaded, again.ids, settings, prefix=prefix))
        new = len(again.ids) - len(asked.ids) - (first.new_tokens - 1)
        assert counted.fed[0] == new < len(asked.ids) + first.new_tokens
        assert set(counted.fed[1:]) <= {1} and second.reused == len(again.ids) - new


def test_the_experiments_on_the_cache_run_on_the_tutor(models, catalog):
    ticks = itertools.count()
    with models.lease(catalog.find("tutor"), "causal") as loaded:
        *_, cached = cache_times(loaded, PROMPT, clock=lambda: 0.01 * next(ticks))
        *_, modes = grad_modes(loaded, PROMPT, clock=lambda: 0.01 * next(ticks))
    assert len(cached.lengths) > 1 and len(cached.cached) == len(cached.plain) == len(cached.lengths)
    assert len({tuple(ids) for ids in modes.ids.values()}) == 1
    assert modes.held["plain"][-1] > modes.held["plain"][0] > modes.held["no_grad"][-1] == 0


def classes():
    """Every class of transformers that writes text, asked as `compat` asks a model."""
    import transformers
    from transformers.models.auto import modeling_auto as auto

    names = set[str]()
    for table in (auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES, auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES):
        for found in table.values():
            names.update([found] if isinstance(found, str) else found)
    return [getattr(transformers, name) for name in sorted(names)]


def test_no_model_of_transformers_loses_its_cache_silently():
    """Of all that write text: whoever can be told ``use_cache`` has an argument for the cache."""
    known, without = compat.cache_names(), set[str]()
    asked = [each for each in classes() if hasattr(each, "_supports_default_dynamic_cache")]
    for each in asked:
        takes = inspect.signature(each.forward).parameters
        if each._supports_default_dynamic_cache() and "use_cache" in takes and not set(known) & set(takes):
            without.add(each.__name__)
    assert len(asked) > 200
    assert without <= OTHERS_CACHE


def lost(model) -> None:
    """The model as a later transformers might have it: its cache under another name."""

    def forward(input_ids=None, memory=None, use_cache=None, return_dict=None):
        raise NotImplementedError

    model.forward = forward


def test_a_model_that_loses_its_cache_is_logged_once(caplog):
    model = model_of("llama")
    lost(model)
    with caplog.at_level(logging.WARNING):
        assert not isinstance(kv_cache_for(model), CroppableKVCache)
        kv_cache_for(model)
    (said,) = [record.getMessage() for record in caplog.records if record.name == compat.__name__]
    assert "LlamaForCausalLM" in said and compat.cache_names()[0] in said


@pytest.mark.parametrize("kind", KINDS)
def test_models_as_they_are_are_not_logged(kind, caplog):
    """GPT-1 has never had a cache, Mamba keeps a state of its own: nothing is lost."""
    with caplog.at_level(logging.WARNING):
        kv_cache_for(model_of(kind))
    assert not [record for record in caplog.records if record.name == compat.__name__]


class Renamed:
    """A model of two versions at once."""

    def forward(self, input_ids, past_key_values=None, cache=None):
        raise NotImplementedError


@pytest.mark.parametrize(("names", "name"), [
    (("past_key_values", "cache_params"), "past_key_values"), (("cache",), "cache"),
])  # fmt: skip
def test_the_name_is_that_of_the_version(monkeypatch, names, name):
    monkeypatch.setattr(compat, "cache_names", lambda: names)
    model = Renamed()
    assert compat.cache_name(model) == name
    assert compat.with_cache(model, "mine") == {name: "mine", "use_cache": True}
    assert compat.returned_cache({"logits": 1, name: "theirs"}) == "theirs"
    assert compat.returned_cache({"logits": 1}) is None


def test_without_a_cache_nobody_is_given_one():
    with pytest.raises(TypeError, match="OpenAIGPTLMHeadModel"):
        compat.with_cache(model_of("gpt1"), None)


def test_no_other_file_names_it():
    """Neither the argument nor the class: the next change of name is one file's matter."""
    names = re.compile(r"past_key_values|cache_params|\bDynamicCache\b")
    for path in (ROOT / "playground").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found = {
            word
            for node in ast.walk(tree)
            for word in (
                [node.id] if isinstance(node, ast.Name)
                else [node.attr] if isinstance(node, ast.Attribute)
                else [node.arg or ""] if isinstance(node, ast.keyword)
                else [alias.name for alias in node.names] if isinstance(node, ast.ImportFrom)
                else []
            )
            if names.fullmatch(word)
        }  # fmt: skip
        assert not found or path.name == "compat.py", f"{path.name}: {found}"
