"""GGUF files as folders that transformers loads within seconds: dequantized once, kept in the cache folder.

llama.cpp's format is one file: metadata, tokenizer, and tensors in blocks of a few bits. transformers takes
tens of seconds to read it, even for a small model, and most of them for the vocabulary. So it is read once,
and what came of it is written as bfloat16 safetensors beside a tokenizer.json. A folder that is cut or is
damaged is noticed by its checksums, and made anew.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import json
import logging
import mmap
import os
import queue
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from playground import ROOT, errors
from playground.errors import CannotLoad, DoesNotFit, PlaygroundError, out_of_memory
from playground.models.cache import Progress, Stage
from playground.models.gguf_folders import FINGERPRINT, place_of
from playground.models.loaders import causal, sizes
from playground.models.loaders.places import imported
from playground.system import cancellation, disk, untrusted_json

log = logging.getLogger(__name__)
MAGIC = b"GGUF"
TEXT = (8).to_bytes(4, "little")  # the format's number for a text
LONGEST = 1000  # bytes of a text that is looked up
MADE = "made.json"  # what was written, with sizes and checksums: the last file of a folder
LOOK = 0.2  # seconds between two looks whether anybody still waits
NICE = 5  # below those who serve visitors
SPARE = 2**28  # bytes of disk that a kept model must leave free
_converting = threading.Lock()  # one at a time: each takes the memory of a model
_sound: dict[
    Path, tuple[tuple[int, int], ...]
] = {}  # folders whose checksums were right, and their files then
_bars = threading.local()  # who hears how many tensors the conversion of this thread has done


def converted(name: str, path: Path, cache_dir: Path, progress: Progress = lambda stage: None) -> Path:
    """The folder that a GGUF file becomes: config.json, tokenizer and bfloat16 safetensors; made if need be.

    Args:
        name: as the visitor knows the model.
        path: any GGUF file that transformers can dequantize.
        cache_dir: the folder of what was computed once.
        progress: told how many tensors are done.

    Raises:
        CannotLoad: ``gguf_broken`` (it is cut, or no GGUF file), ``gguf_architecture`` (transformers knows no
            such kind), ``cache_full``, ``cache_read_only``. BadInput: sizes larger than any model's.
            DoesNotFit: the memory of this machine is out. FileNotFoundError: no such file.
    """
    place = place_of(path, cache_dir)
    with cancellation.turn(_converting):
        if not sound(place):
            disk.delete(place)
            _sound.pop(place, None)
            place.parent.mkdir(parents=True, exist_ok=True)
            with disk.explain_errors(name):
                apart(name, path, place, progress)
            for older in place.parent.glob(place.name[:-FINGERPRINT] + "?" * FINGERPRINT):
                if older != place:
                    disk.delete(older)  # made of what the file was before
    disk.used(place)
    return place


def apart(name: str, path: Path, place: Path, progress: Progress) -> None:
    """`convert` in a process of its own, which yields to all others.

    Most of it is Python, and would take the interpreter from whoever visits meanwhile; a file that lies takes
    no server down; and it can be stopped at once.

    Raises:
        As `converted`; whatever ``progress`` raises ends the process.
    """
    command = [sys.executable, "-m", __name__, name, str(path), str(place)]
    pipe, lines = subprocess.PIPE, queue.SimpleQueue[str]()
    child = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, cwd=ROOT, text=True)
    with child:

        def read() -> None:
            for line in child.stdout or ():
                lines.put(line)
            lines.put("")

        threading.Thread(target=read, daemon=True).start()
        stage, said = Stage(name, "convert"), {}
        try:
            while True:
                progress(stage)
                try:
                    line = lines.get(timeout=LOOK)
                except queue.Empty:
                    continue
                if not line:
                    break
                said = json.loads(line)
                stage = Stage(name, said["step"], said["done"], said["total"]) if "step" in said else stage
        finally:
            child.kill()
            child.wait()
            disk.sweep(place.parent)
    if "error" in said:
        kind = getattr(errors, said["kind"])
        raise kind(said["error"], **said["values"])
    if not sound(place):  # it did not come to its end
        raise DoesNotFit("out_of_memory", name=name)


def main(name: str, path: str, place: str) -> None:
    """What that process does: tells stages, and at last why it failed, as lines of JSON."""

    def tell(**said: Any) -> None:
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()

    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(1)), daemon=True).start()
    with suppress(psutil.Error):
        psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else NICE)
    try:
        convert(
            name, Path(path), Path(place),
            lambda stage: tell(step=stage.step, done=stage.done, total=stage.total),
        )  # fmt: skip
    except PlaygroundError as error:
        tell(error=error.key.removeprefix("errors."), kind=type(error).__name__, values=error.values)
    except Exception as error:
        if not out_of_memory(error):
            raise
        tell(error="out_of_memory", kind="DoesNotFit", values={"name": name})


def sound(place: Path) -> bool:
    """Whether a folder is whole: every file as long as it was written, and with the same checksum.

    Checksums are computed once in a process, as long as no file changes.
    """
    try:
        made = untrusted_json.read_object(place / MADE)
        stats = [(place / file).stat() for file in made]
        if [each.st_size for each in stats] != [size for size, _ in made.values()]:
            return False
        now = tuple((each.st_size, each.st_mtime_ns) for each in stats)
        if _sound.get(place) != now:
            if any(_checksum(place / file) != digest for file, (_, digest) in made.items()):
                log.warning("%s is damaged", place.name)
                return False
            _sound[place] = now
        return bool(made)
    except FileNotFoundError:
        return False
    except (untrusted_json.Unreadable, ValueError, TypeError, OSError) as error:
        log.warning("cannot read %s again: %r", place.name, error)
        return False


def _checksum(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def convert(name: str, path: Path, place: Path, progress: Progress) -> None:
    """Make the folder of a file, in this process.

    Raises:
        As `converted`.
    """
    progress(Stage(name, "convert"))
    with path.open("rb") as stream:
        if stream.read(len(MAGIC)) != MAGIC:
            raise CannotLoad("gguf_broken", name=name)
    with disk.explain_errors(name), disk.arriving(place, folder=True) as folder, _heard(name, progress):
        with _explained(name), _read_once():
            settings = _settings(name, path)
            progress(Stage(name, "convert"))
            tokenizer = _tokenizer(path)
            progress(Stage(name, "convert"))
            model = _model(path, settings)
        tensors = _untied(model)
        size = sum(each.nbytes for each in tensors.values())
        if shutil.disk_usage(folder).free < size + SPARE:
            raise CannotLoad("cache_full", name=name)
        progress(Stage(name, "store"))
        tokenizer.save_pretrained(folder)
        model.generation_config.save_pretrained(folder)
        imported("safetensors.torch", "save_file")(tensors, folder / "model.safetensors", {"format": "pt"})
        _write_config(model, folder)
        # safetensors lets nobody else read what it writes, and several accounts may share a cache folder.
        (folder / "model.safetensors").chmod((folder / "config.json").stat().st_mode)
        files = sorted(each for each in folder.iterdir() if each.is_file())
        made = {each.name: (each.stat().st_size, _checksum(each)) for each in files}
        folder.joinpath(MADE).write_text(json.dumps(made, indent=1), encoding="utf-8")
    log.info("%s is kept as %s, %s bytes", path.name, place.name, size)


@contextmanager
def _read_once() -> Iterator[None]:
    """transformers reads a file anew for its config, its tokenizer and its tensors, four seconds each time,
    and maps names of tensors once a module: here each is done once.
    """
    library: Any = importlib.import_module("gguf")
    theirs = {name: getattr(library, name) for name in ("GGUFReader", "get_tensor_name_map")}
    vars(library).update({name: functools.cache(each) for name, each in theirs.items()})
    try:
        yield
    finally:
        vars(library).update(theirs)


@contextmanager
def _explained(name: str) -> Iterator[None]:
    """Whatever a library raises on broken or foreign files becomes one sentence about this file."""
    try:
        yield
    except PlaygroundError:
        raise
    except Exception as error:
        if out_of_memory(error) or isinstance(error, cancellation.Abandoned):
            raise
        log.info("cannot convert %s: %r", name, error)
        raise CannotLoad("gguf_broken", name=name) from error


def _settings(name: str, path: Path) -> Any:
    """transformers' configuration object of a file, its sizes checked before anything is made of them."""
    reads = imported("transformers.modeling_gguf_pytorch_utils", "load_gguf_checkpoint")
    try:
        told = reads(str(path))["config"]
    except ValueError as error:
        if "not supported" not in str(error):
            raise
        raise CannotLoad("gguf_architecture", name=name, kind=architecture(path)) from error
    kind = told.pop("model_type")
    sizes.check(told)
    known = imported("transformers", "CONFIG_MAPPING")
    if kind not in known:
        raise CannotLoad("gguf_architecture", name=name, kind=sizes.short(kind))
    return known[kind](**told)


