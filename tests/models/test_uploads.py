"""What visitors bring: names that nobody guesses, limits, who may read it, and that it goes."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import gradio as gr
import pytest

from playground import text
from playground.errors import BadInput, CannotLoad
from playground.models.catalog import Catalog
from playground.models.uploads import NAME, Limits, Names, Uploads
from playground.rooms.songs.loading import keep
from playground.system import disk
from tests.app import environment, running, tokenizer_json
from tests.models.loaders.test_loaders import full_after

ROOT = Path(__file__).resolve().parents[2]


class Visitors:
    """Uploads, and who is being answered."""

    def __init__(self, folder: Path, **limits: int) -> None:
        self.who = "one"
        names = Names()
        names.whose(lambda: self.who)
        self.uploads = Uploads(folder / "uploads", names, Limits(**limits))

    def keep(self, who: str, content: bytes | str, kind: str = "upload") -> str:
        self.who = who
        return self.uploads.keep(kind, content.encode() if isinstance(content, str) else content)  # type: ignore[arg-type]

    def listed(self, who: str, kind: str = "upload") -> list[str]:
        self.who = who
        return [name for name, _ in self.uploads.listed(kind)]  # type: ignore[arg-type]

    def here(self) -> set[str]:
        return {path.stem for path in self.uploads.folder.iterdir()}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# -- names --


@pytest.mark.parametrize("kind", ["upload", "songs", "rows"])
def test_a_name_says_nothing_of_its_content_and_is_listed_to_who_knows_it(tmp_path, kind):
    visitors = Visitors(tmp_path)
    name = visitors.keep("one", "the same", kind)
    assert NAME.fullmatch(name) and len(name.partition("-")[2]) * 4 == 128
    assert visitors.keep("one", "the same", kind) == name  # it is theirs already
    other = visitors.keep("two", "the same", kind)
    assert other != name  # whoever has the content does not have the name
    assert visitors.listed("one", kind) == [name] and visitors.listed("two", kind) == [other]
    assert visitors.listed("three", kind) == visitors.listed("", kind) == []
    visitors.who = "three"
    assert visitors.uploads.find(name)  # who was given the name may use it, and then sees it
    assert visitors.listed("three", kind) == [name]
    visitors.who = ""  # nobody in particular owns nothing, and may still use a name
    assert visitors.uploads.find(name) and visitors.listed("", kind) == []
    for wrong in ("", "..", name[:-1], name.upper(), f"../{name}", name + "\n"):
        assert visitors.uploads.find(wrong) is None


def test_who_has_no_name_of_their_own_shares_none(tmp_path):
    """All agents come in one session of Gradio's: what one of them names is not listed to the next."""
    visitors = Visitors(tmp_path)
    assert visitors.keep("", "x") != visitors.keep("", "x")
    assert visitors.listed("") == []


def test_names_that_were_typed_are_forgotten_in_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr("playground.models.uploads.NAMED", 3)
    catalog = Catalog(tmp_path, tmp_path)
    catalog.names.whose(lambda: "one")
    cards = [catalog.find(f"some/model-{number}") for number in range(5)]
    assert [catalog.listed(card) for card in cards] == [False, False, True, True, True]
    assert catalog.listed(catalog.find("openai-community/gpt2")) and catalog.listed(catalog.find("byt5"))
    catalog.names.whose(lambda: "two")
    assert not any(map(catalog.listed, cards)) and catalog.listed(catalog.find("openai-community/gpt2"))


# -- limits --


def test_the_oldest_of_the_same_visitor_goes(tmp_path):
    visitors = Visitors(tmp_path, count=3, visitor=1000)
    theirs = visitors.keep("two", "theirs")
    mine = [visitors.keep("one", f"{number}") for number in range(5)]
    assert visitors.here() == {theirs, *mine[2:]} and visitors.listed("one") == mine[2:]
    visitors.uploads.find(mine[2])  # what is in use is not the oldest
    newest = visitors.keep("one", "x" * 999)  # by bytes
    assert visitors.here() == {theirs, mine[2], newest} - ({mine[2]} if 1 + 999 > 1000 else set())
    with pytest.raises(BadInput) as caught:
        visitors.keep("one", "x" * 1001)
    assert caught.value.values == {"size": 1001, "limit": 1000}
    assert newest in visitors.here() and theirs in visitors.here()  # and nothing was lost for it


