"""Real vocabularies, which are not ours to ship: known values, and texts by the thousand.

``FUZZ=10000`` asks for more of them than the 300 of an everyday run; ``FUZZ_SEED`` for others.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from playground.engine.tokenizers.adapter import Adapter
from playground.engine.tokenizers.libraries import adapter
from playground.engine.tokenizers.tokenize import detokenize, tokenize
from playground.models.cache import ModelCache
from playground.models.catalog import Catalog
from tests.engine.tokenizers.nasty_tokenizers import SNIPPETS, check, check_columns, joined, random_text

pytestmark = pytest.mark.real
NAMES = ("gpt2", "llama-2-tinyllama", "bert-base-cased", "qwen1.5")
FUZZ = int(os.environ.get("FUZZ", "300"))
SEED = int(os.environ.get("FUZZ_SEED", "20260101"))


@pytest.fixture
def real(shared_catalog: Catalog, models: ModelCache) -> Iterator[Callable[[str], Adapter]]:
    def open_(name: str) -> Adapter:
        if not (shared_catalog.models_dir / name).is_dir():
            pytest.skip(f"no ../shared/models/{name}")
        with models.lease(shared_catalog.find(name)) as loaded:
            return adapter(loaded)

    yield open_


@pytest.fixture
def bare(shared: Path) -> Callable[[str], Any]:
    def open_(name: str) -> Any:
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(shared / "models" / name)

    return open_


@pytest.mark.parametrize(
    ("name", "text", "ids"),
    [
        ("llama-2-tinyllama", "你好，世界", [1, 29871, 30919, 31076, 30214, 30793, 30967]),
        ("llama-2-tinyllama", "Hello World!", [1, 15043, 2787, 29991]),
        ("llama-2-tinyllama", "Greetings!", [1, 4122, 300, 886, 29991]),
        ("gpt2", "👍", [41840, 235]),
        ("gpt2", "0" * 17, [8269, 10535, 830]),
        ("gpt2", "0" * 16, [25645]),
        ("gpt2", "Today is", [8888, 318]),
    ],
)
def test_known_values(real: Callable[[str], Adapter], name: str, text: str, ids: list[int]) -> None:
    found = tokenize(real(name), name, text)
    assert found.encoded.ids.tolist() == ids
    own = [t for t, added in zip(found.tokens(), found.encoded.added, strict=True) if not added]
    assert "".join(token.text for token in own) == text


def test_facts_of_real_ones(real: Callable[[str], Adapter]) -> None:
    said = {name: (real(name).algorithm, real(name).size, real(name).keeps_bytes) for name in NAMES}
    assert said == {
        "gpt2": ("byte-level BPE", 50257, True),
        "llama-2-tinyllama": ("BPE with byte fallback", 32000, True),
        "bert-base-cased": ("WordPiece", 28996, False),
        "qwen1.5": ("byte-level BPE", 151646, True),
    }
    assert real("gpt2").piece(50256).kind == "special"


@pytest.mark.parametrize("name", NAMES)
def test_ids_as_transformers(real: Callable[[str], Adapter], bare: Callable[[str], Any], name: str) -> None:
    it, library, chance = real(name), bare(name), random.Random(f"{SEED} {name}")
    library.model_max_length = 10**9  # or it warns of every long text
    for number in range(FUZZ):
        text = SNIPPETS[number] if number < len(SNIPPETS) else random_text(chance)
        for special in (True, False):
            ids = library(text, add_special_tokens=special)["input_ids"]
            found = check(it, text, ids, special)
        # A message's own "</s>" makes Llama's tokenizer put another blank behind it.
        if it.keeps_bytes and not any(content in text for content in it.tokenizer.get_added_vocab()):
            raw = joined(it, found.encoded)
            if name == "llama-2-tinyllama":
                assert raw == (" " * bool(text) + text.replace("▁", " ")).encode()
            else:
                assert raw == it.normalized(text).encode()
        back = detokenize(it, name, ids)
        assert back.text == library.decode(ids)
        check_columns(back.encoded, back.text)


@pytest.mark.parametrize(
    ("name", "text", "rows"),
    [
        ("clip-kind", "photo", [("photo</w>", "70686f746f", 0, 5)]),
        ("meta-cjk", "中文", [("▁", "20", 0, 0), ("中文", "e4b8ade69687", 0, 2)]),
    ],
)
def test_odd_folders(
    models: ModelCache,
    shared: Path,
    tmp_path: Path,
    name: str,
    text: str,
    rows: list[tuple[str, str, int, int]],
) -> None:
    odd = Catalog(shared / "faults", tmp_path, offline=True)
    with models.lease(odd.find(name)) as loaded:
        shown = tokenize(adapter(loaded), name, text, special=False).tokens()
    assert [(token.piece, token.bytes.hex(), token.start, token.end) for token in shown] == rows
