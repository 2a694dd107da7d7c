"""Whatever is leaned on in other libraries still holds in those that are installed: a check for each row."""

from __future__ import annotations

import ast
import inspect
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import gradio as gr
import pytest

from playground.system.internals import INTERNALS
from tests.app import tokenizer_json

ROOT = Path(__file__).resolve().parents[2]
CHECKS: dict[str, Callable[[], None]] = {}


def check(key: str):
    def keep(function: Callable[[], None]) -> Callable[[], None]:
        CHECKS[key] = function
        return function

    return keep


def takes(function: object, *names: str) -> None:
    """The function has arguments of these names."""
    found = inspect.signature(function).parameters  # type: ignore[arg-type]
    assert set(names) <= set(found), f"{function} takes {', '.join(found)}"


def gpt2():
    from tests.tiny_tokenizers import model_of

    return model_of("gpt2")


@check("cache-argument")
def cache_argument():
    from playground.engine.generation import compat

    assert compat.cache_name(gpt2()) in ("cache", "past_key_values")


@check("dynamic-cache")
def dynamic_cache():
    from tests.tiny_tokenizers import model_of

    assert model_of("llama")._supports_default_dynamic_cache() is True


@check("prepared-inputs")
def prepared_inputs():
    from transformers import GenerationMixin

    takes(GenerationMixin.prepare_inputs_for_generation, "next_sequence_length", "is_first_iteration")
    takes(
        GenerationMixin._update_model_kwargs_for_generation, "outputs", "model_kwargs", "is_encoder_decoder"
    )


@check("cache-layers")
def cache_layers():
    import torch
    from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

    states = torch.zeros(1, 2, 5, 4)
    whole, sliding = DynamicLayer(), DynamicSlidingWindowLayer(sliding_window=8)
    for layer in (whole, sliding):
        assert layer.is_initialized is False
        keys, values = layer.update(states, states)
        assert keys.shape == values.shape == states.shape and layer.is_initialized
        layer.crop(-2)
        assert layer.keys.shape[-2] == layer.values.shape[-2] == layer.get_seq_length() == 3
    assert (whole.is_sliding, sliding.is_sliding, sliding.sliding_window) == (False, True, 8)


@check("long-rope")
def long_rope():
    import transformers

    for name in ("Phi3ForCausalLM", "PhimoeForCausalLM"):
        source = inspect.getsource(getattr(transformers, name).prepare_inputs_for_generation)
        assert "original_max_position_embeddings" in source and "super().prepare_inputs" in source


@check("layer-kinds")
def layer_kinds():
    from transformers import MistralConfig
    from transformers.cache_utils import get_layer_types_and_kwargs

    kinds, options = get_layer_types_and_kwargs(MistralConfig(num_hidden_layers=2, sliding_window=8))
    assert list(kinds) == ["sliding_attention"] * 2 and [each["sliding_window"] for each in options] == [8, 8]


@check("kept-in-float32")
def kept_in_float32():
    import torch
    from transformers import AutoModel, T5Config

    with torch.device("meta"):
        model = AutoModel.from_config(T5Config(num_layers=1, d_model=8, d_ff=8, d_kv=4, num_heads=2))
    assert set(model._keep_in_fp32_modules) == {"wo"}
    assert not model._keep_in_fp32_modules_strict


@check("per-layer-configs")
def per_layer_configs():
    from transformers import AutoConfig

    config = AutoConfig.for_model("gemma4_text")
    sizes = {each.head_dim for each in config.per_layer_config}
    assert len(config.per_layer_config) == config.num_hidden_layers and len(sizes) == 2
    with pytest.raises(RuntimeError):
        _ = config.head_dim


@check("quantized-layers")
def quantized_layers():
    from transformers.pytorch_utils import Conv1D
    from transformers.quantizers.base import get_keys_to_not_convert
    from transformers.quantizers.quantizers_utils import should_convert_module

    model = gpt2()
    kept = get_keys_to_not_convert(model)
    assert "lm_head" in kept and isinstance(model.transformer.h[0].attn.c_attn, Conv1D)
    assert should_convert_module("transformer.h.0.attn.c_attn", kept)
    assert not should_convert_module("lm_head", kept)


