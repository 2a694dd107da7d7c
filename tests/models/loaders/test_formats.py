"""The number format of a model is what its checkpoint says, as transformers' ``dtype="auto"`` has it."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from safetensors.torch import save_file

from playground import text
from playground.engine.generation.beam_search import Beams
from playground.engine.generation.sampling import Settings
from playground.engine.vectors.encode import encode
from playground.errors import BadInput
from playground.models import devices, weights
from playground.models.cache import Key, Loaded, ModelCache
from playground.models.catalog import Catalog, ModelCard
from playground.models.gguf import header
from playground.models.loaders import TransformersLoader, causal, formats, offers
from playground.rooms.decoding.actions import generate
from playground.rooms.models import actions
from playground.rooms.models import view as models_view
from playground.rooms.next_token import api
from playground.rooms.next_token.actions import Answers
from playground.settings import read
from playground.ui import precision as view
from playground.ui.context import Context
from playground.ui.precision_menu import offered
from tests.models import gguf_files, saved

TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
BF16 = "flags : fpu avx2 avx512f avx512_bf16 amx_bf16\n"
pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def cpu(monkeypatch, tmp_path):
    """A CPU with these features, as far as the app can tell."""

    def build(cpuinfo: str) -> None:
        (tmp_path / "cpuinfo").write_text(cpuinfo)
        monkeypatch.setattr(devices, "CPUINFO", tmp_path / "cpuinfo")
        devices.choose.cache_clear()

    yield build
    devices.choose.cache_clear()


def context_of(folder: Path, *arguments: str) -> Context:
    models = ModelCache(2**31, TransformersLoader(offline=True, cache_dir=folder / "cache"))
    settings = read(["--device", "cpu", "--models-dir", str(folder), *arguments], {})
    return Context(settings, Catalog(folder, folder / "uploads", offline=True), models)


def leased(context: Context, name: str, role: Any = "causal", precision: str = "") -> Loaded:
    with closing(context.leasing(context.catalog.find(name), role, precision)) as steps:
        return next(step for step in steps if isinstance(step, Loaded))


def says(folder: Path, **fields: Any) -> Path:
    """Its config.json with other fields; None takes one out."""
    file = folder / "config.json"
    config = json.loads(file.read_text()) | fields
    file.write_text(json.dumps({key: value for key, value in config.items() if value is not None}))
    return folder


def _plain(folder: Path) -> Path:
    return saved.save(folder)


def _half(folder: Path) -> Path:
    return saved.save(folder, "Qwen2", dtype=torch.bfloat16)


def _older(folder: Path) -> Path:
    """`torch_dtype`, as everything before transformers 5 wrote it; the file is of another type."""
    return says(saved.save(folder, "GPT2"), dtype=None, torch_dtype="bfloat16")


def _silent(folder: Path) -> Path:
    return says(saved.save(folder, dtype=torch.bfloat16), dtype=None)


def _null(folder: Path) -> Path:
    return says(saved.save(folder, "Phi3", dtype=torch.float16), dtype=None, torch_dtype=None)


def _sharded(folder: Path) -> Path:
    return says(saved.save(folder, dtype=torch.bfloat16, max_shard_size="60KB"), dtype=None)


def _index(folder: Path) -> Path:
    """The index of the shards has a word of its own."""
    file = _sharded(folder) / "model.safetensors.index.json"
    index = json.loads(file.read_text())
    index["metadata"]["dtype"] = "float16"
    file.write_text(json.dumps(index))
    return folder


def _mixed(folder: Path) -> Path:
    """Norms in float32 among weights in bfloat16: the first one counts, in the library's order."""
    model = saved.model("Llama", dtype=torch.bfloat16)
    model.save_pretrained(folder)
    state = {name: each.float() if "norm" in name else each for name, each in model.state_dict().items()}
    save_file(state, folder / "model.safetensors", {"format": "pt"})
    saved.tokenizer().save_pretrained(folder)
    return says(folder, dtype=None)


def _parts(folder: Path) -> Path:
    """A config of text and pictures: what the text's part says, which is what the class reads."""
    text_config = transformers.Gemma3TextConfig(
        **{**saved.COMMON, "vocab_size": saved.VOCABULARY, "num_key_value_heads": 2, "head_dim": 16,
           "intermediate_size": 128}
    )  # fmt: skip
    torch.manual_seed(0)
    transformers.Gemma3ForCausalLM(text_config).to(torch.bfloat16).save_pretrained(folder)
    saved.tokenizer().save_pretrained(folder)
    return folder


CHECKPOINTS = [_plain, _half, _older, _silent, _null, _sharded, _index, _mixed, _parts]


