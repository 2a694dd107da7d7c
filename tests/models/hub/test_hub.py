"""The stand-in is true to the real client; these are the client's habits the app has to live with.

Measured with huggingface_hub 2.4. Two ways to point a client at a Hub: arguments (``endpoint=``,
``cache_dir=``, ``token=``), which work at any time; or ``HF_ENDPOINT`` and ``HF_HOME``, which are
read once, when ``huggingface_hub`` is imported, and so need a process of their own in a test.
Without ``HF_HUB_DISABLE_TELEMETRY`` it also asks ``HF_ENDPOINT`` daily which program runs it.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import (
    HfApi,
    constants,
    hf_hub_download,
    set_client_factory,
    snapshot_download,
)
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    IncompleteSnapshotError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import _http, httpx  # type: ignore[attr-defined]

from playground.models.hub import client
from tests.hub import Hub

FILES = {
    "README.md": b"# A model\n",
    "additional_chat_templates/tools.jinja": b"{{ tools }}",
    "config.json": b'{"model_type": "gpt2"}',
    "model.safetensors": b"w" * 100_000,
    "tokenizer.json": b"t" * 50_000,
}


@pytest.fixture(autouse=True)
def plain_client(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The library's own client, also where a test before made it impatient for the app; without telemetry."""
    client.be_impatient.cache_clear()
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
    before = _http._GLOBAL_CLIENT_FACTORY
    set_client_factory(_http.default_client_factory)
    yield
    set_client_factory(before)


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as server:
        server.add("org/name", FILES, tags=["license:mit"])
        yield server


@pytest.fixture
def download(hub: Hub, tmp_path: Path) -> Callable[..., str]:
    return partial(
        snapshot_download,
        endpoint=hub.url,
        cache_dir=tmp_path,
        token=False,
        allow_patterns=["*.json", "*.jinja"],
    )


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds the client would have slept between its attempts."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    return slept


@pytest.fixture
def impatient() -> Iterator[None]:
    """A client that waits half a second for anything and never asks twice (restored after)."""

    class Client(httpx.Client):
        def send(self, request: Any, **how: Any) -> Any:
            request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), 0.5)
            try:
                response = super().send(request, **how)
            except httpx.TransportError as error:
                raise OfflineModeIsEnabled(f"{type(error).__name__}: {error}") from error
            if response.status_code == 429 or response.status_code >= 500:
                response.close()
                raise OfflineModeIsEnabled(f"HTTP {response.status_code}")
            return response

    hooks = {"request": [_http.hf_request_event_hook]}
    set_client_factory(lambda: Client(event_hooks=hooks, follow_redirects=True))
    yield
    set_client_factory(_http.default_client_factory)


def causes(error: BaseException | None) -> list[type[BaseException]]:
    found = []
    while error:
        found.append(type(error))
        error = error.__cause__
    return found


def test_snapshot_of_patterns(hub: Hub, download: Callable[..., str]) -> None:
    folder = Path(download("org/name"))
    found = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    wanted = {"additional_chat_templates/tools.jinja", "config.json", "tokenizer.json"}
    assert found == wanted
    assert all((folder / name).read_bytes() == FILES[name] for name in wanted)
    assert [r.path for r in hub.requests[:2]] == [
        "/api/models/org/name/revision/main",
        f"/api/models/org/name/tree/{folder.name}?recursive=true&expand=false",
    ]
    assert hub.count("/resolve/", "HEAD") == hub.count("/resolve/", "GET") == 3
    assert not any(request.authorized for request in hub.requests)
    assert "hf_hub/" in hub.requests[0].agent


def test_a_second_snapshot_asks_once_and_a_pinned_one_never(hub: Hub, download: Callable[..., str]) -> None:
    first = download("org/name")
    hub.requests.clear()
    assert download("org/name") == first
    assert hub.count() == 1
    assert download("org/name", revision=Path(first).name) == first
    assert download("org/name", local_files_only=True) == first
    assert hub.count() == 1