def test_who_fills_the_disk_takes_nothing_from_others(tmp_path):
    visitors = Visitors(tmp_path, count=99, visitor=800, total=1000)
    theirs = [visitors.keep("two", "a" * 100), visitors.keep("three", "b" * 100)]
    mine = [visitors.keep("one", f"{number}" * 100) for number in range(9)]
    assert visitors.here() == {*theirs, *mine[1:]}
    last = visitors.keep("four", "d" * 300)  # room is made by who has the most
    assert visitors.here() == {*theirs, last, *mine[4:]}


def test_one_request_is_limited(tmp_path):
    uploads = Visitors(tmp_path, files=2, request=100).uploads
    uploads.check([50, 50])
    for sizes, key in (([1, 1, 1], "upload_files"), ([60, 60], "upload_bytes")):
        with pytest.raises(BadInput) as caught:
            uploads.check(sizes)
        assert caught.value.key == f"errors.{key}"
        for lang in text.LANGUAGES:
            assert "{" not in text.say(caught.value.key, lang, **caught.value.values)


# -- the disk --


def test_nobody_else_may_read_them(tmp_path):
    before = os.umask(0)
    try:
        visitors = Visitors(tmp_path)
        visitors.keep("one", "x")
        keep([("a.csv", b"artist,track\nAnn,A\n")], visitors.uploads)
    finally:
        os.umask(before)
    files = list(visitors.uploads.folder.iterdir())
    assert [mode(each) for each in files] == [0o600] * 2
    assert mode(visitors.uploads.folder) == mode(tmp_path / "uploads") == 0o700


def test_what_is_there_at_the_start_is_swept_and_closed_to_others(tmp_path):
    root = tmp_path / "uploads"
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    here = f"server-{disk.machine()}-{os.getpid()}-another"
    for name in ("yes_complete", here, f"server-{disk.machine()}-{gone.pid}-x"):
        (root / name).mkdir(parents=True)
        (root / name / "file").write_text("x")
    for name in ("songs-0123456789abcdef.zip", "upload-0123456789abcdef.json", "rows-abc.json", "arriving-x"):
        (root / name).write_text("x")
    for each in (root, root / here):
        each.chmod(0o777)
    (root / here / "file").chmod(0o666)
    script = (
        "import sys; from pathlib import Path; from playground.models.uploads import Names, Uploads;"
        "Uploads(Path(sys.argv[1]), Names()).begin()"
    )
    subprocess.run([sys.executable, "-c", script, root], cwd=ROOT, check=True)
    assert [path.name for path in root.iterdir()] == [here]  # of a server that lives
    assert (mode(root), mode(root / here), mode(root / here / "file")) == (0o700, 0o700, 0o600)


SERVER = """
import os, signal, sys, time
# As a shell starts it in front: who starts the tests in the background has both ignored.
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from playground.models.catalog import Catalog
catalog = Catalog(Path(sys.argv[1]), Path(sys.argv[1]))
catalog.uploads.begin()
catalog.uploads.keep("upload", b"secret")
if sys.argv[2] == "fork":
    if not os.fork():
        sys.exit()
    os.wait()
    print(len(list(catalog.uploads.folder.iterdir())), flush=True)
else:
    print("ready", flush=True)
    time.sleep(600 if sys.argv[2] == "wait" else 0)
"""


