"""GGUF headers: what they say, and files that lie, are cut, or ask for memory without end."""

from __future__ import annotations

import json
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import gguf
import pytest
from transformers import AutoTokenizer

from playground.errors import CannotLoad
from playground.models.gguf import config, folder, header
from playground.models.gguf.header import Listed
from playground.models.gguf.kinds import KINDS
from tests.models import gguf_files, saved

HEAD = struct.Struct("<4sIQQ")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    gguf_files.llama(path)
    return path


def text(said: str | bytes) -> bytes:
    raw = said.encode() if isinstance(said, str) else said
    return struct.pack("<Q", len(raw)) + raw


def pair(key: str, kind: int, value: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + value


def tensor(name: str, shape: tuple[int, ...], kind: int = 0, offset: int = 0) -> bytes:
    dimensions = struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
    return text(name) + dimensions + struct.pack("<IQ", kind, offset)


def written(path: Path, pairs: list[bytes], tensors: list[bytes], *, behind: int = 4096, **more: int) -> Path:
    counts = more.get("said_tensors", len(tensors)), more.get("said_pairs", len(pairs))
    head = HEAD.pack(b"GGUF", more.get("version", 3), *counts)
    path.write_bytes(head + b"".join(pairs) + b"".join(tensors) + bytes(behind))
    return path


def why(path: Path) -> str:
    with pytest.raises(CannotLoad) as told:
        header.read(path)
    assert told.value.values["name"] == path.name
    return told.value.key.removeprefix("errors.")


def test_number_formats_are_those_of_the_library() -> None:
    assert {number: (kind.block, kind.size) for number, kind in KINDS.items()} == {
        int(kind): size for kind, size in gguf.constants.GGML_QUANT_SIZES.items()
    }
    assert all(gguf.GGMLQuantizationType(number).name == kind.name for number, kind in KINDS.items())


def test_a_header_is_what_the_library_reads(file: Path) -> None:
    found, theirs = header.read(file), gguf.GGUFReader(file)
    assert found.architecture == "llama" and found.version == 3 and found.size == file.stat().st_size
    assert [(each.name, each.kind.name, each.bytes, found.start + each.offset) for each in found.tensors] == [
        (each.name, each.tensor_type.name, each.n_bytes, each.data_offset) for each in theirs.tensors
    ]
    assert [each.shape for each in found.tensors] == [
        tuple(reversed(each.shape.tolist())) for each in theirs.tensors
    ]
    assert found.parameters == sum(int(each.n_elements) for each in theirs.tensors)
    assert found.main_kind == "Q8_0" and found.own("block_count") == 2
    tokens = found.metadata["tokenizer.ggml.tokens"]
    assert (
        isinstance(tokens, Listed) and tokens.count == saved.VOCABULARY and len(tokens.first) == header.SHOWN
    )
    whole = header.read(file, vocabulary=True).metadata["tokenizer.ggml.tokens"]
    assert len(whole.first) == saved.VOCABULARY and whole.first[: header.SHOWN] == tokens.first


def test_a_file_that_is_cut_anywhere_says_so(file: Path, tmp_path: Path) -> None:
    whole = file.read_bytes()
    for length in (*range(40), *range(40, len(whole), 997), len(whole) - 1):
        cut = tmp_path / "cut.gguf"
        cut.write_bytes(whole[:length])
        assert why(cut) == "gguf_cut", length


def test_what_is_no_gguf_file(tmp_path: Path) -> None:
    other = tmp_path / "other.gguf"
    other.write_bytes(b"PK\x03\x04" + bytes(100))
    assert why(other) == "gguf_broken"
    assert why(tmp_path / "gone.gguf") == "gguf_gone"
    assert why(written(tmp_path / "v.gguf", [], [], version=1)) == "gguf_version"


ENDLESS = 2**62
LIES: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "tensors without end": ("gguf_broken", lambda path: written(path, [], [], said_tensors=ENDLESS)),
    "pairs without end": ("gguf_broken", lambda path: written(path, [], [], said_pairs=ENDLESS)),
    "a long key": (
        "gguf_broken", lambda path: written(path, [struct.pack("<Q", ENDLESS)], [], said_pairs=1),
    ),
    "a long text": (
        "gguf_broken", lambda path: written(path, [pair("a", 8, struct.pack("<Q", ENDLESS))], []),
    ),
    "a long list": (
        "gguf_broken", lambda path: written(path, [pair("a", 9, struct.pack("<IQ", 8, ENDLESS))], []),
    ),
    "a list that is not there": (
        "gguf_cut", lambda path: written(path, [pair("a", 9, struct.pack("<IQ", 10, 2**22))], []),
    ),
    "lists of lists": (
        "gguf_broken", lambda path: written(path, [pair("a", 9, struct.pack("<IQ", 9, 1))], []),
    ),
    "no such type": ("gguf_broken", lambda path: written(path, [pair("a", 77, b"")], [])),
    "a key twice": (
        "gguf_broken", lambda path: written(path, [pair("a", 0, b"\1"), pair("a", 0, b"\1")], []),
    ),
    "a tensor twice": ("gguf_broken", lambda path: written(path, [], [tensor("t", (1,)), tensor("t", (1,))])),
    "a tensor beyond the end": ("gguf_cut", lambda path: written(path, [], [tensor("t", (2**30,))])),
    "a tensor far away": ("gguf_cut", lambda path: written(path, [], [tensor("t", (1,), offset=ENDLESS)])),
    "a tensor beyond all": (
        "gguf_broken", lambda path: written(path, [], [tensor("t", (2**40, 2**40, 2**40, 2**40))]),
    ),
    "a tensor of nothing": ("gguf_broken", lambda path: written(path, [], [tensor("t", (0,))])),
    "nine dimensions": ("gguf_broken", lambda path: written(path, [], [tensor("t", (1,) * 9)])),
    "half a block": ("gguf_broken", lambda path: written(path, [], [tensor("t", (33,), kind=2)])),
    "no such format": ("gguf_kind", lambda path: written(path, [], [tensor("t", (1,), kind=999)])),
    "one of several": (
        "gguf_parts", lambda path: written(path, [pair("split.count", 2, struct.pack("<H", 3))], []),
    ),
    "no alignment": (
        "gguf_broken", lambda path: written(path, [pair("general.alignment", 4, bytes(4))], []),
    ),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_file_that_lies_is_refused_and_takes_no_memory(lie: str, tmp_path: Path) -> None:
    key, make = LIES[lie]
    path = make(tmp_path / "lie.gguf")
    tracemalloc.start()
    try:
        assert why(path) == key
        assert tracemalloc.get_traced_memory()[1] < 2**23
    finally:
        tracemalloc.stop()


def test_a_header_larger_than_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(header, "LARGEST", 2**12)
    long = [pair(f"key {number}", 8, text("x" * 1000)) for number in range(10)]
    assert why(written(tmp_path / "long.gguf", long, [])) == "gguf_header_large"


def test_only_the_first_of_several_files_is_offered() -> None:
    names = ["a.gguf", "A.GGUF", "m-00001-of-00003.gguf", "m-00002-of-00003.gguf", "a.gguf.part", "gguf"]
    assert [header.is_gguf(Path(name)) for name in names] == [True, True, True, False, False, False]


def test_the_config_is_the_models(file: Path) -> None:
    found = config.config(header.read(file))
    assert found is not None
    wanted = {
        "model_type": "llama", "vocab_size": saved.VOCABULARY, "tie_word_embeddings": True,
        "num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2,
        "intermediate_size": 128, "max_position_embeddings": 256, "rope_theta": 10000.0,
    }  # fmt: skip
    assert {name: found[name] for name in wanted} == wanted


def test_an_architecture_that_transformers_does_not_know_has_no_config(tmp_path: Path) -> None:
    path = tmp_path / "odd.gguf"
    gguf_files.llama(path, architecture="oddity")
    assert header.read(path).architecture == "oddity" and config.config(header.read(path)) is None


def test_the_tokenizer_is_the_models_own(file: Path, tmp_path: Path) -> None:
    place = folder.planned("tiny.gguf", file, tmp_path)
    made, own = AutoTokenizer.from_pretrained(place), saved.tokenizer()
    for said in ("Once upon a time", "  12 blanks\n\n", "語言模型 👍", "<s>Lily</s>"):
        assert made(said).input_ids == own(said).input_ids, said
    assert made.chat_template == saved.TEMPLATE and made.eos_token == "</s>"
    written_at = (place / folder.LAST).stat().st_mtime_ns
    assert folder.planned("tiny.gguf", file, tmp_path) == place
    assert (place / folder.LAST).stat().st_mtime_ns == written_at
    assert json.loads((place / "config.json").read_text())["model_type"] == "llama"


def test_digits_are_cut_as_smollm_cuts_them(tmp_path: Path) -> None:
    path = tmp_path / "smol.gguf"
    gguf_files.llama(path, pre="smollm")
    made = AutoTokenizer.from_pretrained(folder.planned("smol.gguf", path, tmp_path))
    pieces = [piece for piece, _ in made.backend_tokenizer.pre_tokenizer.pre_tokenize_str("in 1234")]
    assert pieces == ["in", "Ġ", "1", "2", "3", "4"]


def test_a_tokenizer_that_nothing_builds(tmp_path: Path) -> None:
    path = tmp_path / "plain.gguf"
    written(path, [pair("general.architecture", 8, text("llama"))], [tensor("token_embd.weight", (8, 8))])
    with pytest.raises(CannotLoad) as told:
        folder.planned("plain.gguf", path, tmp_path)
    assert told.value.key == "errors.gguf_tokenizer"


def test_a_strangers_file_is_opened_in_a_process_of_its_own(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*args: object) -> None:
        raise AssertionError("a stranger's tokenizer in this process")

    monkeypatch.setattr(folder, "_built", never)
    place = folder.planned("tiny.gguf", file, tmp_path, apart=True)
    assert (place / folder.LAST).is_file() and (place / "config.json").is_file()
    plain = written(
        tmp_path / "plain.gguf", [pair("general.architecture", 8, text("llama"))], [tensor("t", (8, 8))]
    )
    with pytest.raises(CannotLoad) as told:
        folder.planned("plain.gguf", plain, tmp_path, apart=True)
    assert told.value.key == "errors.gguf_tokenizer" and told.value.values["name"] == "plain.gguf"
