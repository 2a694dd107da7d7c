"""Every ``model_type`` that transformers knows, with its defaults: a plan and its page, or a sentence."""

from __future__ import annotations

import json

import pytest
from transformers import CONFIG_MAPPING

from playground import text
from playground.errors import PlaygroundError
from playground.models.loaders import skeletons
from playground.rooms.architecture import (
    dataflow,
    drawing,
    memory,
    view,
    view_compare,
    view_flow,
    view_gauge,
    view_memory,
    what_if,
)
from playground.rooms.architecture.plan import Architecture, read

# What a visitor may be told of defaults that make no model, by the key of its sentence.
SENTENCES = {
    "config_incomplete", "config_package", "config_no_class", "config_refused", "own_code",
    "unknown_architecture",
}  # fmt: skip
# Defaults that contradict themselves: the library's own words say what, and no field is missing.
REFUSED = {
    "autoformer", "aya_vision", "gemma4_assistant", "gemma4_unified_assistant", "higgs_audio_v2_tokenizer",
    "informer", "nougat",
    "pp_ocrv6_medium_det", "time_series_transformer",
}  # fmt: skip
# Of each fault, and of each way in which a configuration can be odd: in every run of the suite.
SOME = (
    "gemma4_text", "gemma4_unified", "embedding_gemma2", "dots3_note_text", "dbrx", "switch_transformers",
    "mamba2", "llava", "funnel", "musicgen", "openai-gpt", "esm", "detr", "colpali", "timm_wrapper",
    "t5gemma", "bart", "bark", "gemma3", "whisper", "deepseek_v4", "zaya", "roberta",
)  # fmt: skip


def page_of(plan: Architecture, lang: str) -> str:
    """All that the Architecture room shows of a model."""
    stacks = dataflow.flow(plan, 9)
    names = memory.usual_targets(plan)
    shown = view.overview(plan, lang) + view.tree(plan, lang)
    shown += json.dumps(drawing.scene(plan, plan, 9, lang)) + view_gauge.gauge(
        plan, plan, 2048, 1, 2**33, lang
    )
    shown += view_flow.shapes(stacks, plan, 9, lang) if stacks else ""
    shown += view_memory.precisions(plan, {}, lang)
    shown += view_memory.cache(plan, 2048, 1, lang)
    shown += view_memory.fits(plan, 2048, 1, 2**33, lang)
    shown += view_memory.training(plan, 8, names, 2048, 1, lang)
    shown += view_compare.side_by_side(plan, plan, 2048, 1, lang)
    what_if.knobs(plan)
    return shown + what_if.code(plan)


def looked_at(kind: str) -> str:
    """A plan, read without any guard and counted anew; or the key of the sentence in its place."""
    config = {"model_type": kind}
    try:
        model = skeletons.build(config, kind)
    except PlaygroundError as error:
        for lang in text.LANGUAGES:
            assert text.say(error.key, lang, **error.values)
        return error.key.removeprefix("errors.")
    plan = read(kind, model, model.config, config)
    assert plan.parameters == sum(p.numel() for p in model.parameters()), kind
    assert plan.active is None or 0 <= plan.active <= plan.parameters
    if plan.active is not None and plan.shape.experts > max(plan.shape.experts_used, 1):
        assert plan.active < plan.parameters, f"{kind}: all {plan.shape.experts} experts are said to be used"
    assert list(memory.in_bytes(plan)) == list(memory.PRECISIONS)
    assert len(page_of(plan, "en")) > 1000
    return "plan"


@pytest.mark.parametrize("kind", SOME)
def test_some(kind):
    told = looked_at(kind)
    assert told == "plan" or told in SENTENCES


@pytest.mark.slow
def test_every_one():
    told = {kind: looked_at(kind) for kind in sorted(CONFIG_MAPPING)}
    assert len(told) > 800
    assert set(told.values()) <= {"plan", *SENTENCES}
    assert {kind for kind, key in told.items() if key == "config_refused"} <= REFUSED
    assert sum(key == "plan" for key in told.values()) > 560
