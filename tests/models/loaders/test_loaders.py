"""What really loads: bytes predicted and counted, quantization kept on disk, broken files told apart."""

from __future__ import annotations

import errno
import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import torch
import transformers
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from playground import text
from playground.errors import BadInput, CannotLoad, DoesNotFit, out_of_memory
from playground.models import weights
from playground.models.cache import Key, Loaded, ModelCache, Stage
from playground.models.catalog import CAUSAL, EMBEDDED, WORDS, Catalog, ModelCard
from playground.models.devices import QUANTIZATIONS
from playground.models.loaders import TransformersLoader, causal, tokenizers
from playground.system import disk
from tests.models import saved

PRECISIONS = [("", "float32"), ("", "bfloat16"), *QUANTIZATIONS.items()]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A models folder with a random model of every architecture."""
    root = tmp_path_factory.mktemp("models")
    for kind in saved.SHAPES:
        saved.save(root / kind, kind)
    return root


@pytest.fixture
def llama(folders, tmp_path):
    """A copy of the Llama that a test may break."""
    return shutil.copytree(folders / "Llama", tmp_path / "models" / "llama")


def cache(tmp_path: Path, budget: int = 2**30, **how) -> ModelCache:
    return ModelCache(budget, TransformersLoader(offline=True, cache_dir=tmp_path / "cache", **how))


def card_of(folder: Path) -> ModelCard:
    return next(card for card in Catalog(folder.parent, folder).folders() if card.where == str(folder))


def key_of(card: ModelCard, quantization: str = "", dtype: str = "float32", device: str = "cpu") -> Key:
    return Key(card.source, card.where, card.revision, "causal", device, dtype, quantization)


@pytest.mark.parametrize("kind", saved.SHAPES)
@pytest.mark.parametrize(("quantization", "dtype"), PRECISIONS)
def test_bytes_are_predicted_and_counted_alike_and_the_model_answers(
    folders, tmp_path, monkeypatch, kind, quantization, dtype
):
    monkeypatch.setattr(causal, "packs", lambda: False)
    card = card_of(folders / kind)
    models = cache(tmp_path)
    predicted = models._loader.estimate(card, key_of(card, quantization, dtype))
    with models.lease(card, "causal", dtype=dtype, quantization=quantization) as loaded:
        tokenizer_bytes = tokenizers.size(folders / kind)
        assert loaded.bytes == weights.measured(loaded.model) + tokenizer_bytes
        assert models.status()[0].bytes == models.used_bytes() == loaded.bytes
        ids = loaded.tokenizer("Once upon", return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            logits = loaded.model(ids).logits
        assert torch.isfinite(logits.float()).all()
        assert not any(parameter.requires_grad for parameter in loaded.model.parameters())
        if not (quantization == "nf4" and loaded.model.device.type == "cpu" and _packed(loaded.model)):
            assert loaded.bytes == predicted


def _packed(model) -> bool:
    """bitsandbytes rearranged the weights for this CPU, and keeps its scales in bfloat16 since."""
    return any(
        getattr(getattr(parameter, "quant_state", None), "packing_format_for_cpu", False)
        for parameter in model.parameters()
    )


def test_quantized_close_to_full(folders, tmp_path):
    card, models, found = card_of(folders / "Llama"), cache(tmp_path), {}
    for quantization, dtype in PRECISIONS:
        with models.lease(card, "causal", dtype=dtype, quantization=quantization) as loaded:
            with torch.inference_mode():
                found[quantization, dtype] = loaded.model(torch.arange(5, 25)[None]).logits.float().flatten()
    full = found["", "float32"]
    near = {key: torch.cosine_similarity(full, other, dim=0).item() for key, other in found.items()}
    assert near["", "bfloat16"] > 0.999 and near["int8", "float16"] > 0.99
    assert 0.8 < near["nf4", "bfloat16"] < near["int8", "float16"], near


@pytest.mark.parametrize("quantization", QUANTIZATIONS)
def test_a_quantized_model_is_kept_and_read_again(llama, tmp_path, monkeypatch, quantization):
    card, dtype, steps = card_of(llama), QUANTIZATIONS[quantization], []
    ids = torch.arange(5, 25)[None]
    answers = []
    for _ in range(2):
        models = cache(tmp_path)
        with models.lease(card, "causal", dtype=dtype, quantization=quantization) as loaded:
            with torch.inference_mode():
                answers.append(loaded.model(ids).logits)
    assert torch.equal(*answers)
    assert len([*(tmp_path / "cache" / "quantized").iterdir()]) == 1
    # The second time the originals are not read: what is kept serves alone.
    monkeypatch.setattr(causal, "_keep", lambda *_: pytest.fail("quantized again"))
    with cache(tmp_path).lease(
        card, "causal", dtype=dtype, quantization=quantization, progress=steps.append
    ) as loaded:
        assert torch.equal(loaded.model(ids).logits, answers[0])
    assert "quantize" not in {stage.step for stage in steps}


def test_what_is_kept_follows_its_files(llama, tmp_path):
    card = card_of(llama)
    lease = {"dtype": "bfloat16", "quantization": "nf4"}
    with cache(tmp_path).lease(card, "causal", **lease):
        pass
    (first,) = (tmp_path / "cache" / "quantized").iterdir()
    # Broken on disk: made afresh, in the same place.
    (first / "model.safetensors").write_bytes(b"broken")
    with cache(tmp_path).lease(card, "causal", **lease) as loaded:
        assert loaded.bytes > 0
    assert load_file(first / "model.safetensors")
    # Other weights: another place, and the old one goes.
    saved.model("Llama", seed=1).save_pretrained(llama)
    with cache(tmp_path).lease(card, "causal", **lease):
        pass
    (second,) = (tmp_path / "cache" / "quantized").iterdir()
    assert second.name != first.name


def test_no_disk_for_keeping_costs_only_the_next_loads_speed(llama, tmp_path, monkeypatch):
    monkeypatch.setattr(causal, "SPARE", 2**62)
    with cache(tmp_path).lease(card_of(llama), "causal", dtype="bfloat16", quantization="nf4") as loaded:
        assert loaded.bytes > 0
    assert not [*(tmp_path / "cache" / "quantized").iterdir()]


@contextmanager
def full_after(folder: Path, size: int) -> Iterator[None]:
    """A disk of so many bytes under a folder; skipped where nobody may mount one."""
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize(("quantization", "size"), [("nf4", 64 << 10), ("int8", 100 << 10), ("nf4", 4 << 10)])
def test_a_full_disk_costs_only_the_next_loads_speed(
    llama, tmp_path, monkeypatch, caplog, quantization, size
):
    monkeypatch.setattr(causal, "SPARE", -(2**40))  # filled by others while it is written
    with full_after(tmp_path / "cache", size):
        lease = {"dtype": QUANTIZATIONS[quantization], "quantization": quantization}
        with cache(tmp_path).lease(card_of(llama), "causal", **lease) as loaded:
            with torch.inference_mode():
                assert loaded.model(torch.arange(5, 25)[None]).logits.isfinite().all()
        assert "No space left on device" in caplog.text
        assert not [*(tmp_path / "cache" / "quantized").iterdir()], "halves of files are taken away"


@pytest.mark.parametrize(
    "error",
    [SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
     OSError(28, "No space left on device"), RuntimeError("[enforce fail] unexpected pos 576 vs 534"),
     PermissionError(13, "Permission denied"), OSError(122, "Disk quota exceeded")],
)  # fmt: skip
def test_whatever_keeps_a_model_from_being_kept(llama, tmp_path, monkeypatch, error):
    def fails(*_, **__):
        raise error

    monkeypatch.setattr(transformers.PreTrainedModel, "save_pretrained", fails)
    with cache(tmp_path).lease(card_of(llama), "causal", dtype="bfloat16", quantization="nf4") as loaded:
        assert loaded.bytes > 0
    assert not [*(tmp_path / "cache" / "quantized").iterdir()]


KILLED = """
import os, signal, sys
from pathlib import Path
from types import SimpleNamespace
import transformers
from playground.models.catalog import Catalog
from playground.models.loaders import TransformersLoader
from playground.models.cache import ModelCache