def architecture(path: Path) -> str:
    """What a file says it is: ``llama``, ``qwen2``, …"""
    return sizes.short(_said(path, "general.architecture"))


def _said(path: Path, key: str) -> str:
    """A text of a file's metadata, by its key; "" where there is none.

    gguf's own reader goes through a whole vocabulary for it, which takes seconds.
    """
    sought = len(key).to_bytes(8, "little") + key.encode() + TEXT
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as held:
        at = held.find(sought)
        if at < 0:
            return ""
        start = at + len(sought) + 8
        length = min(int.from_bytes(held[start - 8 : start], "little"), LONGEST)
        return held[start : start + length].decode(errors="replace")


def _tokenizer(path: Path) -> Any:
    """The tokenizer, cut where llama.cpp and the model's makers cut.

    transformers takes GPT-2's rule for all byte-level ones. SmolLM2's makers cut every digit off before it,
    which also parts a digit from the blanks before it.
    """
    tokenizer = imported("transformers", "AutoTokenizer").from_pretrained(
        path.parent, gguf_file=path.name, local_files_only=True, trust_remote_code=False
    )
    if _said(path, "tokenizer.ggml.pre") == "smollm":
        rules = imported("tokenizers", "pre_tokenizers")
        tokenizer.backend_tokenizer.pre_tokenizer = rules.Sequence(
            [rules.Digits(individual_digits=True), rules.ByteLevel(add_prefix_space=False, use_regex=True)]
        )
    return tokenizer


