"""A GGUF file through ``gradio_client``: `/models`, `/inspect`, `/tokenize`, `/chat`, `/chat_template`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from playground.models.engines import llama
from tests.app import App, running
from tests.models import gguf_files, saved

NAME = "tiny.gguf"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("gguf")
    (folder / "models").mkdir()
    gguf_files.llama(folder / "models" / NAME)
    whole = (folder / "models" / NAME).read_bytes()
    (folder / "models" / "cut.gguf").write_bytes(whole[:5000])
    with running(folder, {"PLAYGROUND_OFFLINE": "1"}, "tests/serve.py") as app:
        yield app


@pytest.fixture(scope="module")
def client(app: App) -> Client:
    return Client(app.url, verbose=False, ssl_verify=False)


def test_it_is_listed_and_inspected_from_its_header(client: Client) -> None:
    rows = {row["name"]: row for row in client.predict(api_name="/models")}
    assert rows[NAME]["state"] == "ready" and {"causal", "tokenizer"} <= set(rows[NAME]["roles"])
    found = client.predict(NAME, api_name="/inspect")
    promised = {
        "architecture", "model_type", "parameters", "active_parameters", "tied_parameters", "modules",
        "memory", "kv_cache_bytes_per_token", "kv_cache_bytes", "config", "baseline",
    }  # fmt: skip
    assert promised <= set(found) and found["architecture"] == "LlamaForCausalLM"
    root = next(row for row in found["modules"] if not row["path"])
    assert (
        root["parameters"]
        == found["parameters"]
        == sum(kind["parameters"] for kind in found["gguf"]["kinds"].values())
    )
    assert found["kv_cache_bytes_per_token"] == 256
    assert all(row["state"] != "loaded" for row in client.predict(api_name="/models") if row["name"] == NAME)


def test_its_tokenizer_cuts_as_the_models_own(client: Client) -> None:
    (row,) = client.predict("Once upon a time 語", [NAME], False, api_name="/tokenize")
    own = saved.tokenizer()("Once upon a time 語", add_special_tokens=False).input_ids
    assert [token["id"] for token in row["tokens"]] == own
    made = client.predict([{"role": "user", "content": "Hi"}], NAME, api_name="/chat_template")
    assert "<|user|>" in made["prompt"]


@pytest.mark.skipif(not llama.available(), reason="xllamacpp is not installed on this platform")
def test_it_chats_by_llama_cpp_as_promised(client: Client) -> None:
    job = client.submit("Once upon a time", [], NAME, "", 12, 0.0, api_name="/chat")
    last = job.result(timeout=120)
    assert last["done"] is True and 1 <= last["new_tokens"] <= 12 and last["tokens_per_second"] > 0
    assert last["prompt_tokens"] > 5 and last["dropped_turns"] == []
    assert "Once upon a time" in last["prompt"]
    assert all(set(piece) == {"reply", "done"} for piece in job.outputs()[:-1])
    rows = [row for row in client.predict(api_name="/models") if row["name"] == NAME]
    assert any(row["state"] == "loaded" and row["bytes"] > 2**20 for row in rows)


@pytest.mark.parametrize(("endpoint", "given"), [("inspect", ["cut.gguf"]), ("chat", ["Hi", [], "cut.gguf"])])
def test_a_file_that_is_cut_is_a_sentence(client: Client, endpoint: str, given: list[object]) -> None:
    with pytest.raises(AppError) as told:
        client.predict(*given, api_name=f"/{endpoint}")
    assert "cut.gguf" in str(told.value) and "Traceback" not in str(told.value)


def test_the_folder_of_models_is_left_as_it_was(app: App) -> None:
    assert sorted(path.name for path in Path(app.models).iterdir()) == ["cut.gguf", NAME]
