"""The drawing as data: every parameter once, every box with its words, what was turned and what was."""

from __future__ import annotations

from typing import Any

import pytest

from playground import text
from playground.models.loaders import presets
from playground.rooms.architecture import drawing, memory, view_gauge, what_if
from playground.rooms.architecture.plan import Architecture
from tests.rooms.architecture.plans import built, plan_of

TINYLLAMA = "TinyLlama/TinyLlama-1.1B-Chat-v1.0"


def scene(plan: Architecture, base: Architecture | None = None, lang: str = "en") -> dict[str, Any]:
    drawn = drawing.scene(plan, base or plan, 9, lang)
    assert drawn is not None
    return drawn


def boxes(layer: dict[str, Any]) -> list[dict[str, Any]]:
    halves = layer["halves"]
    return [box for half in halves for row in [*half["rows"], half["post"]] for box in row]


def changed(plan: Architecture, **changes: Any) -> Architecture:
    return built(what_if.changed(plan, changes), plan.name)


@pytest.mark.parametrize("name", presets.presets())
def test_areas_are_the_parameters(name):
    """The column holds all of the model, a layer all of a layer, and nothing is drawn twice."""
    plan = plan_of(name)
    drawn = scene(plan)
    outside = {"mpnet": 32 * plan.shape.heads}.get(plan.model_type, 0)  # its bias stands beside the layers
    assert sum(part["n"] for part in drawn["slices"]) == plan.parameters - outside
    ids = [part["id"] for part in drawn["slices"]]
    for layer in drawn["layers"]:
        assert sum(box["n"] for box in boxes(layer)) == layer["one"] == layer["n"] // layer["count"]
        ids += [box["id"] for box in boxes(layer)] + [half["id"] for half in layer["halves"]]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("name", presets.presets())
def test_every_box_says_what_it_is(name):
    plan = plan_of(name)
    for lang in text.LANGUAGES:
        drawn = scene(plan, lang=lang)
        told = [*drawn["slices"], *(box for layer in drawn["layers"] for box in boxes(layer))]
        for box in told:
            assert box["title"] and box["words"] and "{" not in box["title"] + box["words"] + box["code"]
            assert box["code"] or box["kind"] in ("relative_table", "relative_bias", "qk_norm", "sinks",
                                                  "latent_norm"), box["kind"]  # fmt: skip


def test_tinyllama_as_it_is_drawn():
    drawn = scene(plan_of(TINYLLAMA))
    assert [(part["kind"], part["n"]) for part in drawn["slices"]] == [
        ("embed_tokens", 65_536_000), ("layer", 22 * 44_044_288), ("rms_norm", 2048), ("lm_head", 65_536_000),
    ]  # fmt: skip
    attention, mlp = drawn["layers"][0]["halves"]
    rows = [[box["kind"] for box in row] for row in attention["rows"]]
    assert rows == [["rms_norm"], ["query", "key", "value"], ["scores", "mix"], ["output"]]
    assert [[box["kind"] for box in row] for row in mlp["rows"]] == [["rms_norm"], ["gate", "up"], ["down"]]
    key = attention["rows"][1][1]
    assert key["dims"] == [2048, 256] and key["stripes"] == 4 and key["shape"] == [1, 9, 256]
    assert key["module"] == "Linear(in_features=2048, out_features=256, bias=False)"
    assert key["code"] == "k = self.k_proj(x)" and key["turns"] == ["num_key_value_heads"]
    assert ("num_key_value_heads", 4, False) in key["config"]
    assert drawn["turns"]["num_hidden_layers"] == [22, 22] and drawn["tied"] is None


def test_a_tied_head_points_to_its_table_and_takes_no_room():
    drawn = scene(plan_of("openai-community/gpt2"))
    assert drawn["tied"] == ["lm_head", "transformer.wte", 38_597_376]
    head = drawn["slices"][-1]
    assert head["n"] == 0 and head["tied"] == "transformer.wte"


def test_of_a_mixture_it_says_how_many_experts_work():
    drawn = scene(plan_of("mistralai/Mixtral-8x7B-v0.1"))
    experts = next(box for box in boxes(drawn["layers"][0]) if box["kind"] == "experts")
    assert (experts["used"], experts["stripes"]) == (2, 8)


def test_post_norms_stand_after_the_sum_and_two_stacks_share_one_table():
    bert = scene(plan_of("google-bert/bert-base-uncased"))
    assert all(
        half["post"] and half["rows"][0][0]["kind"] != "layer_norm" for half in bert["layers"][0]["halves"]
    )
    t5 = scene(plan_of("google/flan-t5-small"))
    assert [part["kind"] for part in t5["slices"]].count("embed_tokens") == 1
    assert "Decoder" in t5["layers"][-1]["title"]


def test_what_was_turned_stands_beside_what_was():
    base = plan_of(TINYLLAMA)
    drawn = scene(changed(base, num_key_value_heads=8), base)
    assert (drawn["was"], drawn["total"]) == (1_100_048_384, 1_100_048_384 + 22 * 2 * 256 * 2048)
    key = next(box for box in boxes(drawn["layers"][0]) if box["kind"] == "key")
    assert (drawn["before"][key["id"]], key["n"]) == (524_288, 1_048_576)
    assert drawn["turns"]["num_key_value_heads"] == [8, 4]
    more = scene(changed(base, num_hidden_layers=24), base)
    assert more["before"]["layer0"] == 22 * 44_044_288 and more["slices"][1]["n"] == 24 * 44_044_288


def test_a_config_that_leaves_a_number_out_is_told_the_default():
    plan = built({"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2})
    layer = next(part for part in scene(plan)["slices"] if part["kind"] == "layer")
    assert layer["config"] == [("num_hidden_layers", 2, False)]
    query = next(box for box in boxes(scene(plan)["layers"][0]) if box["kind"] == "query")
    assert ("num_attention_heads", 32, True) in query["config"]


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_the_gauge_says_what_the_memory_view_counts(lang):
    plan = plan_of(TINYLLAMA)
    need = memory.needed(plan, 2048, 1)
    assert need["bfloat16"] == 2_200_097_024 + 46_137_344
    shown = view_gauge.gauge(plan, plan, 2048, 1, need["bfloat16"], lang)
    assert "2.2 GB" in shown and "46.1 MB" in shown and "100%" in shown  # this machine: just so
    assert shown.count('<li class="fits">') == 3
    tight = view_gauge.gauge(plan, plan, 2048, 1, need["bfloat16"] - 1, lang)
    assert tight.count('<li class="smaller">') == 1 and "int8" in tight
    none = view_gauge.gauge(plan, plan, 2048, 1, need["nf4_double_quant"] - 1, lang)
    assert none.count('<li class="large">') == 1


def test_a_405b_fits_no_gauge_and_a_change_is_told():
    plan = plan_of("meta-llama/Llama-3.1-405B")
    assert view_gauge.gauge(plan, plan, 2048, 1, 2**33, "en").count('<li class="large">') == 3
    base = plan_of(TINYLLAMA)
    shown = view_gauge.gauge(changed(base, num_hidden_layers=11), base, 2048, 1, 2**33, "en")
    assert "1,100,048,384 → 615,561,216" in shown and "-44.0%" in shown


def test_what_cannot_be_is_said_and_can_be_taken_back():
    plan = plan_of(TINYLLAMA)
    shown = view_gauge.gauge(plan, plan, 2048, 1, 2**33, "en", refused=True)
    assert "do not fit together" in shown and 'data-arc="reset"' in shown and "→" not in shown
