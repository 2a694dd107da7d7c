"""What of a GGUF file is no weight, as a folder that every reader knows: config.json and tokenizer.json.

Made once from the header, kept in the cache folder; another file, or another library, has another folder.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import logging
import subprocess
import sys
import threading
from importlib.metadata import version
from pathlib import Path
from typing import Any

from playground import ROOT
from playground.errors import CannotLoad, PlaygroundError, TookTooLong, out_of_memory
from playground.models.gguf import header as headers
from playground.models.gguf.config import config
from playground.models.gguf.header import Header, Listed
from playground.models.loaders import sizes
from playground.models.sandbox.process import environment, refusal, refused
from playground.system import cancellation, disk

log = logging.getLogger(__name__)
FOLDER = "gguf"  # in the cache folder
FORM = 1  # of what is written; another number makes all of it anew
FINGERPRINT = 16  # characters
LAST = "tokenizer_config.json"  # written last
SPECIAL = {
    "bos_token": "bos_token_id", "eos_token": "eos_token_id", "unk_token": "unknown_token_id",
    "pad_token": "padding_token_id",
}  # fmt: skip
KEYS = {  # of the metadata → as transformers' converters name them
    "ggml.model": "tokenizer_type", "ggml.pre": "pre_tokenizer_type", "ggml.tokens": "tokens",
    "ggml.scores": "scores", "ggml.token_type": "token_type", "ggml.merges": "merges",
    "ggml.bos_token_id": "bos_token_id", "ggml.eos_token_id": "eos_token_id",
    "ggml.unknown_token_id": "unk_token_id", "ggml.padding_token_id": "pad_token_id",
    "ggml.add_space_prefix": "add_prefix_space",
}  # fmt: skip
APART = 60.0  # seconds that a process has in which a stranger's is made; most of them for its imports
_making = threading.Lock()


def planned(name: str, path: Path, cache_dir: Path, *, apart: bool = False) -> Path:
    """The folder of a file's config.json and tokenizer; made if need be.

    Args:
        name: as a visitor knows it.
        cache_dir: the folder of what was computed once.
        apart: make it in a process of its own, since the file is a stranger's.

    Raises:
        CannotLoad: those of `header.read`; ``gguf_tokenizer`` (kind), one that transformers cannot build;
            ``gguf_architecture`` (kind). BadInput: sizes larger than any model's.
        TookTooLong: ``tokenizer_too_long`` (name, seconds), apart.
    """
    read = headers.read(path, name)
    place = place_of(path, cache_dir)
    with cancellation.turn(_making):
        if apart and not (place / LAST).is_file():
            _apart(name, path, cache_dir)
        if not (place / LAST).is_file():
            about = config(read)
            if about is not None:
                sizes.check(about)
            tokenizer = _tokenizer(name, headers.read(path, name, vocabulary=True))
            with disk.explain_errors(name), disk.arriving(place, folder=True) as folder:
                # Of an architecture that transformers does not know, llama.cpp may know more.
                about = about or {"model_type": sizes.short(read.architecture)}
                folder.joinpath("config.json").write_text(json.dumps(about), encoding="utf-8")
                tokenizer.save_pretrained(folder)
    disk.used(place)
    return place


def place_of(path: Path, cache_dir: Path) -> Path:
    """Where the folder of a file lies, made or not."""
    about = path.stat()
    parts = (FORM, path.resolve(), about.st_size, about.st_mtime_ns, version("transformers"))
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()
    return cache_dir / FOLDER / f"plan-{path.stem}-{digest[:FINGERPRINT]}"


def _apart(name: str, path: Path, cache_dir: Path) -> None:
    command = (sys.executable, "-m", __name__, name, str(path.resolve()), str(cache_dir.resolve()))
    try:
        done = subprocess.run(command, capture_output=True, timeout=APART, cwd=ROOT, env=environment())
    except subprocess.TimeoutExpired as error:
        raise TookTooLong("tokenizer_too_long", name=name, seconds=APART) from error
    if done.returncode == 0:
        return
    log.info("no folder of %s: %s %r", name, done.returncode, done.stderr[-500:])
    said = done.stdout.splitlines()
    if not said:  # the file ended the process
        raise CannotLoad("gguf_broken", name=name)
    raise refusal(json.loads(said[-1])["refused"])


def main(name: str, path: str, cache_dir: str) -> int:
    """What that process does: the folder, or why there is none, as a line of JSON.

    Returns:
        its exit status.
    """
    try:
        planned(name, Path(path), Path(cache_dir))
    except PlaygroundError as error:
        sys.stdout.write(json.dumps(refused(error)) + "\n")
        return 1
    return 0


def _tokenizer(name: str, read: Header) -> Any:
    """transformers' tokenizer of what the header lists."""
    kind = str(read.metadata.get("tokenizer.ggml.model", ""))
    try:
        return _built(read)
    except PlaygroundError:
        raise
    except BaseException as error:  # a Rust panic is no Exception
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        if out_of_memory(error):
            raise
        log.info("no tokenizer of %s: %r", name, error)
        raise CannotLoad("gguf_tokenizer", name=name, kind=sizes.short(kind)) from error


def _built(read: Header) -> Any:
    converters = importlib.import_module("transformers.integrations.gguf.gguf_tokenizer_mapping")
    given = {
        name: list(value.first) if isinstance(value := read.metadata[f"tokenizer.{key}"], Listed) else value
        for key, name in KEYS.items()
        if f"tokenizer.{key}" in read.metadata
    }
    backend, _ = converters.convert_gguf_tokenizer(read.architecture, given)
    _cut(backend, str(given.get("pre_tokenizer_type", "")))
    tokens = given["tokens"]
    named = {}
    for token, key in SPECIAL.items():
        id = read.number(f"tokenizer.ggml.{key}", -1)
        if 0 <= id < len(tokens):
            named[token] = tokens[id]
    if "eos_token" not in named:
        raise ValueError("no token that ends a text")
    added = read.metadata.get("tokenizer.ggml.add_bos_token", given.get("tokenizer_type") == "llama")
    if added is True and "bos_token" in named:
        _begins(backend, named["bos_token"], tokens.index(named["bos_token"]))
    fast = importlib.import_module("transformers").PreTrainedTokenizerFast
    made = fast(tokenizer_object=backend, clean_up_tokenization_spaces=False, **named)
    template = read.metadata.get("tokenizer.chat_template")
    made.chat_template = template if isinstance(template, str) and template.strip() else None
    return made


def _cut(backend: Any, rule: str) -> None:
    """Cut where the model's makers cut: transformers' table lacks SmolLM's rule, each digit by itself."""
    if rule == "smollm":
        rules = importlib.import_module("tokenizers").pre_tokenizers
        backend.pre_tokenizer = rules.Sequence(
            [rules.Digits(individual_digits=True), rules.ByteLevel(add_prefix_space=False, use_regex=True)]
        )


def _begins(backend: Any, token: str, id: int) -> None:
    processors = importlib.import_module("tokenizers").processors
    backend.post_processor = processors.TemplateProcessing(
        single=f"{token} $A", pair=f"{token} $A {token} $B", special_tokens=[(token, id)]
    )


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
