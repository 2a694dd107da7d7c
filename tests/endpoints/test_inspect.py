"""``/inspect``, asked of the running app through ``gradio_client``."""

from __future__ import annotations

from typing import Any

import pytest
from gradio_client import Client

from tests.app import App
from tests.app_fixture import app  # noqa: F401
from tests.endpoints.test_endpoints import HAN, ask, client, connect, refused, taiwan  # noqa: F401

KEYS = [
    "architecture", "model_type", "parameters", "active_parameters", "tied_parameters", "modules", "memory",
    "kv_cache_bytes_per_token", "kv_cache_bytes", "config",
]  # fmt: skip
TINYLLAMA = "TinyLlama/TinyLlama-1.1B-Chat-v1.0"


def check(answer: dict[str, Any]) -> None:
    assert list(answer) == KEYS
    rows = {row["path"]: row for row in answer["modules"]}
    assert rows[""]["parameters"] == answer["parameters"] and len(rows) == len(answer["modules"])
    sums: dict[str, int] = {}
    for path, row in rows.items():
        assert list(row) == ["path", "class", "repeat", "parameters", "weights"]
        if path:
            above = path.rpartition(".")[0]
            while above not in rows:
                above = above.rpartition(".")[0]
            sums[above] = sums.get(above, 0) + row["parameters"]
    assert all(rows[path]["parameters"] == count for path, count in sums.items())
    assert list(answer["memory"]) == ["float32", "bfloat16", "int8", "nf4", "nf4_double_quant"]


def test_tinyllama(client: Client) -> None:  # noqa: F811
    answer = ask(client, "inspect", TINYLLAMA)
    baseline = answer.pop("baseline")
    check(answer)
    assert baseline == answer
    assert (answer["architecture"], answer["model_type"]) == ("LlamaForCausalLM", "llama")
    assert answer["parameters"] == answer["active_parameters"] == 1_100_048_384
    assert answer["tied_parameters"] == 0 and answer["memory"]["bfloat16"] == 2_200_097_024
    assert answer["kv_cache_bytes"] == 2048 * answer["kv_cache_bytes_per_token"] == 2048 * 22_528
    key = next(row for row in answer["modules"] if row["path"].endswith("k_proj"))
    assert key["repeat"] == 22 and key["weights"] == {"weight": [256, 2048]}
    assert answer["config"]["num_hidden_layers"] == 22


@pytest.mark.parametrize(
    ("name", "parameters", "active"),
    [
        ("gpt2", 124_439_808, 124_439_808),
        ("microsoft/Phi-3-mini-4k-instruct", 3_821_079_552, 3_821_079_552),
        ("mistralai/Mixtral-8x7B-v0.1", 46_702_792_704, 12_879_925_248),
        ("meta-llama/Llama-3.1-405B", 405_853_388_800, 405_853_388_800),
        ("deepseek-ai/DeepSeek-V3", 671_026_404_352, 37_552_282_624),
        ("all-MiniLM-L6-v2", 22_713_216, 22_713_216),
    ],
)  # fmt: skip
def test_exact_counts(client: Client, name: str, parameters: int, active: int) -> None:  # noqa: F811
    answer = ask(client, "inspect", name)
    check({key: answer[key] for key in KEYS})
    assert (answer["parameters"], answer["active_parameters"]) == (parameters, active)


def test_changes_and_their_baseline(client: Client) -> None:  # noqa: F811
    answer = ask(
        client, "inspect", TINYLLAMA, {"num_hidden_layers": 11, "tie_word_embeddings": True}, None, 100
    )
    assert answer["baseline"]["parameters"] == 1_100_048_384
    assert answer["parameters"] == 1_100_048_384 - 11 * 44_044_288 - 65_536_000
    assert answer["tied_parameters"] == 65_536_000 and answer["config"]["num_hidden_layers"] == 11
    assert answer["kv_cache_bytes"] * 2 == answer["baseline"]["kv_cache_bytes"] == 100 * 22_528
    by_name = ask(client, "inspect", model=TINYLLAMA, changes={"n_layer": 11})
    assert by_name["parameters"] == 1_100_048_384 - 11 * 44_044_288


def test_a_config_in_place_of_a_model(client: Client) -> None:  # noqa: F811
    answer = ask(client, "inspect", "", {}, {"model_type": "gpt2", "n_layer": 2})
    assert (
        answer["parameters"] == 124_439_808 - 10 * 7_087_872 and answer["architecture"] == "GPT2LMHeadModel"
    )


@pytest.mark.parametrize(
    "given",
    [
        ("",), ("no such name",), ("<img src=x>",), ("nobody/nothing",), ("mistral-v1",),
        (TINYLLAMA, {"wings": 2}),
        (TINYLLAMA, {"num_attention_heads": 7}), (TINYLLAMA, {"num_hidden_layers": 10**9}),
        (TINYLLAMA, {"num_hidden_layers": -1}), (TINYLLAMA, [1]), (TINYLLAMA, {}, {}), (TINYLLAMA, {}, [1]),
        ("", {}, {"model_type": "own"}), ("", {}, {"model_type": "llama", "hidden_size": 2.5}),
        ("", {}, {"model_type": "llama", "num_hidden_layers": 10**9}), (TINYLLAMA, {}, None, 0),
        (TINYLLAMA, {}, None, "many"), (TINYLLAMA, {}, None, 10**12), (7,), (None,),
    ],
)  # fmt: skip
def test_nonsense_is_told(client: Client, taiwan: Client, given: tuple[Any, ...]) -> None:  # noqa: F811
    assert refused(client, "inspect", *given)
    assert HAN.search(refused(taiwan, "inspect", *given))


def test_a_folder_of_ones_own(app: App, client: Client) -> None:  # noqa: F811
    assert "tiny" in refused(client, "inspect", "tiny")  # a tokenizer alone is no architecture