@check("attention-setting")
def attention_setting():
    from transformers import AutoModelForCausalLM, GPT2Config

    config = GPT2Config(n_layer=1, n_embd=8, n_head=2, vocab_size=9)
    config._attn_implementation = "eager"
    assert AutoModelForCausalLM.from_config(config).config._attn_implementation == "eager"


@check("progress-hook")
def progress_hook():
    from transformers.utils import logging

    seen = []

    def hook(factory, args, kwargs):
        seen.append(list(args[0]))
        return factory(*args, **{**kwargs, "disable": True})

    before = logging.set_tqdm_hook(hook)
    try:
        assert list(logging.tqdm([1, 2])) == [1, 2] and seen == [[1, 2]]
    finally:
        logging.set_tqdm_hook(before)


@check("gguf-bar")
def gguf_bar():
    import transformers.modeling_gguf_pytorch_utils as reading

    text = Path(reading.__file__).read_text(encoding="utf-8")
    assert "for tensor in tqdm(reader.tensors" in text and hasattr(reading, "tqdm")


@check("gguf-config")
def gguf_config():
    from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

    from tests.models import gguf_files

    with tempfile.TemporaryDirectory() as folder:
        gguf_files.llama(Path(folder) / "tiny.gguf")
        told = load_gguf_checkpoint(f"{folder}/tiny.gguf")["config"]
        assert told["model_type"] == "llama" and told["num_hidden_layers"] == 2
        gguf_files.llama(Path(folder) / "odd.gguf", architecture="odd")
        with pytest.raises(ValueError, match="not supported"):
            load_gguf_checkpoint(f"{folder}/odd.gguf")


@check("canine-names")
def canine_names():
    from transformers.models.canine.tokenization_canine import SPECIAL_CODEPOINTS

    assert SPECIAL_CODEPOINTS[0xE000] == "[CLS]" and SPECIAL_CODEPOINTS[0xE001] == "[SEP]"


@check("no-torch")
def no_torch():
    script = (
        "import sys; sys.modules['torch'] = None; from transformers import AutoTokenizer, ByT5Tokenizer;"
        "assert ByT5Tokenizer()('a')['input_ids'] == [100, 1]"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)


@check("tokenizer-beside-weights")
def tokenizer_beside_weights():
    from playground.models.cache import Key
    from playground.models.catalog import EMBEDDED_BY_NAME
    from playground.models.loaders import encoders
    from playground.models.loaders.places import place
    from playground.models.loaders.stand_ins import without_tokenizer

    card = EMBEDDED_BY_NAME["all-MiniLM-L6-v2"]
    path = place(card)
    assert path is not None
    key = Key(card.source, card.where, card.revision, "encoder", "cpu", "", "")
    with without_tokenizer(card, path) as (plain, own):
        model = encoders.load(card, plain, key, False, lambda stage: None)
    assert own == path and len(model.tokenizer) == 1 and model.max_seq_length == 256


@check("norm-names")
def norm_names():
    from tests.tiny_tokenizers import KINDS, model_of

    for kind in set(KINDS) - {"gpt1"}:  # it normalizes inside its layers only
        names = [type(module).__name__.lower() for module in model_of(kind).modules()]
        assert any("norm" in name for name in names), kind


