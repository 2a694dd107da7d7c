"""A sentence model without its tokenizer, for a library that opens both or none.

sentence-transformers opens whatever tokenizer lies beside the weights. A stranger's is not opened in this
process, so the library is shown a folder in which all is linked but the tokenizer's files, and in their place
lies a tokenizer of one word. What the model reads are ids, which come from the tokenizer's own process.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from playground.errors import CannotLoad
from playground.models.catalog import ModelCard
from playground.models.folders import VOCABULARIES
from playground.models.loaders.places import config_of, explain_errors
from playground.models.loaders.tokenizers import FILES

LEFT_OUT = (
    *(name for name in FILES if name != "config.json"),
    "chat_template*", "processor_config.json", "preprocessor_config.json", "video_preprocessor_config.json",
)  # fmt: skip
MOST = 1000  # files of a model's folder
WORD = "[PAD]"
STAND_IN: dict[str, Any] = {
    "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
    "pre_tokenizer": None, "post_processor": None, "decoder": None,
    "model": {"type": "WordLevel", "vocab": {WORD: 0}, "unk_token": WORD},
}  # fmt: skip


@contextmanager
def without_tokenizer(card: ModelCard, path: Path) -> Iterator[tuple[Path, Path]]:
    """A folder like the model's, with a tokenizer of ours; and the folder where its own tokenizer lies.

    The first is gone after the ``with`` block.

    Raises:
        CannotLoad: ``own_code``, a module of the model lies outside of its folder; ``broken_weights``.
    """
    with explain_errors(card, "broken_weights"):
        folders = [path, *_modules(card, path)]
    own = next((each for each in folders if any(any(each.glob(p)) for p in VOCABULARIES)), path)
    with tempfile.TemporaryDirectory(prefix="playground-") as made:
        plain = Path(made)
        with explain_errors(card, "broken_weights"):
            _link(path, plain)
            for each in folders:
                _stand_in(each, plain / each.relative_to(path))
        yield plain, own


def _modules(card: ModelCard, path: Path) -> list[Path]:
    """The folders of the model's modules, as its modules.json tells them."""
    listed = path / "modules.json"
    if not listed.is_file():
        return []
    found = [path / str(module["path"]) for module in json.loads(listed.read_bytes())]
    if any(not each.resolve().is_relative_to(path.resolve()) for each in found):
        raise CannotLoad("own_code", name=card.name)
    return [each for each in found if each != path and each.is_dir()]


def _link(source: Path, target: Path) -> None:
    """All files but the tokenizer's, two folders deep as such models are; linked, since weights are large."""
    files = [file for pattern in ("*", "*/*") for file in source.glob(pattern) if file.is_file()]
    if len(files) > MOST:
        raise ValueError("no folder of a model")
    for file in files:
        if any(fnmatch(file.name, pattern) for pattern in LEFT_OUT):
            continue
        place = target / file.relative_to(source)
        place.parent.mkdir(exist_ok=True)
        try:
            os.symlink(file.resolve(), place)
        except OSError:  # Windows lets only some people link
            shutil.copyfile(file, place)


def _stand_in(folder: Path, target: Path) -> None:
    """A tokenizer of one word that says of its length what the model's own says."""
    longest = config_of(folder / "tokenizer_config.json").get("model_max_length")
    config: dict[str, Any] = {
        "tokenizer_class": "PreTrainedTokenizerFast", "pad_token": WORD, "unk_token": WORD,
    }  # fmt: skip
    if isinstance(longest, int | float):
        config["model_max_length"] = longest
    target.mkdir(exist_ok=True)
    (target / "tokenizer.json").write_text(json.dumps(STAND_IN), encoding="utf-8")
    (target / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