@pytest.mark.parametrize("build", CHECKPOINTS, ids=lambda build: build.__name__.strip("_"))
@pytest.mark.parametrize("cpuinfo", ["flags : fpu avx2\n", BF16], ids=["avx2", "avx512_bf16"])
def test_auto_is_transformers_auto(tmp_path, cpu, build, cpuinfo):
    """Its format to the letter and its logits to the bit; float16 alone becomes float32 on such CPUs."""
    cpu(cpuinfo)
    folder = build(tmp_path / "it")
    theirs = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype="auto")
    card = context_of(tmp_path).catalog.find("it")
    assert TYPES[offers.stored(card)] == theirs.dtype
    loaded = leased(context_of(tmp_path), "it")
    if theirs.dtype == torch.float16:
        theirs = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        assert (loaded.stored, loaded.dtype) == ("float16", "float32")
    assert loaded.model.dtype == theirs.dtype == TYPES[loaded.dtype]
    ids = torch.arange(5, 25)[None]
    with torch.inference_mode():
        assert torch.equal(loaded.model(ids).logits, theirs(ids).logits)
    assert loaded.bytes >= weights.measured(theirs)


@pytest.mark.parametrize("build", [_plain, _half, _null], ids=["float32", "bfloat16", "float16"])
def test_bytes_are_known_before(tmp_path, build):
    build(tmp_path / "it")
    context = context_of(tmp_path)
    card = context.catalog.find("it")
    key = Key(card.source, card.where, card.revision, "causal", "cpu", "", "")
    predicted = causal.estimate(card, Path(card.where), key)
    assert predicted == weights.measured(leased(context, "it").model)
    (row,) = context.models.status()
    assert row.dtype == leased(context, "it").dtype and len(context.models.status()) == 1


@pytest.mark.parametrize("cpuinfo", ["flags : fpu avx2\n", BF16], ids=["avx2", "avx512_bf16"])
@pytest.mark.parametrize("kind", ["Llama", "GPT2", "Qwen2"])
def test_endpoints_answer_as_transformers_does(tmp_path, cpu, kind, cpuinfo):
    cpu(cpuinfo)
    _as_transformers(context_of(tmp_path), saved.save(tmp_path / "it", kind), "it")


@pytest.mark.real
@pytest.mark.parametrize("name", ["stories260K", "gpt2", "qwen1.5"])
def test_real_models_answer_as_transformers_does(shared, tmp_path, cpu, name):
    folder = shared / "models" / name
    if not any(folder.glob("*.safetensors")):
        pytest.skip("without its weights")
    cpu(BF16)
    _as_transformers(context_of(shared / "models"), folder, name)


def _as_transformers(context: Context, folder: Path, name: str) -> None:
    """`/next_token` and greedy `/generate`, on whatever CPU."""
    prompt = "Once upon a time"
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype="auto")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    answer = api.answer(Answers(context), prompt, name, 1.0, 0, 1.0, 20, [])
    given = tokenizer(prompt, return_tensors="pt")
    ids = given["input_ids"]
    if len(answer["tokens"]) == ids.shape[1] + 1:  # a beginning that this tokenizer does not write itself
        ids = torch.cat([torch.tensor([[tokenizer.bos_token_id]]), ids], 1)
    with torch.inference_mode():
        logits = model(ids).logits[0, -1].float()
        best = logits.topk(20)
        assert [each["id"] for each in answer["candidates"]] == best.indices.tolist()
        ours = [each["logit"] for each in answer["candidates"]]
        assert ours == pytest.approx(best.values.tolist(), abs=2e-5)
        found = [each["probability"] for each in answer["candidates"]]
        assert found == pytest.approx(logits.softmax(-1)[best.indices].tolist(), abs=1e-6)
        theirs = model.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=24, num_beams=1,
            repetition_penalty=1.0, pad_token_id=0,
        )  # fmt: skip
    made = generate(context, prompt, name, "greedy", Settings(24, temperature=0.0).checked(), Beams(2))
    assert made["ids"] == theirs[0, ids.shape[1] :].tolist()[: len(made["ids"])] and len(made["ids"]) > 3


def _large(folder: Path, dtype: torch.dtype) -> ModelCard:
    """A config of a hundred million numbers; its weights are not needed to be asked about."""
    shape = {"hidden_size": 768, "intermediate_size": 2048, "num_hidden_layers": 12, "vocab_size": 32000}
    shape |= {"num_attention_heads": 12, "num_key_value_heads": 4, "tie_word_embeddings": True}
    config = transformers.LlamaConfig(**shape, architectures=["LlamaForCausalLM"], dtype=dtype)
    config.save_pretrained(folder)
    saved.tokenizer().save_pretrained(folder)
    save_file({"x": torch.zeros(1, dtype=dtype)}, folder / "model.safetensors", {"format": "pt"})
    return ModelCard(folder.name, "folder", str(folder), frozenset({"causal", "tokenizer"}))