def server(folder: Path, how: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SERVER, folder, how], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("ended_by", ["itself", signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_all_is_gone_at_the_end(tmp_path, ended_by):
    process = server(tmp_path, "end" if ended_by == "itself" else "wait")
    assert process.stdout and process.stdout.readline() == "ready\n"
    if ended_by != "itself":
        process.send_signal(ended_by)
    process.wait(20)
    assert process.returncode == (0 if ended_by == "itself" else -ended_by)
    assert not (tmp_path / "uploads").exists()


def test_a_forked_process_takes_nothing_along(tmp_path):
    process = server(tmp_path, "fork")
    assert process.communicate(timeout=20)[0] == "1\n"
    assert not (tmp_path / "uploads").exists()


def test_what_kill_9_left_goes_at_the_next_start(tmp_path):
    process = server(tmp_path, "wait")
    assert process.stdout and process.stdout.readline()
    process.kill()
    process.wait()
    assert "secret" in next((tmp_path / "uploads").rglob("upload-*.json")).read_text()
    second = server(tmp_path, "wait")
    assert second.stdout and second.stdout.readline()
    third = server(tmp_path, "end")  # which leaves the living one alone
    third.wait(20)
    try:
        assert len(list((tmp_path / "uploads").rglob("*.json"))) == 1
    finally:
        second.terminate()
        second.wait(20)
    assert not (tmp_path / "uploads").exists()


def told(error: CannotLoad, key: str) -> None:
    assert error.key == f"errors.{key}"
    said = {text.say(error.key, lang, **error.values) for lang in text.LANGUAGES}
    assert len(said) == len(text.LANGUAGES) and not any("{" in each for each in said)


@pytest.mark.parametrize("kind", ["upload", "songs", "rows"])
def test_a_full_disk_is_told_and_nothing_is_left(tmp_path, kind):
    with full_after(tmp_path / "cache", 64 << 10):
        visitors = Visitors(tmp_path / "cache")
        kept = visitors.keep("one", "small", kind)
        with pytest.raises(CannotLoad) as caught:
            if kind == "songs":
                keep([("a", os.urandom(100_000))], visitors.uploads)
            else:
                visitors.keep("one", b"x" * 100_000, kind)
        told(caught.value, "cache_full")
        assert visitors.here() == {kept} and visitors.listed("one", kind) == [kept]


@pytest.mark.parametrize("error", ["EROFS", "EACCES", "EPERM"])
def test_a_folder_that_is_nobodys_to_write_is_told(tmp_path, monkeypatch, error):
    import errno

    def refused(self, *_, **__):
        raise OSError(getattr(errno, error), error)

    visitors = Visitors(tmp_path)
    monkeypatch.setattr(Path, "mkdir", refused)
    visitors.uploads.begin()  # no reason not to start
    with pytest.raises(CannotLoad) as caught:
        visitors.keep("one", "x")
    told(caught.value, "cache_read_only")


def test_a_read_only_disk(tmp_path):
    folder = tmp_path / "cache"
    with full_after(folder, 1 << 20):
        subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)
        visitors = Visitors(folder)
        visitors.uploads.begin()
        disk.sweep_all(folder)
        with pytest.raises(CannotLoad) as caught:
            visitors.keep("one", "x")
        told(caught.value, "cache_read_only")


# -- the app, as its owner starts it --


def test_a_killed_app_leaves_nothing_that_the_next_does_not_sweep(tmp_path):
    """Everything that was ever called so while it was not whole; and what passed through Gradio's folder."""
    cache, temporary = tmp_path / "cache", tmp_path / "temporary"
    with running(tmp_path, {"PLAYGROUND_OFFLINE": "1"}, "tests/serve.py") as app:
        (gradio_s,) = temporary.glob("llm-playground-files-*")
        assert mode(gradio_s) == 0o700
        (gradio_s / "sent").write_text("x")
        app.process.kill()
        app.process.wait()
    left = [
        "uploads/server-x-1-a/songs-0.zip", "songs/arriving-{me}", "songs/partial-1.npz",
        "songs/a.tmp", "songs/trained-1.tmp.npz", "words/arriving-{me}",
        "quantized/arriving-{me}/model", "quantized/tmpab/m",
        "quantized/part-{me}/m", "arriving-{me}", "a.tmp",
    ]  # fmt: skip
    for name in left:
        path = cache / name.replace("{me}", f"{disk.machine()}-{app.pid}-a")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    os.utime(cache / "uploads/server-x-1-a/songs-0.zip", (1, 1))
    os.utime(cache / "uploads/server-x-1-a", (1, 1))
    kept = [cache / "songs" / "trained-1.npz", cache / "quantized" / "org--model-nf4-0123456789abcdef"]
    for path in kept:
        path.write_text("x")
    refs = tmp_path / "hf" / "hub" / "models--a--b" / "refs"
    refs.mkdir(parents=True)
    (refs / "main").write_text("0" * 40)
    (refs / "main.0123abcd.tmp").write_text("0")
    (refs / f"arriving-{disk.machine()}-{app.pid}-a").write_text("0")
    with running(tmp_path, {"PLAYGROUND_OFFLINE": "1"}, "tests/serve.py"):
        found = {path for path in cache.rglob("*") if path.is_file() and "numba" not in str(path)}
        assert found == {*kept} and not gradio_s.exists()
        assert [path.name for path in refs.iterdir()] == ["main"]
    assert not list(temporary.glob("llm-playground-files-*"))


def test_what_a_page_still_shows_stays_and_the_rest_goes_in_an_hour(tmp_path, monkeypatch):
    from gradio.route_utils import delete_files_created_by_app

    from playground.ui import files as visitor_files

    assert visitor_files.LIFE == 3600 and visitor_files.TELLS < visitor_files.LIFE - visitor_files.LOOKS
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    with gr.Blocks(delete_cache=(visitor_files.LOOKS, visitor_files.LIFE)) as page:
        gr.DownloadButton()
        visitor_files.still_shown(page)
    assert page.get_config_file()["connect_heartbeat"] is False
    (tick,) = page.fns.values()
    paths = []
    for name in ("shown", "forgotten"):
        file = visitor_files.outgoing() / name
        file.write_text(name)
        assert mode(file.parent) == 0o700
        paths.append(file)
        page.upload_file_set.add(str(file))
    time.sleep(0.3)
    assert tick.fn
    tick.fn(str(paths[0]), None)  # the page tells that it is open
    delete_files_created_by_app(page, 0.2)
    assert [path.exists() for path in paths] == [True, False]
    # By our own look, which knows also what a button was given after the page was made.
    other = visitor_files.outgoing() / "forgotten"
    other.write_text("x")
    for path in (other, other.parent, paths[0].parent):
        os.utime(path, (1, 1))
    visitor_files.delete_forgotten(tmp_path)
    assert paths[0].exists() and not other.parent.exists()


def test_the_page_has_it_all(tmp_path):
    """Gradio's own table of what the page asks: one timer for all of its buttons, and no heartbeat."""
    script = """
import runpy, json, sys
sys.path.insert(0, "")
sys.argv = ["app.py"]
app = runpy.run_path("app.py", run_name="x")["app"]
config = app.get_config_file()
ticks = [d for d in config["dependencies"] for t in d["targets"] if t[1] == "tick"]
buttons = {c["id"] for c in config["components"] if c["type"] == "downloadbutton"}
whole = [set(tick["inputs"]) == buttons for tick in ticks]
print(json.dumps([app.delete_cache, config["connect_heartbeat"], whole]))
"""
    made = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True
    )
    assert json.loads(made.stdout.splitlines()[-1]) == [[600, 3600], False, [True]], made.stderr


def test_a_tokenizer_json_is_named_as_one(tmp_path):
    """Of the pattern depends what a link leaves out (assets/shell/store.js)."""
    script = (ROOT / "assets" / "shell" / "store.js").read_text(encoding="utf-8")
    (pattern,) = re.findall(r"SECRET = /\^(.*?)\$/;", script)
    assert pattern == NAME.pattern and tokenizer_json()