@check("bert-parts")
def bert_parts():
    from transformers import BertConfig, BertModel

    small = {"num_hidden_layers": 1, "hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 9}
    body = BertModel(BertConfig(vocab_size=9, **small))
    layer, start = body.encoder.layer[0], body.embeddings
    for part in (layer.attention.self.query, layer.attention.self.key, layer.attention.self.value):
        assert part.weight.shape == (8, 8)
    assert layer.attention.output.dense.weight.shape == (8, 8)
    assert layer.intermediate.dense.weight.shape == (9, 8) and layer.output.dense.weight.shape == (8, 9)
    for norm in (start.LayerNorm, layer.attention.output.LayerNorm, layer.output.LayerNorm):
        assert norm.weight.shape == (8,)
    assert start.token_type_embeddings.weight.shape == (2, 8)
    assert start.position_embeddings.weight.shape[1] == start.word_embeddings.weight.shape[1] == 8


@check("sentence-modules")
def sentence_modules():
    from sentence_transformers.models import Normalize, Pooling, Transformer

    assert [each.__name__ for each in (Transformer, Pooling, Normalize)] == [
        "Transformer",
        "Pooling",
        "Normalize",
    ]
    assert Pooling(8, "mean").get_config_dict().get("pooling_mode") in ("mean", ["mean"])


def tekken():
    from playground.models.cache import ModelCache
    from playground.models.catalog import TOKENIZERS
    from playground.models.loaders import TransformersLoader

    card = next(card for card in TOKENIZERS if card.name == "tekken")
    with ModelCache(2**30, TransformersLoader(offline=True)).lease(card) as loaded:
        return loaded.tokenizer


@check("tekken-ranks")
def tekken_ranks():
    import tiktoken

    assert isinstance(tekken()._model, tiktoken.Encoding)


@check("tiktoken-ranks")
def tiktoken_ranks():
    import tiktoken

    made = tiktoken.Encoding(
        "two", pat_str=".", mergeable_ranks={b"a": 0, b"b": 1, b"ab": 2}, special_tokens={}
    )
    assert made._mergeable_ranks[b"ab"] == 2 and made._pat_str == "."


@check("tokenizer-kinds")
def tokenizer_kinds():
    from tokenizers import Tokenizer, models

    for kind in (models.BPE(), models.WordPiece({}), models.Unigram(), models.WordLevel({})):
        assert type(Tokenizer(kind).model).__name__ == type(kind).__name__
    assert [each.__name__ for each in (models.BPE, models.WordPiece, models.Unigram)] == [
        "BPE", "WordPiece", "Unigram",
    ]  # fmt: skip


@check("out-of-memory")
def out_of_memory():
    import torch

    assert torch.OutOfMemoryError.__name__ == "OutOfMemoryError"
    assert torch.cuda.OutOfMemoryError is torch.OutOfMemoryError


@check("sentence-body")
def sentence_body():
    from playground.models.cache import ModelCache
    from playground.models.catalog import EMBEDDED
    from playground.models.loaders import TransformersLoader
    from playground.rooms.architecture.service import inner

    card = next(card for card in EMBEDDED if "encoder" in card.roles)
    with ModelCache(2**31, TransformersLoader(offline=True)).lease(card, "encoder") as loaded:
        assert type(loaded.model).__name__ == "SentenceTransformer"
        assert type(inner(loaded.model)).__name__ == "BertModel"


@check("panic")
def panic():
    from tokenizers import Tokenizer

    whole = json.loads(tokenizer_json())
    whole["truncation"] = {
        "direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 5,
    }  # fmt: skip
    with pytest.raises(BaseException, match="stride") as raised:
        Tokenizer.from_str(json.dumps(whole)).encode("hello world hello world")
    assert type(raised.value).__name__ == "PanicException" and not isinstance(raised.value, Exception)


@check("meta-constructors")
def meta_constructors():
    import torch
    from torch.utils._device import _device_constructors

    makers = _device_constructors()
    assert {torch.empty, torch.zeros, torch.ones, torch.full, torch.arange, torch.tensor} <= set(makers)


@check("default-format-calls")
def default_format_calls():
    from transformers.models.m2m_100 import modeling_m2m_100
    from transformers.models.xglm import modeling_xglm

    for module in (modeling_m2m_100, modeling_xglm):
        assert ".to(torch.get_default_dtype())" in inspect.getsource(module)


@check("umap-halves")
def umap_halves():
    from playground.engine.vectors import projection

    umap = projection.umap_module()
    takes(umap.fuzzy_simplicial_set, "X", "n_neighbors", "random_state", "metric", "knn_indices", "knn_dists")
    assert list(inspect.signature(umap.find_ab_params).parameters)[:2] == ["spread", "min_dist"]
    names = list(inspect.signature(umap.simplicial_set_embedding).parameters)
    assert names[:15] == [
        "data", "graph", "n_components", "initial_alpha", "a", "b", "gamma", "negative_sample_rate",
        "n_epochs", "init", "random_state", "metric", "metric_kwds", "densmap", "densmap_kwds",
    ]  # fmt: skip


def asked_to_stop(method: str) -> int:
    """How often a layout of twenty points asks whether it goes on."""
    import numpy as np

    from playground.engine.vectors import projection
    from playground.system import cancellation

    projection.umap_module()
    times = [0]

    def left() -> bool:
        times[0] += 1
        return False

    few = np.random.Generator(np.random.PCG64(0)).normal(size=(20, 8)).astype(np.float32)
    with cancellation.when(left):
        projection.project(few, method)
    return times[0]


@check("umap-epochs")
def umap_epochs():
    assert asked_to_stop("umap") >= 300


@check("tsne-steps")
def tsne_steps():
    assert asked_to_stop("tsne") >= 300


@check("k-means-steps")
def k_means_steps():
    import numpy as np

    from playground.rooms.embeddings.sentences import samples
    from playground.system import cancellation

    asked = 0

    def left() -> bool:
        nonlocal asked
        asked += 1
        return False

    chance = np.random.default_rng(0).normal(size=(3000, 8)).astype(np.float32)
    with cancellation.when(left):
        samples.cluster(chance, chance[:, :2], "kmeans")
    assert asked >= 40  # four beginnings, each of many steps


@check("module-dictionaries")
def module_dictionaries():
    model = gpt2()
    assert model.lm_head._parameters["weight"] is model.transformer.wte._parameters["weight"]
    assert "transformer" in model._modules and isinstance(model._buffers, dict)


@check("hub-links")
def hub_links():
    import tempfile

    from huggingface_hub.file_download import _create_symlink

    takes(_create_symlink, "src", "dst", "new_blob")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "blob").write_text("here", encoding="utf-8")
        _create_symlink(f"{folder}/blob", f"{folder}/name", new_blob=True)
        assert (Path(folder) / "name").read_text(encoding="utf-8") == "here"


