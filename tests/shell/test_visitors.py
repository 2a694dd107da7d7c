"""Two visitors of one server: neither sees what the other brought; the owner's page keeps it."""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from playground.models.uploads import NAME
from tests.app import App, running, tokenizer_json
from tests.app_fixture import app  # noqa: F401
from tests.hub import Hub

SONGS = b"artist,track,playlist\nMy Secret Band,A Song,p\nBob,Other,p\nMy Secret Band,Third,q\nBob,Other,q\n"
ROWS = b"text\nmy secret diary\nanother line of mine\na third one\n"


class Page:
    """A page in a browser, as far as the server sees it: its events by the components that they hang on."""

    def __init__(self, app: App, visitor: str = "") -> None:  # noqa: F811
        self.http = httpx.Client(base_url=app.url, timeout=60)
        self.visitor = visitor or uuid.uuid4().hex
        self.http.headers["X-Playground-Visitor"] = self.visitor
        self.session = uuid.uuid4().hex
        self.config = self.http.get("config").json()
        self.components = {each["id"]: each for each in self.config["components"]}

    def named(self, wanted: str) -> int:
        """The id of the component with an elem_id, or of the upload button with a label's key."""
        return next(i for i, c in self.components.items() if wanted in (c["props"].get("elem_id"), _key(c)))

    def event(self, component: int, name: str) -> dict[str, Any]:
        found = (d for d in self.config["dependencies"] if [component, name] in map(list, d["targets"]))
        return next(each for each in found if each["backend_fn"])

    def loading(self, outputs: list[int]) -> dict[str, Any]:
        loads = [d for d in self.config["dependencies"] if any(t[1] == "load" for t in d["targets"])]
        return next(d for d in loads if {*outputs} <= {*d["outputs"]} and d["backend_fn"])

    def ask(self, event: dict[str, Any], *data: Any) -> list[Any]:
        """What an event's function gives, the last of it."""
        body = {"data": list(data), "fn_index": event["id"], "session_hash": self.session}
        self.http.post("gradio_api/queue/join", json=body).raise_for_status()
        with self.http.stream("GET", f"gradio_api/queue/data?session_hash={self.session}") as answer:
            for line in answer.iter_lines():
                message = json.loads(line[6:]) if line.startswith("data: ") else {}
                if message.get("msg") == "process_completed":
                    assert message["success"], message["output"]
                    return list(message["output"]["data"])
        raise AssertionError("the stream ended")

    def give(self, name: str, content: bytes) -> dict[str, Any]:
        sent = self.http.post("gradio_api/upload", files={"files": (name, content)}).raise_for_status()
        return {"path": sent.json()[0], "orig_name": name, "meta": {"_type": "gradio.FileData"}}

    def models(self) -> list[dict[str, Any]]:
        found = self.http.post("gradio_api/call/models", json={"data": []}).json()["event_id"]
        with self.http.stream("GET", f"gradio_api/call/models/{found}") as answer:
            data = next(line for line in answer.iter_lines() if line.startswith("data: "))
        return list(json.loads(data[6:])[0])

    def act(self, name: str, by: str = "", **given: Any) -> list[dict[str, Any]]:
        """The lines that an action answers."""
        values = {f"{name.split('/')[0]}.{key}": value for key, value in given.items()}
        answer = self.http.post(f"playground/{name}", params={"by": by}, json=values).raise_for_status()
        return [json.loads(line) for line in answer.text.splitlines()]

    def drawer(self) -> str:
        return json.dumps(self.act("models/look", "#pg-models"), ensure_ascii=False)

    # -- what a visitor brings; each gives its name --

    def songs(self, content: bytes = SONGS) -> str:
        event = self.event(self.named("songs.upload"), "upload")
        (lines,) = self.ask(event, [self.give("songs.csv", content)])
        menu = lines[-1]["set"]["songs.dataset"]
        assert [menu["value"]] * 2 in map(list, menu["choices"])
        return str(menu["value"])

    def tokenizer(self, words: tuple[str, ...] = ("secretword",)) -> str:
        event = self.event(self.named("tokens.upload"), "upload")
        (lines,) = self.ask(event, self.give("a.json", tokenizer_json(words).encode()))
        name = lines[-1]["set"]["tokens.brought"]
        *_, last = self.act("tokens/joined", brought=name, names=["byt5"])
        names, one = last["set"]["tokens.names"], last["set"]["tokens.one"]
        assert names["value"] == ["byt5", name] and one["value"] == name
        assert ["a.json", name] in one["choices"]  # by its owner's name; what it is found by is a secret
        return str(name)

    def rows(self) -> str:
        event = self.event(self.named("sen-upload"), "upload")
        (lines,) = self.ask(event, self.give("diary.csv", ROWS))
        return str(lines[-1]["set"]["sentences.file"])

    def train(self) -> tuple[str, dict[str, Any]]:
        text = "the secret corpus of somebody, which nobody else reads " * 20
        how = {"algorithm": "bpe", "size": 300, "text": "a text", "names": ["byt5"], "title": ""}
        *_, last = self.act("tokens/train", "#tok-train-go", corpus=text, **how)
        return str(last["set"]["tokens.one"]["value"]), last["set"]["tokens.file"]

    def menus(self) -> list[str]:
        """All names in the menus of a page that is opened, or opened again."""
        tokens = self.act("tokens/opening", "open")
        songs = self.http.post("playground/songs/opening", json={"songs.dataset": "sample"}).json()
        return re.findall(NAME.pattern.replace("(", "(?:", 1), json.dumps([tokens, songs]))


def _key(component: dict[str, Any]) -> str:
    """The key of a label, by which gradio translates it in the page."""
    props = component["props"]
    found = re.search(r'"key": "([\w.]+)"', f"{props.get('label')} {props.get('value')}")
    return found[1] if found else ""