def test_bfloat16_is_offered_where_it_saves_much_and_is_native(tmp_path, cpu):
    how = {"offline": True, "anonymous": True}
    large = _large(tmp_path / "large", torch.float32)
    small = ModelCard("small", "folder", str(saved.save(tmp_path / "small")))
    half = _large(tmp_path / "half", torch.bfloat16)
    old = _large(tmp_path / "old", torch.float16)
    cpu(BF16)
    found = offers.look(large, "cpu", **how)
    assert found == offers.Formats("float32", "float32", (offers.Offer("bfloat16", 200_185_344, "amx_bf16"),))
    assert offers.look(small, "cpu", **how) == offers.Formats("float32", "float32", ())
    assert offers.look(half, "cpu", **how) == offers.Formats("bfloat16", "bfloat16", ())
    was = offers.look(old, "cpu", **how)
    assert (was.stored, was.computed, was.offers) == ("float16", "float32", found.offers)
    cpu("flags : fpu avx2\n")
    assert offers.look(large, "cpu", **how) == offers.Formats("float32", "float32", ())
    # What is only emulated can be had in float32: the same numbers, sooner, for more bytes.
    assert offers.look(half, "cpu", **how).offers == (offers.Offer("float32", -200_185_344, ""),)


@pytest.mark.parametrize("lang", text.LANGUAGES)
def test_the_menu_gives_the_reason_and_the_bytes(tmp_path, cpu, lang):
    for name, dtype in (("large", torch.float32), ("old", torch.float16), ("half", torch.bfloat16)):
        _large(tmp_path / name, dtype)
    cpu(BF16)
    context = context_of(tmp_path)
    choices, told = offered(context, "large", lang)
    assert [value for _, value in choices] == ["", "bfloat16", "int8", "nf4"]
    assert "200,185,344" in told and "AMX-BF16" in told and "float32" in told
    choices, told = offered(context, "half", lang)
    assert [value for _, value in choices] == ["", "int8", "nf4"] and "200,185,344" not in told
    cpu("flags : fpu avx2\n")
    choices, told = offered(context, "half", lang)
    assert [value for _, value in choices] == ["", "float32", "int8", "nf4"] and "200,185,344" in told
    _, told = offered(context, "old", lang)
    assert "float16" in told and "float32" in told
    for name in (
        "all-MiniLM-L6-v2",
        "no such model",
        "nobody/nothing",
        "",
    ):  # no language model, or none here
        choices, told = offered(context, name, lang)
        assert [value for _, value in choices] == ["", "int8", "nf4"]
        assert told == text.say("models.precision_info", lang)
    owner = context_of(tmp_path, "--dtype", "bfloat16")
    choices, told = offered(owner, "large", lang)
    assert [value for _, value in choices] == ["", "int8", "nf4"]
    chosen = text.say("models.format_chosen", lang, stored="float32", computed="bfloat16")
    assert told.startswith(chosen)


def test_what_a_visitor_chooses_is_what_runs_and_is_named(tmp_path, cpu):
    cpu(BF16)
    saved.save(tmp_path / "it")
    context = context_of(tmp_path)
    loaded = leased(context, "it", precision="bfloat16")
    assert loaded.model.dtype == torch.bfloat16 and (loaded.dtype, loaded.stored) == ("bfloat16", "float32")
    (row,) = context.models.status()
    assert models_view.precision(row, "en") == "bfloat16 (stored: float32)"
    plain = leased(context, "it")
    assert plain.model.dtype == torch.float32 and plain is not loaded
    # What it would be computed in anyhow is not loaded a second time.
    assert leased(context, "it", precision="float32").model is plain.model
    assert len(context.models.status()) == 2
    for name, expected in (("int8", "int8, the rest float16"), ("nf4", "NF4, the rest bfloat16")):
        leased(context, "it", precision=name)
        row = context.models.status()[0]
        assert models_view.precision(row, "en") == expected
    with pytest.raises(BadInput) as caught:
        leased(context, "all-MiniLM-L6-v2", "encoder", "bfloat16")
    assert caught.value.key == "errors.quantization_causal_only"
    with pytest.raises(BadInput) as caught:
        leased(context, "it", precision="float8")
    assert caught.value.key == "errors.quantization_unknown"