def _model(path: Path, settings: Any) -> Any:
    """The model with every number in bfloat16."""
    import torch
    import transformers

    options: dict[str, Any] = {}
    if hasattr(transformers, "GgufConfig"):  # from 5.24 on; before, there was no other way than to dequantize
        options["quantization_config"] = transformers.GgufConfig(dequantize=True)
    model, found = imported("transformers", "AutoModelForCausalLM").from_pretrained(
        path.parent, gguf_file=path.name, config=settings, dtype=torch.bfloat16, local_files_only=True,
        trust_remote_code=False, attn_implementation="eager", output_loading_info=True, **options,
    )  # fmt: skip
    if found["missing_keys"]:
        raise ValueError(f"not in the file: {sorted(found['missing_keys'])[:3]}")
    return model


def _untied(model: Any) -> dict[str, Any]:
    """Its tensors by name, each once: what is tied, whoever loads it ties again."""
    tied = set(getattr(model, "all_tied_weights_keys", None) or ())
    kept, seen = {}, set()
    for name, tensor in model.state_dict().items():
        if name in tied and tensor.data_ptr() in seen:
            continue
        seen.add(tensor.data_ptr())
        kept[name] = tensor.contiguous()
    return kept


def _write_config(model: Any, folder: Path) -> None:
    told = model.config.to_dict()
    for each in ("quantization_config", "_name_or_path", "_model_name_or_path"):
        told.pop(each, None)
    told |= {"architectures": [type(model).__name__], "dtype": "bfloat16"}
    folder.joinpath("config.json").write_text(json.dumps(told, indent=1), encoding="utf-8")


@contextmanager
def _heard(name: str, progress: Progress) -> Iterator[None]:
    """Turn the bar over a file's tensors into stages, and show none in the log."""
    import transformers.modeling_gguf_pytorch_utils as reading

    if reading.tqdm is not _bar:
        reading.tqdm = _bar  # one function for the process, as `causal.heard`
    _bars.told = lambda done, total: progress(Stage(name, "convert", done, total))
    try:
        with causal.heard(name, progress):  # of its own: what it says when the tensors become a model
            yield
    finally:
        _bars.told = None


def _bar(items: Any, *args: Any, **kwargs: Any) -> Iterator[Any]:
    """As much of tqdm's bar as transformers uses: told in the thread that converts, silent elsewhere."""
    told = getattr(_bars, "told", None)
    for done, item in enumerate(items):
        if told:
            told(done, len(items))
        yield item


if __name__ == "__main__":
    main(*sys.argv[1:])