@pytest.fixture
def one(app: App) -> Page:  # noqa: F811
    return Page(app)


@pytest.fixture
def two(app: App) -> Page:  # noqa: F811
    return Page(app)


def names(page: Page) -> set[str]:
    return {row["name"] for row in page.models()}


@pytest.mark.parametrize("kind", ["songs", "tokenizer", "trained"])
def test_neither_sees_what_the_other_brought(one: Page, two: Page, app: App, kind: str) -> None:  # noqa: F811
    bring = {"songs": Page.songs, "tokenizer": Page.tokenizer, "trained": lambda page: page.train()[0]}[kind]
    client = Client(app.url, verbose=False, ssl_verify=False)
    mine, theirs = bring(one), bring(two)
    assert (
        NAME.fullmatch(mine) and NAME.fullmatch(theirs) and mine != theirs
    )  # though the content is the same
    # One of them is loaded as well, which the list of loaded ones would tell.
    endpoint, given = ("/find_songs", ["song", mine, 5]) if kind == "songs" else ("/detokenize", [[1], mine])
    client.predict(*given, api_name=endpoint)
    for page, own, other in ((one, mine, theirs), (two, theirs, mine)):
        assert own in names(page) and other not in names(page)
        assert own in page.drawer() and other not in page.drawer()
        assert own in page.menus() and other not in page.menus()
    third, stranger = Page(app), Client(app.url, verbose=False, ssl_verify=False)
    assert not {mine, theirs} & names(third) and not {mine, theirs} & {*third.menus()}
    assert not {mine, theirs} & {row["name"] for row in stranger.predict(api_name="/models")}
    assert mine not in third.drawer()
    # After a reload the session is another one, and the page the same.
    again = Page(app, one.visitor)
    assert mine in again.menus() and mine in names(again) and theirs not in again.menus()
    # Who was given the name may use it, and sees it from then on: the client, in its own session.
    assert mine in {row["name"] for row in client.predict(api_name="/models")}


def test_what_is_guessed_from_the_content_or_begun_is_no_name(one: Page, app: App) -> None:  # noqa: F811
    import hashlib

    mine, client = one.songs(), Client(app.url, verbose=False, ssl_verify=False)
    digest = hashlib.sha256(SONGS).hexdigest()
    for guess in (
        f"songs-{digest[:16]}",
        f"songs-{digest[:32]}",
        mine[:-1],
        mine[:-1] + "0" * (mine[-1] != "0"),
    ):
        if guess != mine:
            with pytest.raises(AppError):
                client.predict("song", guess, 5, api_name="/find_songs")
    assert client.predict("song", mine, 5, api_name="/find_songs")


def test_rows_are_found_by_their_name_alone(one: Page, two: Page, app: App) -> None:  # noqa: F811
    place = Path(app.cache, "uploads")
    before = set(place.rglob("rows-*"))
    mine, theirs = one.rows(), two.rows()
    assert NAME.fullmatch(mine) and mine.startswith("rows-") and mine != theirs
    for page in (one, two):
        assert not {mine, theirs} & names(page) and mine not in page.drawer()  # it is no model
    added = set(place.rglob("rows-*")) - before
    assert {path.name.split(".")[0] for path in added} == {mine, theirs}
    assert {path.stat().st_mode & 0o777 for path in added} == {0o600}


def test_a_trained_tokenizer_is_downloaded_by_who_trained_it(one: Page) -> None:
    name, file = one.train()
    got = one.http.get(f"gradio_api/file={file['value']['path']}")
    assert got.status_code == 200 and got.json()["model"]["type"] == "BPE" and name.startswith("upload-")


def test_a_hub_id_is_listed_to_who_typed_it(tmp_path: Path) -> None:
    with Hub() as hub:
        for name in ("some/typed", "other/typed"):
            hub.add(name, {"tokenizer.json": tokenizer_json().encode(), "config.json": b"{}"})
        with running(tmp_path, {"HF_ENDPOINT": hub.url}, "tests/serve.py") as server:
            clients = [Client(server.url, verbose=False, ssl_verify=False) for _ in range(3)]
            for client, name in zip(clients, ("some/typed", "other/typed"), strict=False):
                client.predict("hello", [name], api_name="/tokenize")
            listed = [{row["name"] for row in client.predict(api_name="/models")} for client in clients]
            found = [{"some/typed", "other/typed"} & each for each in listed]
            assert found == [{"some/typed"}, {"other/typed"}, set()]
            assert all({"byt5", "openai-community/gpt2"} <= each for each in listed)
            # Agents come in one session of Gradio's: none of them is listed what another typed.
            agent = Client(server.url, verbose=False, ssl_verify=False, headers={"x-gradio-user": "mcp"})
            agent.predict("hello", ["some/typed"], api_name="/tokenize")
            assert "some/typed" not in {row["name"] for row in agent.predict(api_name="/models")}


def test_folders_are_private_from_the_start(one: Page, app: App) -> None:  # noqa: F811
    one.tokenizer(("another",))
    root = Path(app.cache, "uploads")  # other tests of this app may have made it
    mine = [path for path in root.rglob("*") if path.relative_to(root).parts[0].startswith("server-")]
    assert len(mine) > 1
    for path in mine:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600)


def test_too_much_at_once_is_refused_in_the_visitors_language(one: Page) -> None:
    event = one.event(one.named("songs.upload"), "upload")
    files = [one.give(f"{number}.csv", SONGS) for number in range(101)]
    one.http.headers["X-Playground-Language"] = "zh-TW"
    with pytest.raises(AssertionError, match="一次送出了 101 個檔案"):
        one.ask(event, files)