@check("hub-lock")
def hub_lock():
    import tempfile

    from huggingface_hub.utils import WeakFileLock

    with tempfile.TemporaryDirectory() as folder, WeakFileLock(f"{folder}/it.lock", timeout=1):
        assert (Path(folder) / "it.lock").exists()


@check("hub-client")
def hub_client():
    from huggingface_hub import set_client_factory
    from huggingface_hub.utils import httpx

    takes(set_client_factory, "client_factory")
    takes(httpx.Client.send, "request")
    assert issubclass(httpx.TransportError, httpx.RequestError)


@check("hub-headers")
def hub_headers():
    from huggingface_hub.utils import build_hf_headers, hf_raise_for_status, validate_repo_id

    takes(build_hf_headers, "token")
    takes(hf_raise_for_status, "response")
    assert build_hf_headers(token="hf_x")["authorization"] == "Bearer hf_x"
    with pytest.raises(ValueError, match="a//b"):
        validate_repo_id("a//b")


@check("gensim-lists")
def gensim_lists():
    from gensim import downloader

    assert all(url.startswith("https://") for url in (downloader.DATA_LIST_URL, downloader.DOWNLOAD_BASE_URL))


@check("gensim-batches")
def gensim_batches():
    import inspect

    from gensim.models import Word2Vec

    assert [*inspect.signature(Word2Vec._do_train_job).parameters] == ["self", "sentences", "alpha", "inits"]
    assert "self._do_train_job(" in inspect.getsource(Word2Vec._worker_loop)


