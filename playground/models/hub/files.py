"""Which of a repository's files are wanted: by their names alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from playground.errors import CannotLoad

VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model")
TOKENIZER = (
    *VOCABULARIES, "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "merges.txt",
    "chat_template.jinja", "config.json",
)  # fmt: skip
SMALL = (
    *TOKENIZER, "generation_config.json", "chat_template.json", "preprocessor_config.json",
    "processor_config.json", "modules.json", "config_sentence_transformers.json", "sentence_*_config.json",
)  # fmt: skip
MODULE = re.compile(r"\w*\d+_\w+")  # a folder of a sentence-transformers model, like 1_Pooling
UNFIT = re.compile(  # safetensors that are no whole model, or the same one in another number format
    r"(consolidated|adapter|optimizer|training).*|.*-\d+-of-\d+.*|.*\.(fp|bf|int)\d+.*|.*\bnon_ema.*"
)


def safe(name: str) -> bool:
    """Whether a name stays inside its repository's folder, on every system."""
    return not re.search(r"[\\:\0]", name) and not {"", ".", ".."} & set(name.split("/"))


def fits(name: str, patterns: Iterable[str]) -> bool:
    """Whether one of the shell patterns fits; their ``*`` does not reach across folders."""
    return any(name.count("/") == p.count("/") and fnmatchcase(name, p) for p in patterns)


def weights(repository: str, names: Iterable[str], *, pickles: bool = False) -> list[str]:
    """The files of one set of weights in the top folder: safetensors, or else pickles if they may be.

    Raises:
        CannotLoad: there are only pickles, or none at all.
    """
    found = _weights(set(names), pickles)
    if found is None:
        raise CannotLoad("pickles_only", name=repository)
    if not found:
        raise CannotLoad("no_weights", name=repository)
    return found


def model(repository: str, names: Sequence[str], *, weighty: bool = True, pickles: bool = False) -> list[str]:
    """All that a model needs: configuration, tokenizer, sentence-transformers' folders and weights.

    Raises:
        CannotLoad: no configuration; or see `weights`.
    """
    found = [name for name in names if fits(name, SMALL)]
    if "config.json" not in found and "modules.json" not in found:
        raise CannotLoad("no_config", name=repository)
    heavy = []
    folders = {name.split("/")[0] for name in names if name.count("/") == 1}
    for folder in sorted(folders) if "modules.json" in found else ():
        if MODULE.fullmatch(folder):
            inside = {name.split("/")[1] for name in names if fits(name, [f"{folder}/*"])}
            found += [f"{folder}/{name}" for name in sorted(inside) if fits(name, SMALL)]
            chosen = _weights(inside, pickles)
            if chosen is None and weighty:
                raise CannotLoad("pickles_only", name=repository)
            heavy += [f"{folder}/{name}" for name in chosen or ()]
    if not weighty:
        return found
    try:
        return found + heavy + weights(repository, names, pickles=pickles)
    except CannotLoad as error:
        if error.key == "errors.no_weights" and heavy:  # all is in folders: 0_Transformer, 1_Pooling
            return found + heavy
        raise


def _weights(names: set[str], pickles: bool) -> list[str] | None:
    """None where there are only pickles, which run code when they are read, and may not be."""
    safetensors = _sharded(names, "model", ".safetensors") or _single(names)
    if safetensors:
        return safetensors
    unsafe = _sharded(names, "pytorch_model", ".bin") or sorted({"pytorch_model.bin"} & names)
    return unsafe if pickles or not unsafe else None


def _sharded(names: set[str], stem: str, ending: str) -> list[str]:
    """An index and its shards, if all of them are there (an index may outlive its shards)."""
    index, sets = f"{stem}{ending}.index.json", dict[int, list[str]]()
    for name in sorted(names):
        if match := re.fullmatch(rf"{stem}-\d+-of-(\d+){re.escape(ending)}", name):
            sets.setdefault(int(match[1]), []).append(name)
    whole = [name for count, shards in sets.items() if len(shards) == count for name in shards]
    return [index, *whole] if index in names and whole else []


def _single(names: set[str]) -> list[str]:
    """The one file of safetensors: by its usual name, or because there is no other."""
    if "model.safetensors" in names:
        return ["model.safetensors"]
    ending = ".safetensors"
    stems = [n.removesuffix(ending) for n in names if n.endswith(ending) and "/" not in n]
    fit = [stem + ending for stem in stems if not UNFIT.fullmatch(stem)]
    return fit if len(fit) == 1 else []
