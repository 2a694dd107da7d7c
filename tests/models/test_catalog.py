"""Names to cards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from playground.errors import BadInput, UnknownModel
from playground.models.catalog import EMBEDDED, HUB, PACKAGED_BY_NAME, Catalog, ModelCard
from playground.rooms.embeddings.words.catalogue import GENSIM
from playground.system import untrusted_json


@pytest.fixture
def catalog(tmp_path):
    for name, file in (("qwen-0.5b", "tokenizer.json"), ("bert", "config.json"), ("notes", "readme.txt")):
        (tmp_path / "models" / name).mkdir(parents=True)
        (tmp_path / "models" / name / file).write_text("{}")
    return Catalog(tmp_path / "models", tmp_path / "up")


def test_menu_lists_what_needs_no_download_first(catalog, no_packages):
    names = [card.name for card in catalog.offered(None)]
    fetched = [card.name for card in (*PACKAGED_BY_NAME.values(), *HUB, *GENSIM)]
    assert names == [card.name for card in EMBEDDED] + ["bert", "qwen-0.5b"] + fetched
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(
    ("files", "config", "roles"),
    [
        (["tokenizer.json"], None, {"tokenizer"}),
        ([], {"architectures": ["LlamaForCausalLM"]}, {"skeleton"}),
        (
            ["vocab.txt", "model.safetensors"], {"architectures": ["BertForMaskedLM"]},
            {"tokenizer", "encoder", "skeleton"},
        ),
        (["model.safetensors"], {"architectures": ["GPT2LMHeadModel"]}, {"causal", "skeleton"}),
        (["pytorch_model.bin"], {"architectures": ["LlamaForCausalLM"]}, {"causal", "skeleton"}),
        (
            ["model.safetensors", "modules.json"], {"architectures": ["Qwen3ForCausalLM"]},
            {"encoder", "skeleton"},
        ),
        (["model.safetensors"], {"architectures": "odd"}, {"encoder", "skeleton"}),
        (["tokenizer.json"], [], {"tokenizer", "skeleton"}),
        (["tokenizer.json"], "broken", {"tokenizer", "skeleton"}),
    ],
)  # fmt: skip
def test_a_folder_is_offered_for_what_its_files_can_be(tmp_path, files, config, roles):
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in files:
        (folder / name).touch()
    if config is not None:
        (folder / "config.json").write_text("{" if config == "broken" else json.dumps(config))
    (card,) = Catalog(tmp_path, tmp_path).folders()
    assert card.roles == roles
    for role in ("tokenizer", "causal", "encoder", "words", "skeleton"):
        offered = [card.name for card in Catalog(tmp_path, tmp_path).offered(role)]
        assert ("mine" in offered) == (role in roles)


def test_files_of_word_vectors_are_offered_as_such(tmp_path):
    for name in ("news.bin", "wiki.vec", "gensim.kv", "notes.md"):
        (tmp_path / name).touch()
    (tmp_path / "glove.txt").write_text("the 0.1 -2e-3 3\n, 1 2 3\n")
    assert [(card.name, card.roles) for card in Catalog(tmp_path, tmp_path).folders()] == [
        (name, {"words"}) for name in ("glove.txt", "news.bin", "wiki.vec")
    ]


@pytest.mark.parametrize(
    ("content", "offered"),
    [
        ("the 0.418 0.24968 -0.41242\n, .1 1e-3 NaN\n", True),
        ("400000 300\nking 1 2 3\n", True),  # it lies: told when it is chosen
        ("2 2\nKäse 1 2\n", True),
        ("the " + "0.123456789 " * 1024 + "\nof " + "0.5 " * 1024, True),  # longer than what is looked at
        ("2 1024\nthe " + "0.123456789 " * 1024 + "\n", True),
        ("0 0\n", True),
        ("", False),
        ("Requirements\n\nnumpy 1 2\n", False),
        ("torch==2.7\nnumpy\n", False),
        ("2024 10\nNotes on models\n", False),
        ("the 1 2 3\nof 1 2\n", False),
        ("a table 1 2 3\n", False),
        ("words " * 5000, False),
    ],
)  # fmt: skip
def test_a_text_is_offered_as_word_vectors_only_if_it_looks_so(tmp_path, content, offered):
    (tmp_path / "some.txt").write_text(content)
    names = [card.name for card in Catalog(tmp_path, tmp_path).offered("words") if card.source == "folder"]
    assert names == (["some.txt"] if offered else [])


def test_a_text_is_looked_at_once_as_long_as_it_stays_the_same(tmp_path, monkeypatch):
    file, opened, real = tmp_path / "some.txt", [], Path.open
    file.write_text("notes\n")
    monkeypatch.setattr(
        Path, "open", lambda self, *how, **more: opened.append(self) or real(self, *how, **more)
    )
    catalog = Catalog(tmp_path, tmp_path)
    assert [catalog.folders() for _ in range(3)] == [[], [], []] and opened == [file]
    file.write_text("the 1 2 3\nof 1 2 3\n")
    opened.clear()
    for _ in range(3):
        assert [card.name for card in catalog.folders()] == ["some.txt"]
    assert opened == [file]


def test_a_folder_without_weights_is_known_as_such(tmp_path):
    for name, files in (("plan", []), ("whole", ["model.safetensors"]), ("cutter", ["tokenizer.json"])):
        (tmp_path / name).mkdir()
        for file in files if name == "cutter" else [*files, "config.json"]:
            (tmp_path / name / file).write_text("{}")
    assert {card.name: card.weightless for card in Catalog(tmp_path, tmp_path).folders()} == {
        "plan": True, "whole": False, "cutter": False,
    }  # fmt: skip
    assert not any(card.weightless for card in (*EMBEDDED, *HUB, *GENSIM))


def test_offline_offers_nothing_to_download(catalog, tmp_path, no_packages):
    offered = Catalog(tmp_path / "models", tmp_path / "up", offline=True).offered()
    assert {card.source for card in offered} == {"embedded", "folder"}


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("byt5", "embedded"), ("qwen-0.5b", "folder"), (" byt5 ", "embedded"), ("gpt2", "hub"),
        ("some-org/Some_Model.v1", "hub"), ("upload-0123456789abcdef", "hub"),
    ],
)  # fmt: skip
def test_find(catalog, name, source):
    assert catalog.find(name).source == source


def test_a_folder_goes_before_the_hub(tmp_path):
    (tmp_path / "gpt2").mkdir()
    (tmp_path / "gpt2" / "tokenizer.json").write_text("{}")
    assert Catalog(tmp_path, tmp_path).find("gpt2").source == "folder"


def test_a_folder_that_nobody_may_read_costs_only_itself(tmp_path, monkeypatch):
    """A mounted disk's lost+found; root may read it, so the refusal is made here."""
    for name in ("lost+found", "mine"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tokenizer.json").write_text("{}")
    real = Path.is_file

    def is_file(self):
        if "lost+found" in self.parts:
            raise PermissionError(13, "Permission denied")
        return real(self)

    monkeypatch.setattr(Path, "is_file", is_file)
    assert [card.name for card in Catalog(tmp_path, tmp_path).folders()] == ["mine"]


def test_no_models_folder_is_no_error(tmp_path):
    assert Catalog(tmp_path / "missing", tmp_path).folders() == []


@pytest.mark.parametrize(
    "name",
    ["", "  ", None, 7, ["byt5"], "../../etc", "/etc/passwd", "a/b/c", "a b", "a\0b", "..", "a..b", "a--b",
     "https://example.org/x", "x" * 10_000, "<script>", "名稱", "~/models", "repo.git", ".hidden"],
)  # fmt: skip
def test_what_is_no_name(catalog, name):
    with pytest.raises(BadInput) as caught:
        catalog.find(name)
    assert all(len(str(value)) < 100 for value in caught.value.values.values())


def test_an_upload_that_is_gone(catalog):
    for kind in ("upload", "songs", "rows"):
        with pytest.raises(UnknownModel):
            catalog.find(f"{kind}-" + "f" * 32)
        name = catalog.uploads.keep(kind, b"{}")
        if kind == "rows":
            with pytest.raises(UnknownModel):  # which is no model
                catalog.find(name)
        else:
            assert catalog.find(name).source == "upload"
        catalog.uploads.discard(name)
        with pytest.raises(UnknownModel):
            catalog.find(name)


# ---- a name is looked up without a look into any other folder ----


def test_a_name_is_found_without_reading_the_others(tmp_path, monkeypatch):
    """With 200 folders each `find("tutor")` read 200 configs: 13 ms, some for every slider."""
    for number in range(200):
        (tmp_path / f"model-{number}").mkdir()
        (tmp_path / f"model-{number}" / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}')
    read = []
    plain = untrusted_json.read_object
    monkeypatch.setattr(
        untrusted_json, "read_object", lambda path: read.append(path.parent.name) or plain(path)
    )
    catalog = Catalog(tmp_path, tmp_path / "uploads")
    for name, source in (
        ("tutor", "embedded"), ("openai-community/gpt2", "hub"), ("glove-twitter-25", "gensim"),
        ("somebody/else", "hub"), (" tutor ", "embedded"),
    ):  # fmt: skip
        assert catalog.find(name).source == source
    assert not read
    assert catalog.find("model-7").roles == {"skeleton"} and read == ["model-7"]
    assert len(catalog.folders()) == 200 and len(read) == 200, "each once"
    assert catalog.find("model-7") in catalog.folders() and len(read) == 200


@pytest.mark.parametrize("name", ["model-7", "words.vec", "yes_complete", "bert"])
def test_it_finds_what_the_list_holds(tmp_path, name):
    for folder in ("model-7", "bert", "empty"):
        (tmp_path / folder).mkdir()
    (tmp_path / "model-7" / "tokenizer.json").write_text("{}")
    (tmp_path / "bert" / "config.json").write_text("{}")
    (tmp_path / "words.vec").write_text("a 1 2\nb 3 4\n")
    (tmp_path / "train.txt").write_text("x 1 2\ny 3 4\n")
    (tmp_path / "song_hash.txt").write_text("")
    catalog = Catalog(tmp_path, tmp_path / "uploads")
    by_name = {card.name: card for card in catalog.folders()}
    assert set(by_name) == {"model-7", "words.vec", "yes_complete", "bert"}
    assert catalog.find(name) == by_name[name]
    assert catalog.find("train.txt").source == "hub", "the book's songs are no word vectors"


@pytest.mark.parametrize("name", ["tutor", "all-MiniLM-L6-v2", "glove-twitter-25"])
def test_what_is_embedded_comes_before_a_folder_and_that_before_a_download(tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "config.json").write_text("{}")
    found = Catalog(tmp_path, tmp_path / "uploads").find(name)
    assert found.source == ("folder" if name == "glove-twitter-25" else "embedded")


@pytest.mark.parametrize("name", [".", "..", "../models", "MODEL-7", "model-7/", "a\\b", "model-7\0"])
def test_a_name_that_is_a_way_leads_nowhere(tmp_path, name):
    (tmp_path / "models" / "model-7").mkdir(parents=True)
    for folder in (tmp_path, tmp_path / "models", tmp_path / "models" / "model-7"):
        (folder / "config.json").write_text("{}")
    catalog = Catalog(tmp_path / "models", tmp_path / "uploads")
    assert catalog.folder(name) is None
    assert Catalog(tmp_path / "nowhere", tmp_path).folder("model-7") is None


def test_what_changes_in_a_folder_is_seen_at_once(tmp_path):
    folder, catalog = tmp_path / "mine", Catalog(tmp_path, tmp_path / "uploads")
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    assert catalog.find("mine").roles == {"skeleton"}
    (folder / "model.safetensors").touch()
    assert catalog.find("mine").roles == {"skeleton", "encoder"}
    (folder / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}')
    assert catalog.find("mine").roles == {"skeleton", "causal"}
    (folder / "model.safetensors").unlink()
    (folder / "tokenizer.json").touch()
    assert catalog.find("mine").roles == {"skeleton", "tokenizer"}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("tutro", "tutor"), ("Tutor ", "tutor"), ("minilm", "all-MiniLM-L6-v2"), ("mistral-v2", "mistral-v1"),
        ("openai/gpt2", "openai-community/gpt2"), ("gpt2", "openai-community/gpt2"),
        ("qwen-05b", "qwen-0.5b"),
        ("bert-base-uncase", "google-bert/bert-base-uncased"), ("qwen-0.5", "qwen-0.5b"),
    ],
)  # fmt: skip
def test_near_names(tmp_path: Path, typed: str, meant: str) -> None:
    (tmp_path / "qwen-0.5b").mkdir()
    (tmp_path / "qwen-0.5b" / "config.json").write_text("{}", encoding="utf-8")
    near = Catalog(tmp_path, tmp_path / "cache").near(typed)
    assert meant in near and len(near) <= 3
    assert near[0] == meant or typed == "minilm"  # several have that in their name


def test_nothing_is_near_what_is_like_nothing_or_known_and_uploads_are_nobodys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = Catalog(tmp_path, tmp_path / "cache")
    for typed in ("nobody/nothing", "", "x", "你好", "tutor", "openai-community/gpt2"):
        assert catalog.near(typed) == [], typed
    # Where nothing can be fetched, nothing is named that would have to be.
    assert Catalog(tmp_path, tmp_path / "cache", offline=True).near("gpt2") == []
    upload = "upload-" + "0" * 32
    card = ModelCard(upload, "upload", "", frozenset({"tokenizer"}))
    monkeypatch.setattr(Catalog, "_uploaded", lambda self: [card])
    assert upload in [card.name for card in catalog.offered()]
    assert catalog.near(upload[:-1]) == []