def killed(self, folder, **_):
    (Path(folder) / "model.safetensors").write_bytes(b"0" * 1000)
    os.kill(os.getpid(), signal.SIGKILL)

transformers.PreTrainedModel.save_pretrained = killed
folder, store = map(Path, sys.argv[1:])
card = Catalog(folder.parent, folder).find(folder.name)
cache = ModelCache(2**30, TransformersLoader(offline=True, cache_dir=store))
with cache.lease(card, "causal", dtype="bfloat16", quantization="nf4"):
    pass
"""


def test_what_a_killed_process_left_is_swept_at_the_next_start(llama, tmp_path):
    store = tmp_path / "cache"
    done = subprocess.run([sys.executable, "-c", KILLED, llama, store], cwd=Path(__file__).parents[3])
    assert done.returncode == -signal.SIGKILL
    (left,) = (store / "quantized").iterdir()
    assert [file.name for file in left.iterdir()] == ["model.safetensors"]
    disk.sweep_all(store)
    assert not [*(store / "quantized").iterdir()]
    disk.sweep_all(tmp_path / "nowhere")


def test_only_what_nobody_writes_any_more_is_swept(tmp_path, monkeypatch):
    store, here = tmp_path / "quantized", disk.machine()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    began = psutil.Process().create_time()
    rows = {  # name: when it was last written to, and whether it stays
        f"arriving-{here}-{os.getpid()}-a": (began + 1, True),
        f"arriving-{here}-{os.getpid()}-b": (began - 99, False),
        f"arriving-{here}-{gone.pid}-c": (began + 1, False),
        "arriving-elsewhere-1-d": (time.time() - 60, True),
        "arriving-elsewhere-1-e": (time.time() - 9999, False),
        "tmpabcdefgh": (time.time() - 9999, False), f"part-{here}-1-f": (time.time() - 60, False),
        "org--model-nf4-0123456789abcdef": (time.time() - 10**6, True), "templates": (0.0, True),
    }  # fmt: skip
    for name, (since, _) in rows.items():
        (store / name).mkdir(parents=True)
        (store / name / "model.safetensors").write_bytes(b"0")
        for each in (store / name / "model.safetensors", store / name):
            os.utime(each, (since, since))
    disk.sweep_all(tmp_path)
    assert {path.name for path in store.iterdir()} == {name for name, (_, stays) in rows.items() if stays}


def test_shapes_that_a_packing_cpu_cannot_hold_are_refused_before_reading(tmp_path, monkeypatch):
    folder = saved.save(tmp_path / "models" / "odd", "Llama", intermediate_size=172)
    monkeypatch.setattr(causal, "packs", lambda: True)
    models = cache(tmp_path)
    with pytest.raises(CannotLoad) as caught:
        with models.lease(card_of(folder), "causal", dtype="bfloat16", quantization="nf4"):
            pass
    assert caught.value.key == "errors.quantization_shape"
    assert caught.value.values["layer"].endswith("mlp.gate_proj")
    assert (caught.value.values["features_in"], caught.value.values["features_out"]) == (64, 172)
    with models.lease(card_of(folder), "causal", dtype="float16", quantization="int8") as loaded:
        assert loaded.bytes > 0


def test_a_device_that_cannot_quantize(llama, tmp_path):
    with pytest.raises(CannotLoad) as caught:
        TransformersLoader().estimate(card_of(llama), key_of(card_of(llama), "nf4", device="mps"))
    assert caught.value.key == "errors.quantization_device"


def test_too_large_names_what_fits(llama, tmp_path):
    card = card_of(llama)
    loader = TransformersLoader()
    full, small = (
        loader.estimate(card, key_of(card, *how)) for how in (("", "float32"), ("nf4", "bfloat16"))
    )
    middle = loader.estimate(card, key_of(card, "int8", "float16"))
    for budget, key, fits in (
        (full - 1, "too_large_quantize", "int8"),
        (middle - 1, "too_large_quantize", "nf4"),
        (small - 1, "too_large_model", None),
    ):
        models = cache(tmp_path, budget)
        with pytest.raises(DoesNotFit) as caught, models.lease(card, "causal", dtype="float32"):
            pass
        assert caught.value.key == f"errors.{key}"
        assert caught.value.values.get("quantization") == fits
        assert models.status() == []
    with cache(tmp_path, full).lease(card, "causal", dtype="float32") as loaded:
        assert loaded.bytes == full


def test_memory_comes_back_after_eviction(folders, tmp_path):
    cards = [card_of(folders / kind) for kind in ("Llama", "Qwen2")]
    size = TransformersLoader().estimate(cards[0], key_of(cards[0]))
    models = cache(tmp_path, int(1.5 * size))
    with models.lease(cards[0], "causal", dtype="float32") as loaded:
        loaded.memo["circle"] = loaded
        gone = weakref.ref(loaded.model)
        held = loaded
    with models.lease(cards[1], "causal", dtype="float32"):
        gc.collect()
        assert gone() is None, "weights outlive their eviction"
        assert [row.name for row in models.status()] == ["Qwen2"]
    assert held.model is None and not held.memo


def _no_weights(folder):
    (folder / "model.safetensors").unlink()


def _cut(folder):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])


def _tensor_missing(folder):
    tensors = load_file(folder / "model.safetensors")
    del tensors["model.layers.1.mlp.down_proj.weight"]
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def _other_shape(folder):
    tensors = load_file(folder / "model.safetensors")
    tensors["model.norm.weight"] = torch.ones(7)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})


def _pickle(folder):
    tensors = load_file(folder / "model.safetensors")
    torch.save(tensors, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def _config(**changes):
    def change(folder):
        file = folder / "config.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))

    return change


def _no_json(folder):
    (folder / "config.json").write_text("{")


@pytest.mark.parametrize(
    ("harm", "key"),
    [
        (_no_weights, "no_weights"), (_cut, "broken_weights"), (_tensor_missing, "weights_missing"),
        (_other_shape, "broken_weights"), (_pickle, "pickles_only"),
        (_config(model_type="of-tomorrow"), "unknown_architecture"),
        (_config(model_type="x", auto_map={"AutoConfig": "evil.Config"}), "unknown_architecture"),
        (_config(hidden_size="wide"), "broken_config"), (_no_json, "broken_config"),
    ],
)  # fmt: skip
def test_broken_files_are_told_apart_and_leave_nothing_behind(llama, tmp_path, harm, key):
    harm(llama)
    models = cache(tmp_path)
    card = replace(card_of(llama), roles=CAUSAL)  # as if chosen in the moment before
    for _ in range(2):  # a failure is not remembered
        with pytest.raises(CannotLoad) as caught, models.lease(card, "causal", dtype="float32"):
            pass
        assert caught.value.key == f"errors.{key}"
    assert models.status() == [] and models.used_bytes() == 0


def test_an_owner_may_allow_pickles(llama, tmp_path):
    with cache(tmp_path).lease(card_of(llama), "causal", dtype="float32") as loaded:
        expected = loaded.model(torch.arange(9)[None]).logits
    _pickle(llama)
    with cache(tmp_path, pickles=True).lease(card_of(llama), "causal", dtype="float32") as loaded:
        assert torch.equal(loaded.model(torch.arange(9)[None]).logits, expected)


def test_a_pickle_that_runs_code_does_not(llama, tmp_path):
    import pickle

    class Evil:
        def __reduce__(self):
            return Path.touch, (tmp_path / "ran",)

    (llama / "model.safetensors").unlink()
    (llama / "pytorch_model.bin").write_bytes(pickle.dumps({"a": Evil()}))
    for pickles in (False, True):
        with pytest.raises(CannotLoad):
            with cache(tmp_path, pickles=pickles).lease(card_of(llama), "causal", dtype="float32"):
                pass
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "error",
    [MemoryError(), torch.OutOfMemoryError(), RuntimeError("DefaultCPUAllocator: not enough memory"),
     RuntimeError("unable to mmap 9 bytes from file <x>: Cannot allocate memory (12)"),
     OSError(errno.ENOMEM, "Cannot allocate memory"), SafetensorError("Cannot allocate memory (os error 12)"),
     RuntimeError("std::bad_alloc")],
)  # fmt: skip
def test_a_machine_out_of_memory(llama, tmp_path, monkeypatch, error):
    def fails(*_, **__):
        raise error

    monkeypatch.setattr(causal, "_read", fails)
    models = cache(tmp_path)
    with pytest.raises(DoesNotFit) as caught, models.lease(card_of(llama), "causal", dtype="float32"):
        pass
    assert caught.value.key == "errors.out_of_memory"
    assert models.status() == []


@pytest.mark.parametrize(
    "error", [KeyError("out of memory"), ValueError("cannot allocate memory"), OSError(2, "x")]
)
def test_what_only_speaks_of_memory_is_no_want_of_it(error):
    assert not out_of_memory(error)


def test_progress_counts_tensors(llama, tmp_path):
    steps: list[Stage] = []
    loader = TransformersLoader(cache_dir=tmp_path)
    for quantization, dtype, step in (("", "float32", "read"), ("nf4", "bfloat16", "quantize")):
        card = card_of(llama)
        loader.load(card, key_of(card, quantization, dtype), steps.append)
        counted = [stage for stage in steps if stage.step == step and stage.total]
        assert [stage.done for stage in counted] == list(range(counted[0].total))


def test_minilm_is_the_official_one(models: ModelCache):
    import sentence_transformers

    (card,) = (card for card in EMBEDDED if card.name == "all-MiniLM-L6-v2")
    with models.lease(card, "encoder", dtype="float32") as loaded:
        assert isinstance(loaded.model, sentence_transformers.SentenceTransformer)
        assert loaded.bytes > 90_000_000
        first, second, third = loaded.model.encode(
            ["A man is eating food.", "A man is eating a piece of bread.", "A plane is taking off."],
            normalize_embeddings=True,
        )
        # The figures that its own documentation gives for these kinds of pairs.
        assert first @ second == pytest.approx(0.7553, abs=1e-3)
        assert first @ third < 0.2
    other = replace(card, sha256="0" * 64)
    for role in ("encoder", "words"):
        with pytest.raises(CannotLoad) as caught:
            with models.lease(replace(other, roles=frozenset({role})), role, dtype="float16"):
                pass
        assert caught.value.key == "errors.checksum"


def test_any_encoder_becomes_a_sentence_model(tmp_path):
    from transformers import BertConfig, BertModel

    folder = tmp_path / "models" / "bert"
    shape = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    model = BertModel(BertConfig(vocab_size=saved.VOCABULARY, **shape))
    model.save_pretrained(folder)
    saved.tokenizer().save_pretrained(folder)
    with cache(tmp_path).lease(card_of(folder), "encoder", dtype="float32") as loaded:
        vector = loaded.model.encode("Once upon a time")
        ids = loaded.tokenizer("Once upon a time", return_tensors="pt")["input_ids"]
        expected = model.eval()(ids).last_hidden_state.mean(1)[0]
        assert torch.allclose(torch.tensor(vector), expected, atol=1e-5)


def test_code_named_by_modules_json_is_not_imported(tmp_path):
    folder = saved.save(tmp_path / "models" / "evil")
    (folder / "modules.json").write_text(
        json.dumps([{"idx": 0, "name": "0", "path": "", "type": "antigravity.X"}])
    )
    with (
        pytest.raises(CannotLoad) as caught,
        cache(tmp_path).lease(card_of(folder), "encoder", dtype="float32"),
    ):
        pass
    assert caught.value.key == "errors.own_code"


def test_words_of_minilm_are_its_input_matrix(models: ModelCache):
    (card,) = (card for card in EMBEDDED if card.name == "minilm-words")
    with models.lease(card, "words") as loaded:
        assert "music" in loaded.model and "##s" not in loaded.model and "[CLS]" not in loaded.model
        assert loaded.model.vector_size == 384
        assert "musical" in [word for word, _ in loaded.model.most_similar("music", topn=10)]
        assert loaded.bytes > loaded.model.vectors.nbytes


@pytest.mark.parametrize("form", ["glove.txt", "word2vec.txt", "word2vec.bin"])
def test_word_vectors_of_the_models_folder(tmp_path, form):
    from gensim.models import KeyedVectors

    made = KeyedVectors(3)
    made.add_vectors(["king", "queen", "Käse"], [[1, 0, 0], [0.9, 0.1, 0], [0, 0, 1]])
    file = tmp_path / form
    made.save_word2vec_format(
        str(file), binary=form.endswith(".bin"), write_header=not form.startswith("glove")
    )
    (card,) = Catalog(tmp_path, tmp_path).folders()
    with cache(tmp_path).lease(card, "words") as loaded:
        assert loaded.model.most_similar("king", topn=1)[0][0] == "queen"
        assert "Käse" in loaded.model


@pytest.mark.parametrize("content", [b"", b"no numbers here\n", b"3 50\nking 1 2\n", b"\xff\xfe\x00" * 99])
def test_a_file_that_is_no_word_vectors(tmp_path, content):
    (tmp_path / "odd.txt").write_bytes(content)
    card = ModelCard("odd.txt", "folder", str(tmp_path / "odd.txt"), WORDS)
    with pytest.raises(CannotLoad) as caught, cache(tmp_path).lease(card, "words"):
        pass
    assert caught.value.key in {"errors.broken_words", "errors.words_counts", "errors.words_line"}


def test_a_skeleton_has_no_weights_and_takes_kilobytes(folders, tmp_path):
    card = card_of(folders / "Llama")
    with cache(tmp_path).lease(card, "skeleton", device="meta") as loaded:
        assert {parameter.device.type for parameter in loaded.model.parameters()} == {"meta"}
        full = saved.model("Llama")
        assert loaded.model.num_parameters() == full.num_parameters()
        assert loaded.bytes < 2**20


def test_known_totals(tmp_path):
    """TinyLlama and GPT-2, as their checkpoints were counted and bitsandbytes quantized the former."""
    llama = {
        "model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 2048,
        "intermediate_size": 5632, "num_attention_heads": 32, "num_hidden_layers": 22,
        "num_key_value_heads": 4, "vocab_size": 32000,
    }  # fmt: skip
    gpt2 = {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"]}
    plans = []
    for config in (llama, gpt2):
        (tmp_path / "config.json").write_text(json.dumps(config))
        plans.append(causal.skeleton(ModelCard("x", "folder", str(tmp_path)), tmp_path, "float16"))
    tiny_llama, gpt = plans
    assert (tiny_llama.num_parameters(), gpt.num_parameters()) == (1_100_048_384, 124_439_808)
    assert weights.predicted(gpt, "bfloat16") == 2 * 124_439_808
    # The buffers are Llama's two tables of rotary frequencies: 32 float32 each.
    assert weights.predicted(tiny_llama, "bfloat16") == 2 * 1_100_048_384 + 256 == 2_200_097_024
    quantized = 22 * (2 * 2048 * 2048 + 2 * 2048 * 256 + 3 * 2048 * 5632)
    rows = 22 * (2 * 2048 + 2 * 256 + 2 * 5632 + 2048)
    assert weights.predicted(tiny_llama, "float16", "int8") == 1_231_212_800 + 4 * rows
    # The weights' own bytes, then the scales in 8 bits, their scales, and each layer's tables.
    scales = quantized // 64
    nested = scales + 4 * (scales // 256) + 22 * 7 * (64 + 1024 + 4)
    assert weights.predicted(tiny_llama, "bfloat16", "nf4") == 746_770_688 + nested
    plain = 4 * scales + 22 * 7 * 64
    assert weights.predicted(tiny_llama, "bfloat16", "nf4", double=False) == 746_770_688 + plain


@pytest.mark.parametrize("role", ["causal", "encoder", "words", "skeleton"])
def test_what_a_model_is_not(models: ModelCache, role):
    (card,) = (card for card in EMBEDDED if card.name == "byt5")
    with pytest.raises(BadInput) as caught, models.lease(card, role):
        pass
    assert caught.value.key == ("errors.only_tokenizer" if role == "causal" else f"errors.no_{role}")


def test_why_nothing_has_a_next_token_here(folders, tmp_path):
    """A tokenizer alone, an architecture alone, a base model, an encoder: four sentences."""
    root = tmp_path / "models"
    saved.tokenizer().save_pretrained(root / "cuts")
    shutil.copytree(folders / "Llama", root / "plan", ignore=shutil.ignore_patterns("*.safetensors"))
    for kind in ("Llama", "GPT2"):
        base = saved.save(root / f"base-{kind}", kind)
        saved.model(kind).base_model.save_pretrained(base)
    bert = transformers.BertConfig(
        vocab_size=384, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    transformers.BertModel(bert).save_pretrained(root / "encoder")
    saved.tokenizer().save_pretrained(root / "encoder")
    told = {
        "cuts": "only_tokenizer", "plan": "no_weights", "base-Llama": "no_lm_head", "base-GPT2": "no_lm_head",
        "encoder": "no_causal",
    }  # fmt: skip
    for name, key in told.items():
        with pytest.raises((BadInput, CannotLoad)) as caught:
            with cache(tmp_path).lease(card_of(root / name), "causal", dtype="float32"):
                pass
        assert caught.value.key == f"errors.{key}", name
    # From the Hub nobody knows before the files are here.
    with pytest.raises(CannotLoad) as late:
        with cache(tmp_path).lease(replace(card_of(root / "base-Llama"), roles=CAUSAL), "causal"):
            pass
    assert late.value.key == "errors.no_lm_head"
    for lang in text.LANGUAGES:
        said = [
            text.say(f"errors.{key}", lang, name="x") for key in ("only_tokenizer", "no_lm_head", "no_causal")
        ]
        assert len(set(said)) == 3


@pytest.mark.parametrize("role", ["causal", "encoder"])
def test_a_folder_without_weights_says_so_and_not_what_it_cannot_do(llama, tmp_path, role):
    _no_weights(llama)
    with pytest.raises(CannotLoad) as caught, cache(tmp_path).lease(card_of(llama), role, dtype="float32"):
        pass
    assert caught.value.key == "errors.no_weights"
    with cache(tmp_path).lease(card_of(llama), "skeleton") as loaded:
        assert loaded.model is not None


def test_an_encoder_does_not_write(folders, tmp_path):
    (card,) = (card for card in EMBEDDED if card.name == "all-MiniLM-L6-v2")
    with pytest.raises(CannotLoad) as caught:
        with cache(tmp_path).lease(replace(card, roles=CAUSAL), "causal", dtype="float32"):
            pass
    assert caught.value.key == "errors.not_causal"


def test_one_set_of_weights_serves_every_panel(folders, tmp_path):
    models, card = cache(tmp_path), card_of(folders / "Llama")
    with models.lease(card, "causal", dtype="float32") as chat:
        with models.lease(card, "causal", dtype="float32") as next_token:
            assert chat is next_token
            assert [row.leases for row in models.status()] == [2]


def test_loaded_is_what_a_lease_gives(folders, tmp_path):
    with cache(tmp_path).lease(card_of(folders / "Llama"), "causal", dtype="bfloat16") as loaded:
        assert isinstance(loaded, Loaded)
        assert loaded.model.dtype == torch.bfloat16 and loaded.device == "cpu"
        assert loaded.tokenizer.decode(loaded.tokenizer("Lily").input_ids) == "Lily"