def test_the_drawer_finds_the_row_of_each_precision(tmp_path, cpu):
    cpu(BF16)
    saved.save(tmp_path / "it")
    context = context_of(tmp_path)
    card = context.catalog.find("it")
    for name, dtype in (("", "float32"), ("bfloat16", "bfloat16"), ("int8", "float16")):
        with closing(context.leasing(card, "causal", name)) as steps:
            loaded = next(step for step in steps if isinstance(step, Loaded))
            row = actions._status(context, loaded, "causal", name)
            assert (row.dtype, row.bytes) == (dtype, loaded.bytes)


@pytest.mark.parametrize("stored", TYPES)
@pytest.mark.parametrize("cpuinfo", ["flags : fpu avx2\n", BF16], ids=["avx2", "avx512_bf16"])
def test_sentence_models_are_computed_as_they_say_too(tmp_path, cpu, stored, cpuinfo):
    cpu(cpuinfo)
    shape = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128}
    torch.manual_seed(0)
    model = transformers.BertModel(transformers.BertConfig(vocab_size=saved.VOCABULARY, **shape))
    model.to(TYPES[stored]).save_pretrained(tmp_path / "it")
    saved.tokenizer().save_pretrained(tmp_path / "it")
    context = context_of(tmp_path)
    card = context.catalog.find("it")
    loaded = leased(context, "it", "encoder")
    expected = "float32" if stored == "float16" else stored
    assert (loaded.dtype, loaded.stored) == (expected, stored)
    assert {each.dtype for each in loaded.model.parameters()} == {TYPES[expected]}
    key = Key(card.source, card.where, card.revision, "encoder", "cpu", "", "")
    estimate = TransformersLoader(offline=True).estimate(card, key)
    assert abs(estimate - loaded.bytes) < 10_000  # position ids and the like
    texts = ["Once upon a time", "a little girl named Lily", "in the park."]
    theirs = loaded.model.encode(texts, show_progress_bar=False, convert_to_tensor=True).float().numpy()
    assert encode(loaded, texts).vectors == pytest.approx(theirs, abs=1e-5 if expected == "float32" else 0.1)


def test_the_tutor_is_computed_in_float32_everywhere(tmp_path, cpu):
    for cpuinfo in (BF16, "flags : fpu avx2\n"):
        cpu(cpuinfo)
        loaded = leased(context_of(tmp_path), "tutor")
        assert (loaded.dtype, loaded.stored, loaded.model.dtype) == ("float32", "float32", torch.float32)


def test_a_feature_is_written_as_people_do():
    assert view.feature("avx512_bf16") == "AVX512-BF16" and view.feature("NVIDIA H200") == "NVIDIA H200"


@pytest.mark.parametrize(("cpuinfo", "expected"), [("flags : fpu avx2\n", "float32"), (BF16, "bfloat16")])
def test_a_quantized_file_says_no_format_so_the_faster_one_is_taken(
    tmp_path, cpu, monkeypatch, cpuinfo, expected
):
    """Up to a billion numbers; the menu tells why, and whoever asks for the other one gets it."""
    cpu(cpuinfo)
    gguf_files.llama(tmp_path / "tiny.gguf")
    context = context_of(tmp_path)
    card = context.catalog.find("tiny.gguf")
    kind = header.read(Path(card.origin)).main_kind
    how = {"offline": True, "anonymous": True}
    found = offers.look(card, "cpu", **how)
    assert (found.stored, found.computed, found.offers) == (kind, expected, ()) and kind not in TYPES
    assert offers.usual(card, "cpu") == expected and offers.usual(card, "cuda") == "bfloat16"
    told = view.explanation(found, "cpu", "en")
    assert kind in told and f"computed in {expected}" in told
    assert ("can only emulate bfloat16" in told) == (expected == "float32")
    loaded = leased(context, "tiny.gguf")
    assert (loaded.model.dtype, loaded.dtype, loaded.stored) == (TYPES[expected], expected, kind)
    other = next(each for each in ("bfloat16", "float32") if each != expected)
    assert leased(context, "tiny.gguf", precision=other).model.dtype == TYPES[other]
    monkeypatch.setattr(devices, "MOST_WIDE", 1000)
    assert offers.usual(card, "cpu") == "bfloat16"


def test_a_file_of_whole_numbers_is_computed_as_it_was(tmp_path, cpu):
    """F32 in GGUF is a format, not a packing of bits."""
    cpu("flags : fpu avx2\n")
    gguf_files.llama(tmp_path / "plain.gguf", kind="F32")
    card = context_of(tmp_path).catalog.find("plain.gguf")
    assert formats.packed(card, "cpu") is None