@check("umap-numba")
def umap_numba():
    """Compiled code is kept on disk only where ``cache=True`` arrived."""
    from playground.engine.vectors import projection

    projection.umap_module()
    from umap import layouts

    kept = layouts.rdist
    assert type(getattr(kept, "_cache", None)).__name__ == "FunctionCache"


@check("bitsandbytes-packing")
def bitsandbytes_packing():
    from bitsandbytes.functional import has_avx512bf16

    assert has_avx512bf16() in (True, False)


@check("gradio-request")
def gradio_request():
    from gradio.context import LocalContext

    assert LocalContext.request.get(None) is None


@check("gradio-agents")
def gradio_agents():
    import inspect

    from gradio import mcp

    source = inspect.getsource(mcp.GradioMCPServer)
    assert '"x-gradio-user": "mcp"' in source and "_client_instance" in source


@check("gradio-stubs")
def gradio_stubs():
    script = (
        "from playground.system import stubs; stubs.leave_out(); import gradio.component_meta as it, inspect;"
        "assert it.create_or_modify_pyi(None, '', []) is None, 'stubs are written';"
        "assert 'create_or_modify_pyi(component_class, name, events)' in inspect.getsource(it.ComponentMeta);"
        "assert 'def create_or_modify_pyi(' in inspect.getsource(it)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120, cwd=ROOT)


@check("gradio-files")
def gradio_files():
    from gradio.utils import get_upload_folder

    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("GRADIO_TEMP_DIR", "here")
        assert get_upload_folder() == "here"


@check("gradio-deleting")
def gradio_deleting():
    import inspect

    from gradio import Blocks
    from gradio.route_utils import delete_files_created_by_app

    assert "st_ctime" in inspect.getsource(delete_files_created_by_app)
    assert Blocks(delete_cache=(1, 2)).get_config_file()["connect_heartbeat"] is False


@check("gradio-i18n")
def gradio_i18n():
    from gradio.i18n import I18nData

    assert I18nData("a.key").key == "a.key"


@check("gradio-login")
def gradio_login():
    from gradio import routes

    source = inspect.getsource(routes)
    assert 'f"access-token-{' in source and 'f"access-token-unsecure-{' in source
    for name in ("auth", "tokens", "cookie_id"):
        assert re.search(rf"\bself\.{name}\b", source), name


@check("gradio-cors")
def gradio_cors():
    from gradio import routes

    source = inspect.getsource(routes.App.create_app)
    added = source.partition("app.add_middleware(")[2].partition(")")[0]
    assert "CustomCORSMiddleware" in added and {"strict_cors=strict_cors", "parent_app=parent_app"} <= set(
        re.findall(r"\w+=\w+", added)
    )


@check("gradio-file-search")
def gradio_file_search():
    import gradio as gr
    from gradio import blocks, processing_utils
    from gradio.components.api_component import Api

    source = inspect.getsource(blocks.Blocks)
    assert "await processing_utils.async_move_files_to_cache(" in source
    takes(processing_utils.async_move_files_to_cache, "data", "block")

    def named(word: str) -> str:
        return word

    with gr.Blocks() as page:
        gr.api(named, api_name="named")
    assert any(isinstance(block, Api) for block in page.blocks.values())


@check("gradio-mcp-client")
def gradio_mcp_client():
    from gradio.mcp import GradioMCPServer

    source = inspect.getsource(GradioMCPServer._get_or_create_client)
    assert "if self._client_instance is None" in source and "return self._client_instance" in source


@check("gradio-sessions")
def gradio_sessions():
    import gradio as gr
    from gradio.state_holder import SessionState, StateHolder

    from playground.shell.sessions import Session, Sessions

    with gr.Blocks() as page:
        box = gr.Dropdown(["a"])
    holder = Sessions()
    holder.set_blocks(page)
    theirs, ours = SessionState(page), Session(page, holder, "name")
    assert set(vars(theirs)) | {"_holder", "_name"} == set(vars(ours)), "what a session begins with"
    assert set(vars(theirs.blocks_config)) == set(vars(ours.blocks_config))
    assert {"session_data", "blocks", "lock", "capacity"} <= set(vars(holder))
    takes(StateHolder.update, "session_id")
    takes(SessionState._update_value_in_config, "key", "value")
    takes(SessionState._update_config, "key")
    assert ours[box._id] is theirs[box._id] is box and box._id in ours
    assert {"blocks", "fns"} <= set(vars(page.default_config))


@check("gradio-queue")
def gradio_queue():
    import gradio as gr
    from gradio import queueing

    page = gr.Blocks()
    for name in ("event_ids_to_events", "pending_event_ids_session", "pending_messages_per_session"):
        assert getattr(page._queue, name) == {}
    assert "session_hash or self._id" in inspect.getsource(queueing.Event)


@check("gradio-page")
def gradio_page():
    import gradio

    folder = Path(gradio.__file__).parent / "templates" / "frontend"
    left = set(re.findall(r"[\w-]+", INTERNALS["gradio-page"].what.partition("classes")[2])) - {"data-testid"}
    for path in folder.rglob("*.*"):
        if path.suffix in (".js", ".css", ".html"):
            text = path.read_text(encoding="utf-8", errors="replace")
            left = {name for name in left if name not in text}
    assert not left


@check("gradio-share-of-device")
def gradio_share_of_device():
    import gradio

    folder = Path(gradio.__file__).parent / "templates" / "frontend" / "assets"
    said = "window.supports_zerogpu_headers=!0"
    client = [source for path in folder.glob("*.js") if said in (source := path.read_text(encoding="utf-8"))]
    assert client and all("`zerogpu-headers`" in source and "MessageChannel" in source for source in client)


@check("gradio-connection")
def gradio_connection():
    import gradio

    folder = Path(gradio.__file__).parent / "templates" / "frontend" / "assets"
    pages = "".join(path.read_text(encoding="utf-8") for path in folder.glob("Blocks-*.js"))
    assert (
        "title:`Connection Lost`" in pages and ".reconnect()" in pages and "window.location.reload()" in pages
    )
    client = "".join(path.read_text(encoding="utf-8") for path in folder.glob("index-*.js"))
    assert "=`app_id`" in client and "=`Connection errored out. `" in client


@check("gradio-config")
def gradio_config():
    import gradio
    from gradio import route_utils, routes
    from gradio.i18n import I18nData

    from playground.shell import first_page

    folder = Path(gradio.__file__).parent / "templates" / "frontend"
    for name in ("index.html", "share.html"):
        assert (
            "<script>window.gradio_config = {{ config | toorjson }};</script>" in (folder / name).read_text()
        )
    found = first_page.MARK.fullmatch(str(I18nData("tokens.tab")))
    assert found and found[1] == "tokens.tab"
    origin = inspect.getsource(route_utils.get_request_origin)
    asked = set(re.findall(r'get_first_header_value\(request, "([\w-]+)"\)', origin))
    assert asked == {"x-forwarded-host", "x-forwarded-proto", "x-gradio-server"} < set(first_page.HEADERS)
    assert set(re.findall(r"\brequest\.\w+", origin)) == {"request.url"}
    parameters = re.search(r"def main\((.*?)\):", inspect.getsource(routes), re.DOTALL)
    assert parameters and first_page.PARAMETERS | {"request", "user"} == set(
        re.findall(r"(\w+): [\w.]+", parameters[1])
    )
    scripts = [path.read_text(encoding="utf-8") for path in (folder / "assets").glob("*.js")]
    # Those that read configurations; all of them are 40 MB.
    names = (
        "api_info",
        "component_class_id",
        "component_prop_inputs",
        "i18n_translations",
        "scroll_to_output",
    )
    reading = "\n".join(script for script in scripts if any(name in script for name in names))
    unread = {*first_page.UNREAD, *first_page.UNREAD_PROPS, *first_page.UNREAD_OF_LISTENERS}
    for name in unread - {"api_info", "component_class_id"}:
        found_in = [script for script in scripts if name in script]
        assert not any(re.search(rf"\b{name}\b", script) for script in found_in), f"{name} is read"
    shown = "\n".join(script for script in scripts if any(name in script for name in first_page.FLAGS))
    for name in first_page.FLAGS:  # where one has a default, it is false
        assert re.search(rf"\.props\.{name}\b", shown), name
        assert set(re.findall(rf"`{name}`,\d+,(\S+?)[)]", shown)) <= {"!1"}, name
    assert inspect.signature(gr.HTML.__init__).parameters["js_on_load"].default == first_page.CLICKS
    assert set(re.findall(r"`js_on_load`,\d+,(\S+?)[)]", "\n".join(scripts))) == {"null"}
    # Without `?.` only of what no kind of `first_page.CLASSLESS` is.
    assert sum(script.count("shared.elem_classes.join(") for script in scripts) == 1
    assert set(re.findall(r"`elem_classes`,\d+,\(\)=>(\S+?)\)", "\n".join(scripts))) <= {"[]"}
    assert set(re.findall(r"`selectable`,\d+,(\S+?)[)]", shown)) <= {"!1"}  # so some call it inside
    assert set(re.findall(r"\b(\w+)\.api_info\b", reading)) == {"this"}  # the endpoints', not a component's
    assert re.search(r"component_class_id:(\w)\.component_class_id\|\|\1\.type", reading)
    for usual in (  # each of what is missing as of what is usual
        r"typeof \w\.js==`string`", r"\.js_implementation\?", r"\.show_progress_on\|\|null",
        r"\.component_prop_inputs\|\|\[\]", r"\.event_specific_args\?\.length", r"\.trigger_after!==void 0",
        r"\.trigger_only_on_failure\?", r"\.trigger_only_on_success\?", r"cancel\((\w)\)\{if\(\1\)",
        r"layout:(\w)\.page\[\w\]\.layout", r"i18n_translations&&", r"`scroll_to_output`,3,!1",
    ):  # fmt: skip
        assert re.search(usual, reading), usual
    compared = set(re.findall(r"\.connection(?:_type)?(?:===|!==)(`\w+`)", reading))
    assert compared == {"`stream`"}  # of how answers come, this alone


@check("gradio-addresses")
def gradio_addresses():
    from gradio import blocks, route_utils, utils

    sources = "".join(inspect.getsource(module) for module in (blocks, route_utils, utils))
    assert "/gradio_api" in sources and '"sse_v3"' in sources


@pytest.mark.parametrize("key", INTERNALS)
def test_it_still_holds(key):
    row = INTERNALS[key]
    assert row.mark in (ROOT / row.file).read_text(encoding="utf-8"), f"{row.file} no longer leans on it"
    CHECKS[key]()


def test_every_row_has_its_check():
    assert set(CHECKS) == set(INTERNALS)


def privately(tree: ast.Module) -> set[str]:
    """Underscored names that a file takes from elsewhere: as attributes, or imported from other libraries."""
    own, taken = set[str](), set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            own.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            own.add(node.id)
        elif isinstance(node, ast.Attribute):
            mine = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
            (own if mine else taken).add(node.attr)
        elif isinstance(node, ast.ImportFrom) and not (node.module or "").startswith("playground"):
            taken.update(alias.name for alias in node.names)
    return {name for name in taken - own if re.match(r"_[a-z]", name)}


def test_nothing_private_is_used_that_is_not_in_the_table():
    known = " ".join(f"{row.what} {row.mark}" for row in INTERNALS.values())
    known += " _replace _fields _exit"  # promised: of named tuples, and `os._exit`
    for path in (ROOT / "playground").rglob("*.py"):
        for name in privately(ast.parse(path.read_text(encoding="utf-8"))):
            assert re.search(rf"\b{name}\b", known), f"{path.relative_to(ROOT)} leans on {name}"


def test_what_is_private_is_seen():
    source = "from torch.x import _made\nfrom playground.y import _ours\nself._a = b._c(d._e)\ndef _c(): ..."
    assert privately(ast.parse(source)) == {"_made", "_e"}