def test_a_branch_moves(hub: Hub, download: Callable[..., str]) -> None:
    old = hub.add("org/name", {"config.json": b"1"}, "refs/pr/1")
    new = hub.add("org/name", {"config.json": b"2"})
    assert Path(download("org/name")).name == new
    assert Path(download("org/name", revision="refs/pr/1")).name == old


def test_a_folder_and_a_name_without_owner(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.txt").write_bytes(b"a")
    hub.add("gpt2", tmp_path / "sub")
    path = hf_hub_download("gpt2", "a.txt", endpoint=hub.url, cache_dir=tmp_path, token=False)
    assert Path(path).read_bytes() == b"a"


def test_what_the_api_says(hub: Hub) -> None:
    api = HfApi(endpoint=hub.url, token="hf_x")
    info = api.model_info("org/name", files_metadata=True, timeout=5)
    assert hub.requests[-1].authorized
    assert {file.rfilename: file.size for file in info.siblings or []} == {
        name: len(data) for name, data in FILES.items()
    }
    assert info.tags == ["license:mit"]
    assert info.gated is False
    top = {entry.path for entry in api.list_repo_tree("org/name")}
    assert top == {name.split("/")[0] for name in FILES}
    deep = list(api.list_repo_tree("org/name", "additional_chat_templates"))
    assert [entry.path for entry in deep] == ["additional_chat_templates/tools.jinja"]
    some = api.get_paths_info("org/name", ["config.json", "nothing"])
    assert [entry.path for entry in some] == ["config.json"]
    hub.page = 2
    assert set(api.list_repo_files("org/name")) == set(FILES)
    assert "cursor=4" in hub.requests[-1].path


def test_safetensors_headers_by_range(hub: Hub) -> None:
    header = json.dumps({"w": {"dtype": "F32", "shape": [50_000], "data_offsets": [0, 200_000]}})
    data = len(header).to_bytes(8, "little") + header.encode() + bytes(200_000)
    hub.add("org/weights", {"model.safetensors": data})
    found = HfApi(endpoint=hub.url, token=False).get_safetensors_metadata("org/weights")
    assert found.parameter_count == {"F32": 50_000}
    assert hub.requests[-1].range == "bytes=0-100000"


def test_large_files_lie_elsewhere(hub: Hub, download: Callable[..., str]) -> None:
    hub.add("org/large", FILES, large=("*.safetensors",))
    data, api = FILES["model.safetensors"], HfApi(endpoint=hub.url, token="hf_x")
    sha256 = hashlib.sha256(data).hexdigest()
    head = api.get_hf_file_metadata(url=f"{hub.url}/org/large/resolve/main/model.safetensors")
    assert (head.etag, head.size) == (sha256, len(data))
    assert head.location.startswith(hub.cdn.url)
    listed = api.model_info("org/large", files_metadata=True).siblings or []
    [tree] = api.get_paths_info("org/large", ["model.safetensors"])
    for large in [tree.lfs, *(file.lfs for file in listed if file.rfilename == "model.safetensors")]:
        assert large and (large.sha256, large.size) == (sha256, len(data))
    assert all(bool(file.lfs) is (file.rfilename == "model.safetensors") for file in listed)
    path = Path(download("org/large", allow_patterns="*.safetensors", token="hf_x")) / "model.safetensors"
    assert path.read_bytes() == data and path.resolve().name == sha256
    assert [r.authorized for r in hub.requests if "/cdn/" in r.path] == [False]


@pytest.mark.parametrize("token", [False, "hf_x"])
def test_gated(hub: Hub, download: Callable[..., str], token: bool | str) -> None:
    hub.add("org/gated", FILES, gated="manual")
    assert HfApi(endpoint=hub.url, token=False).model_info("org/gated").gated == "manual"
    with pytest.raises(GatedRepoError) as caught:
        download("org/gated", token=token)
    assert caught.value.response.status_code == (403 if token else 401)
    assert isinstance(caught.value, RepositoryNotFoundError)  # so catch the gate first


def test_missing(hub: Hub, download: Callable[..., str], tmp_path: Path) -> None:
    with pytest.raises(RepositoryNotFoundError) as caught:
        download("org/none")
    assert not isinstance(caught.value, GatedRepoError)
    with pytest.raises(RevisionNotFoundError):
        download("org/name", revision="v9")
    with pytest.raises(RevisionNotFoundError):
        download("org/name", revision="a" * 40)
    with pytest.raises(RemoteEntryNotFoundError) as lacks:
        hf_hub_download("org/name", "no", endpoint=hub.url, cache_dir=tmp_path, token=False)
    assert isinstance(lacks.value, EntryNotFoundError)
    before = hub.count()
    with pytest.raises(HFValidationError):
        download("../org/name")
    assert hub.count() == before
    assert not os.path.exists(download("org/name", allow_patterns=["nothing"]))  # a path, no folder


def test_a_cut_is_mended(hub: Hub, tmp_path: Path, naps: list[float]) -> None:
    mebi = 1 << 20
    data = bytes(range(256)) * (25 * mebi // 256)
    hub.add("org/big", {"small": data[:mebi], "large": data})
    hub.trouble("GET */small", cut=mebi // 2, times=2)
    hub.trouble("GET */large", cut=15 * mebi, times=1)
    get = partial(hf_hub_download, endpoint=hub.url, cache_dir=tmp_path, token=False)
    assert Path(get("org/big", "small")).read_bytes() == data[:mebi]
    assert Path(get("org/big", "large")).read_bytes() == data
    # Only whole chunks of 10 MiB are kept: what is smaller starts anew.
    gets = [(r.path[-5:], r.range) for r in hub.requests if r.method == "GET"]
    assert gets == [("small", "")] * 3 + [("large", ""), ("large", f"bytes={10 * mebi}-")]
    assert naps == [1, 1, 1]


def test_cut_every_time(hub: Hub, download: Callable[..., str], naps: list[float]) -> None:
    hub.trouble("GET */tokenizer.json", cut=1000)
    with pytest.raises(httpx.RemoteProtocolError):  # neither an OSError nor an HfHubHTTPError
        download("org/name")
    assert hub.count("/tokenizer.json", "GET") == 6
    assert naps == [1] * 5


def test_slow_is_slow(hub: Hub, download: Callable[..., str]) -> None:
    hub.trouble("GET */tokenizer.json", rate=100_000)
    start = time.monotonic()
    download("org/name")
    assert 0.4 < time.monotonic() - start < 5


def test_offline(hub: Hub, download: Callable[..., str], naps: list[float]) -> None:
    sha = Path(download("org/name")).name
    hub.add("org/other", FILES)
    hub.close()
    assert Path(download("org/name")).name == sha  # what is here needs no Hub
    with pytest.raises(IncompleteSnapshotError):
        download("org/name", allow_patterns=["*.md"])
    with pytest.raises(LocalEntryNotFoundError) as caught:
        download("org/other")
    assert causes(caught.value)[:2] == [LocalEntryNotFoundError, httpx.ConnectError]
    with pytest.raises(httpx.ConnectError):  # bare
        HfApi(endpoint=hub.url, token=False).model_info("org/other", timeout=1)
    assert naps == []


@pytest.mark.parametrize("pinned", [True, False])
def test_offline_by_file_or_commit_takes_23_seconds(
    hub: Hub, download: Callable[..., str], tmp_path: Path, naps: list[float], pinned: bool
) -> None:
    hub.close()
    file = partial(hf_hub_download, filename="x", endpoint=hub.url, cache_dir=tmp_path, token=False)
    ask = partial(download, revision="a" * 40) if pinned else file
    with pytest.raises(LocalEntryNotFoundError):
        ask("org/name")
    assert naps == [1, 2, 4, 8, 8]


@pytest.mark.parametrize("status", [429, 500])
def test_the_hub_is_ill(hub: Hub, download: Callable[..., str], naps: list[float], status: int) -> None:
    hub.trouble("GET /api/*/revision/*", status=status, headers={"Retry-After": "30"})
    with pytest.raises(LocalEntryNotFoundError) as caught:
        download("org/name")
    assert causes(caught.value)[1] is HfHubHTTPError
    assert naps == []
    hub.troubles.clear()
    hub.trouble("HEAD *", status=status, headers={"Retry-After": "30"})
    with pytest.raises(LocalEntryNotFoundError):
        download("org/name", max_workers=1, allow_patterns="config.json")
    assert naps == [31] * 5  # it does as it is told, for minutes


def test_a_silent_hub_and_a_timeout(hub: Hub) -> None:
    hub.trouble(silent=True)
    start = time.monotonic()
    with pytest.raises(httpx.ReadTimeout):
        HfApi(endpoint=hub.url, token=False).model_info("org/name", timeout=0.3)
    assert time.monotonic() - start < 3


@pytest.mark.parametrize(
    ("where", "what"),
    [
        ("GET /api/*/revision/*", {"silent": True}),  # the usual client waits for ever …
        ("GET /api/*/tree/*", {"silent": True}),
        ("HEAD *", {"silent": True}),  # … or 385 seconds …
        ("GET *resolve*", {"silent": True}),  # … or 65
        ("HEAD *", {"status": 503}),
        ("*", {"status": 429, "headers": {"Retry-After": "30"}}),
    ],
)
@pytest.mark.usefixtures("impatient")
def test_an_impatient_client(
    hub: Hub, download: Callable[..., str], where: str, what: dict[str, Any]
) -> None:
    hub.trouble(where, **what)
    start = time.monotonic()
    with pytest.raises((LocalEntryNotFoundError, OfflineModeIsEnabled)) as caught:
        download("org/name")
    assert OfflineModeIsEnabled in causes(caught.value)
    assert time.monotonic() - start < 5
    hub.troubles.clear()
    assert os.path.isdir(download("org/name"))


@pytest.mark.usefixtures("impatient")
def test_an_impatient_client_keeps_what_is_said(hub: Hub, download: Callable[..., str]) -> None:
    hub.add("org/gated", FILES, gated="auto")
    for name, error in {"org/gated": GatedRepoError, "org/none": RepositoryNotFoundError}.items():
        with pytest.raises(error):
            download(name)


def run(hub: Hub, home: Path, code: str) -> str:
    """Runs it in a process whose Hub, and home, these are."""
    away = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    settings = {"HF_ENDPOINT": hub.url, "HF_HOME": str(home)}
    settings |= dict.fromkeys(("HF_HUB_DISABLE_XET", "HF_HUB_DISABLE_TELEMETRY"), "1")
    done = subprocess.run(
        [sys.executable, "-c", code], env={**away, **settings}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_endpoint_and_home_from_the_environment(hub: Hub, tmp_path: Path) -> None:
    code = "import huggingface_hub as h; print(h.hf_hub_download('org/name', 'config.json'))"
    path = Path(run(hub, tmp_path, code))
    assert path.read_bytes() == FILES["config.json"]
    assert path.is_relative_to(tmp_path / "hub")
    assert hub.count() == 2


def test_a_tokenizer_from_a_snapshot_asks_nothing(hub: Hub, tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    words = Tokenizer(models.WordLevel({"[UNK]": 0, "hello": 1}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    hub.add("org/words", {"tokenizer.json": words.to_str().encode()})
    code = """
from huggingface_hub import snapshot_download
from transformers import AutoTokenizer
folder = snapshot_download("org/words", allow_patterns=["*.json"])
print(AutoTokenizer.from_pretrained(folder, trust_remote_code=False)("hello you").input_ids)
"""
    assert run(hub, tmp_path, code) == "[1, 0]"
    assert hub.count() == 4  # which commit, which files, the file's head, the file
