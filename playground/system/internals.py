"""What the app leans on in other libraries that they never promised, in one table.

Private names, signatures, names of classes, the shape of answers: each may change with any release, without
a word. Whoever takes a newer library reads here what to look at; `tests/system/test_internals.py` checks
each row against the library that is installed, and fails loudly where one no longer holds. One row more is
one entry here and one check there.
"""

from __future__ import annotations

from typing import NamedTuple


class Internal(NamedTuple):
    """One thing that is leaned on.

    Args:
        library: whose it is.
        what: what is taken for granted.
        file: where, from the repository's root.
        mark: text that stands in that file as long as it is leaned on.
        otherwise: what a visitor would notice if it changed.
    """

    library: str
    what: str
    file: str
    mark: str
    otherwise: str


INTERNALS: dict[str, Internal] = {
    "cache-argument": Internal(
        "transformers", "forward takes its cache as `cache`; before 5.24 `past_key_values`, `cache_params`",
        "playground/engine/generation/compat.py",
        "cache_names", "every token reads the whole text again (logged)",
    ),
    "dynamic-cache": Internal(
        "transformers", "`_supports_default_dynamic_cache` tells which models write with a DynamicCache",
        "playground/engine/generation/compat.py",
        "_supports_default_dynamic_cache", "no model can be asked to write",
    ),
    "prepared-inputs": Internal(
        "transformers", "`prepare_inputs_for_generation(ids, next_sequence_length=, is_first_iteration=, …)`"
        " and `_update_model_kwargs_for_generation(output, kwargs, is_encoder_decoder=)`",
        "playground/engine/generation/kv_cache.py",
        "_update_model_kwargs_for_generation", "Mamba and hybrids cannot write",
    ),
    "cache-layers": Internal(
        "transformers", "DynamicLayer and DynamicSlidingWindowLayer: `update`, `crop(-n)`, `keys`, `values`,"
        " `is_initialized`, `is_sliding`, `sliding_window`",
        "playground/engine/generation/kv_cache.py",
        "DynamicSlidingWindowLayer", "what was read is read again, or wrongly used",
    ),
    "long-rope": Internal(
        "transformers", "Phi-3 and Phi-MoE prepare their inputs only to read again where LongRoPE switches",
        "playground/engine/generation/kv_cache.py",
        "Phi3ForCausalLM", "other logits than `generate` beyond the trained length",
    ),
    "layer-kinds": Internal(
        "transformers", "`get_layer_types_and_kwargs(config)` gives each layer's kind and window",
        "playground/rooms/architecture/shape.py",
        "get_layer_types_and_kwargs", "a wrong size of the KV cache",
    ),
    "kept-in-float32": Internal(
        "transformers", "`_keep_in_fp32_modules_strict` and, for float16, `_keep_in_fp32_modules`: patterns"
        " of paths whose tensors stay float32",
        "playground/models/weights.py", "_keep_in_fp32_modules_strict",
        "foretold bytes are not those of the load",
    ),
    "per-layer-configs": Internal(
        "transformers", "`config.per_layer_config`: a config each layer; a field that differs raises"
        " RuntimeError on the whole",
        "playground/rooms/architecture/shape.py", "per_layer_config", "Gemma 4 and its kind have no plan",
    ),
    "quantized-layers": Internal(
        "transformers", "`get_keys_to_not_convert`, `should_convert_module`, `Conv1D`: what is quantized",
        "playground/models/weights.py", "get_keys_to_not_convert", "foretold bytes are not those of the load",
    ),
    "attention-setting": Internal(
        "transformers", "`config._attn_implementation` chooses the attention of a model that is made",
        "playground/models/loaders/skeletons.py",
        "_attn_implementation", "some plans need packages that are missing",
    ),
    "progress-hook": Internal(
        "transformers", "`utils.logging.set_tqdm_hook(hook)`: hook(factory, args, kwargs) for each bar",
        "playground/models/loaders/causal.py", "set_tqdm_hook", "no progress while weights are read",
    ),
    "gguf-bar": Internal(
        "transformers", "`modeling_gguf_pytorch_utils.tqdm` counts the tensors of a GGUF as it is read",
        "playground/models/loaders/dequantized.py", "reading.tqdm", "no progress while one is unpacked",
    ),
    "gguf-config": Internal(
        "transformers", "`modeling_gguf_pytorch_utils.load_gguf_checkpoint(path)[\"config\"]`: what a header"
        " says of a model; of an unknown kind a ValueError says \"not supported\"",
        "playground/models/loaders/dequantized.py", "load_gguf_checkpoint", "no GGUF file can be unpacked",
    ),
    "canine-names": Internal(
        "transformers", "`tokenization_canine.SPECIAL_CODEPOINTS`: names of special tokens by code point",
        "playground/engine/tokenizers/libraries.py", "SPECIAL_CODEPOINTS", "CANINE cannot be opened",
    ),
    "no-torch": Internal(
        "transformers", "its tokenizers are opened where torch cannot be imported",
        "playground/engine/tokenizers/sandbox_process.py", 'sys.modules["torch"] = None',
        "no stranger's tokenizer opens",
    ),
    "tokenizer-beside-weights": Internal(
        "sentence-transformers", "the tokenizer of a model is that of its folder, and ids alone can be given",
        "playground/models/loaders/stand_ins.py", "without_tokenizer", "no stranger's sentence model loads",
    ),
    "norm-names": Internal(
        "transformers", "the final normalization is a module whose class has \"norm\" in its name",
        "playground/engine/generation/interpret.py", '"norm" in type(module).__name__.lower()',
        "no logit lens of the model",
    ),
    "bert-parts": Internal(
        "transformers", "BertModel: embeddings, encoder.layer[i].attention.self.query … output.LayerNorm",
        "playground/engine/vectors/encode.py",
        "layer.attention.self", "sentences are encoded the library's slower way",
    ),
    "sentence-modules": Internal(
        "sentence-transformers", "a model is a list of modules whose classes are named Transformer, Pooling,"
        " Normalize; Pooling tells `pooling_mode`",
        "playground/engine/vectors/encode.py", '["Transformer", "Pooling", "Normalize"]', "the same",
    ),
    "tekken-ranks": Internal(
        "mistral-common", "`Tekkenizer._model` is a tiktoken.Encoding",
        "playground/engine/tokenizers/replays.py", "tokenizer._model", "tekken's merges cannot be replayed",
    ),
    "tiktoken-ranks": Internal(
        "tiktoken", "`Encoding._mergeable_ranks` and `_pat_str`",
        "playground/engine/tokenizers/replays.py", "_mergeable_ranks", "the same",
    ),
    "tokenizer-kinds": Internal(
        "tokenizers", "`Tokenizer.model` is of a class named BPE, WordPiece, Unigram or WordLevel",
        "playground/engine/tokenizers/huggingface.py",
        "type(self.backend.model).__name__", "algorithms told wrongly",
    ),
    "out-of-memory": Internal(
        "torch", "an accelerator without room raises an `OutOfMemoryError`",
        "playground/errors.py", "OutOfMemoryError", "\"on our side\" in place of what would fit",
    ),
    "sentence-body": Internal(
        "sentence-transformers", "the first module of a `SentenceTransformer` keeps the body as `auto_model`",
        "playground/rooms/architecture/service.py", "auto_model", "sentence models are not measured",
    ),
    "panic": Internal(
        "tokenizers", "a panic in Rust comes as `PanicException`, which is no Exception",
        "playground/engine/tokenizers/adapter.py", "PanicException", "a broken tokenizer is not told as one",
    ),
    "meta-constructors": Internal(
        "torch", "`torch.utils._device._device_constructors()`: all functions that make tensors",
        "playground/models/loaders/weightless.py",
        "_device_constructors", "a plan of a large model takes its memory",
    ),
    "default-format-calls": Internal(
        "transformers", "M2M100 and XGLM ask for torch's default format by `.to(torch.get_default_dtype())`,"
        " which `sys._getframe` tells by the caller's names",
        "playground/models/loaders/weightless.py",
        "_getframe", "their plans count some tensors in four bytes a number",
    ),
    "umap-halves": Internal(
        "umap-learn", "`umap_.fuzzy_simplicial_set`, `find_ab_params`, `simplicial_set_embedding`",
        "playground/engine/vectors/projection.py", "simplicial_set_embedding", "no map by UMAP",
    ),
    "umap-epochs": Internal(
        "umap-learn", "`layouts.tqdm` goes around the loop over its epochs",
        "playground/engine/vectors/projection.py",
        "layouts.tqdm", "a map that nobody waits for is computed to its end",
    ),
    "tsne-steps": Internal(
        "scikit-learn", "the steps of t-SNE are functions of the module that `TSNE` is of, in Python",
        "playground/engine/vectors/projection.py", "at_calls_of(TSNE.__module__)", "the same for t-SNE",
    ),
    "k-means-steps": Internal(
        "scikit-learn", "each step of k-means calls `numpy.array_equal`, which is of numpy._core.numeric",
        "playground/rooms/embeddings/sentences/samples.py", 'at_calls_of("numpy._core.numeric")',
        "the same for k-means",
    ),
    "module-dictionaries": Internal(
        "torch", "`Module._parameters`, `_buffers`, `_modules`: by name, shared ones at every place",
        "playground/rooms/architecture/plan.py", "module._parameters", "tied weights counted twice",
    ),
    "hub-links": Internal(
        "huggingface_hub", "`file_download._create_symlink(source, target, new_blob=)`",
        "playground/models/hub/cache.py", "_create_symlink", "what was downloaded is not found",
    ),
    "hub-lock": Internal(
        "huggingface_hub", "`utils.WeakFileLock(path, timeout=)`, at .locks/<repository>/<etag>.lock",
        "playground/models/hub/cache.py", "WeakFileLock", "two programs write one file",
    ),
    "hub-client": Internal(
        "huggingface_hub", "`set_client_factory` takes a maker of an `httpx.Client`, of `utils.httpx`",
        "playground/models/hub/client.py", "set_client_factory", "a dead network holds a page for minutes",
    ),
    "hub-headers": Internal(
        "huggingface_hub", "`utils.build_hf_headers`, `hf_raise_for_status`, `validate_repo_id`",
        "playground/models/hub/transfer.py", "build_hf_headers", "gated models cannot be fetched",
    ),
    "gensim-lists": Internal(
        "gensim", "`downloader.DATA_LIST_URL` and `DOWNLOAD_BASE_URL`",
        "playground/rooms/embeddings/words/downloads.py",
        "DOWNLOAD_BASE_URL", "word vectors cannot be fetched",
    ),
    "gensim-batches": Internal(
        "gensim", "Word2Vec trains on a batch in `_do_train_job(sentences, alpha, inits)`",
        "playground/rooms/songs/training.py",
        "_do_train_job", "a training that was stopped goes on for some batches",
    ),
    "umap-numba": Internal(
        "umap-learn", "its functions are compiled by `numba.njit` as its modules are imported",
        "playground/engine/vectors/projection.py",
        "numba.njit = keeping", "the first map takes ten seconds each time",
    ),
    "bitsandbytes-packing": Internal(
        "bitsandbytes", "`functional.has_avx512bf16()` tells whether NF4 is repacked on this CPU",
        "playground/models/loaders/causal.py", "has_avx512bf16", "some NF4 models end the process",
    ),
    "gradio-request": Internal(
        "gradio", "`context.LocalContext.request`: the request of whoever is being answered",
        "playground/ui/visitor.py", "LocalContext", "everybody gets the server's language",
    ),
    "gradio-agents": Internal(
        "gradio", "agents (MCP) are asked for with the header `x-gradio-user: mcp`, all in one session",
        "playground/ui/visitor.py", "x-gradio-user", "agents see what other agents typed",
    ),
    "gradio-files": Internal(
        "gradio", "`utils.get_upload_folder()` reads GRADIO_TEMP_DIR: what is sent and downloaded lies there",
        "playground/ui/files.py", "get_upload_folder", "files that other accounts can read",
    ),
    "gradio-deleting": Internal(
        "gradio", "`delete_cache` deletes by the time of the last change, and opens no heartbeat",
        "playground/shell/page.py", "delete_cache=", "files stay, or go while a page still shows them",
    ),
    "gradio-i18n": Internal(
        "gradio", "`i18n.I18nData(key)` stands for a text that the page translates",
        "playground/ui/visitor.py", "I18nData", "keys on the page instead of texts",
    ),
    "gradio-login": Internal(
        "gradio", "the app's `auth`, `tokens`, `cookie_id`; cookies access-token-…, access-token-unsecure-…",
        "playground/shell/login.py", "access-token-unsecure-", "nobody, or everybody, gets past the password",
    ),
    "gradio-cors": Internal(
        "gradio", "`routes.CustomCORSMiddleware` is what `create_app` puts around the app, as"
        " (app, strict_cors=, parent_app=)",
        "playground/shell/access.py", "CustomCORSMiddleware",
        "a page of any site asks with its visitor's cookies",
    ),
    "gradio-file-search": Internal(
        "gradio", "`processing_utils.async_move_files_to_cache(data, block, …)` is asked by that name of all"
        " that goes in and out; `components.api_component.Api` stands for what `gr.api` takes and gives",
        "playground/shell/answers.py", "async_move_files_to_cache", "a long answer to one holds up everybody",
    ),
    "gradio-mcp-client": Internal(
        "gradio", "`mcp_server_obj._client_instance` asks the app's endpoints; made when it is first needed",
        "playground/shell/page.py", "_client_instance", "behind a password all calls by MCP fail",
    ),
    "gradio-sessions": Internal(
        "gradio", "the app's `state_holder`, of SessionStates: `session_data`, `blocks`, `lock`;"
        " `_state_ttl`, `config_values`, `_update_config`, `_update_value_in_config`; `default_config` of a"
        " Blocks has `blocks` and `fns`",
        "playground/shell/sessions.py", "_update_value_in_config",
        "1.2 MB for each call, or pages lose choices",
    ),
    "gradio-queue": Internal(
        "gradio", "`Blocks._queue`: `event_ids_to_events`, `pending_event_ids_session`,"
        " `pending_messages_per_session`; a call without a session has its event's id for one",
        "playground/shell/sessions.py", "pending_messages_per_session", "answers stay that nobody fetches",
    ),
    "gradio-page": Internal(
        "gradio", "its page has <gradio-app>, and classes tabitem, tab-container, label-wrap, toast-title,"
        " contain, fillable, reset-button, clear-status, data-testid=status-tracker",
        "assets/shell/style.css", "status-tracker", "parts of the page look as Gradio left them",
    ),
    "gradio-config": Internal(
        "gradio", "its page has <script>window.gradio_config = …;</script>, made from the address, its"
        " headers and `page` and `deep_link` alone; what its scripts never read of it or take for granted",
        "playground/shell/first_page.py", "UNREAD_OF_LISTENERS", "marks in place of texts, or no page at all",
    ),
    "gradio-share-of-device": Internal(
        "gradio", "its client sets `window.supports_zerogpu_headers` where the Hub's page says so, and asks"
        " that page by the message zerogpu-headers",
        "assets/shell/runs.js", "supports_zerogpu_headers",
        "on a ZeroGPU Space every visitor computes as a stranger",
    ),
    "gradio-connection": Internal(
        "gradio", "its page says in toasts that nobody answers, titled `Connection Lost` or with the text"
        " `Connection errored out.`, asks /gradio_api/app_id until it is back, and loads itself anew",
        "assets/shell/connection.js", "Connection (Lost|errored out)",
        "English toasts beside the banner, while the server is away",
    ),
    "gradio-stubs": Internal(
        "gradio", "`component_meta.create_or_modify_pyi` writes an editor's stubs, and nothing reads them",
        "playground/system/stubs.py", "create_or_modify_pyi", "the start takes two seconds longer",
    ),
    "gradio-addresses": Internal(
        "gradio", "/gradio_api/…, hashed names under /assets/, `\"protocol\":\"sse_v3\"` in /config",
        "playground/shell/middleware.py", '"protocol":"sse_v3"',
        "assets are sent anew; /inspect fails for programs",
    ),
}  # fmt: skip
