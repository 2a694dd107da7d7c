"""A stand-in for the Hugging Face Hub on loopback, for the real ``huggingface_hub`` to talk to.

    with Hub() as hub:
        hub.add("org/name", {"config.json": b"{}", "tokenizer.json": b"..."})
        snapshot_download("org/name", endpoint=hub.url, cache_dir=tmp_path)
        assert hub.count("/resolve/", "GET") == 2

After the ``with`` (or ``hub.close()``) nothing listens at ``hub.url``: that is "offline". What goes
wrong is said by :class:`Trouble`. Files that fit ``large=`` are kept as LFS keeps them: named by their
sha256, and behind a redirect to another origin (``/cdn/``). No compression, no Xet; models only.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from fnmatch import fnmatch
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

REPO = r"(?P<repo>[^/]+(?:/[^/]+)?)"
RESOLVE = re.compile(rf"/{REPO}/resolve/(?P<rev>[^/]+)/(?P<path>.+)")
API = re.compile(
    rf"/api/models/{REPO}(?:/(?P<what>revision|tree|paths-info)/(?P<rev>[^/]+)(?:/(?P<path>.+))?)?"
)


class Request(NamedTuple):
    """What a client asked for."""

    method: str
    path: str  # with the query
    range: str
    agent: str
    authorized: bool  # a token came with it (never which)
    encoding: str  # what compression it would take


@dataclass
class Trouble:
    """What goes wrong with requests like ``"GET */config.json"``, the first ``times`` times."""

    where: str = "*"
    times: float = float("inf")
    status: int = 0  # answer with this status, e.g. 429 or 500 …
    headers: Mapping[str, str] = field(default_factory=dict)  # … and with these headers
    cut: int | None = None  # close the connection after so many bytes of the body
    silent: bool = False  # never answer; with ``cut``: fall silent after so many bytes
    rate: float = 0  # bytes a second
    whole: bool = False  # take no notice of a range
    shift: int = 0  # answer a range so many bytes further on
    wrong: bool = False  # other bytes than there are
    more: int = 0  # so many bytes more than there are


@dataclass
class Commit:
    """Files, and a name made from them."""

    files: dict[str, bytes]
    sha: str
    large: tuple[str, ...] = ()
    names: dict[str, str] = field(default_factory=dict)  # large files' sha256, once asked for

    def sha256(self, path: str) -> str:
        """A large file's name; "" for others."""
        if not any(fnmatch(path, pattern) for pattern in self.large):
            return ""
        if path not in self.names:
            self.names[path] = hashlib.sha256(self.files[path]).hexdigest()
        return self.names[path]

    def entry(self, path: str) -> dict[str, Any]:
        """A file (or a folder) as the Hub's API describes it."""
        if path not in self.files:
            return {"type": "directory", "path": path, "oid": "0" * 40, "size": 0}
        data = self.files[path]
        entry: dict[str, Any] = {"type": "file", "path": path, "size": len(data)}
        if name := self.sha256(path):
            data = f"version https://git-lfs.github.com/spec/v1\noid sha256:{name}\n".encode()
            # One part of the API says sha256, another oid.
            entry["lfs"] = {"sha256": name, "oid": name, "size": entry["size"], "pointerSize": len(data)}
        oid = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
        return {**entry, "oid": oid, "blobId": oid}


class Listener(ThreadingHTTPServer):
    """A port of the Hub."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, hub: Hub | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.hub = hub or self
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def process_request(self, request: Any, client_address: Any) -> None:
        self.hub.sockets.append(request)  # type: ignore[attr-defined]
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is not worth a traceback."""


class Hub(Listener):
    """The server; ``url`` is what ``HF_ENDPOINT`` or ``endpoint=`` wants."""

    def __init__(self, page: int = 1000) -> None:
        self.page = page  # entries in one answer of a file listing
        self.blobs: dict[str, bytes] = {}  # large files by their sha256
        self.repos: dict[str, dict[str, Commit]] = {}  # by name, then by branch and by hash
        self.infos: dict[str, dict[str, Any]] = {}
        self.requests: list[Request] = []
        self.troubles: list[Trouble] = []
        self.sockets: list[socket.socket] = []
        self.lock = threading.Lock()
        self.closing = threading.Event()
        super().__init__()
        self.cdn = Listener(self)

    def add(
        self,
        name: str,
        files: Mapping[str, bytes] | Path,
        revision: str = "main",
        large: tuple[str, ...] = (),
        **info: Any,
    ) -> str:
        """Adds a commit to a repository and returns its hash.

        ``large`` are patterns of files that lie at another origin. ``info`` goes into the answer to
        ``model_info``; ``gated=True`` also closes the files.
        """
        if isinstance(files, Path):
            found = sorted(path for path in files.rglob("*") if path.is_file())
            files = {path.relative_to(files).as_posix(): path.read_bytes() for path in found}
        contents = sorted((path, hashlib.sha1(data).hexdigest()) for path, data in files.items())
        sha = hashlib.sha1(repr((name, contents)).encode()).hexdigest()
        self.infos[name] = {"gated": False, "private": False, "tags": [], **info}
        commits = self.repos.setdefault(name, {})
        commit = commits[revision] = commits[sha] = Commit(dict(files), sha, large)
        self.blobs |= {commit.sha256(path): data for path, data in files.items()}
        return sha

    def trouble(self, where: str = "*", **what: Any) -> None:
        """From now on requests whose "METHOD /path" matches ``where`` go wrong."""
        self.troubles.append(Trouble(where, **what))

    def count(self, part: str = "", method: str = "") -> int:
        """How many requests had this in their path."""
        return sum(part in r.path and method in ("", r.method) for r in self.requests)

    def close(self) -> None:
        """Hangs up on everyone."""
        self.closing.set()
        for port in (self, self.cdn):
            port.shutdown()
            port.server_close()
        for connection in self.sockets:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def __exit__(self, *_: object) -> None:
        self.close()


class Answer(BaseHTTPRequestHandler):
    """One connection: answers request after request."""

    hub: Hub
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        self.hub = self.server.hub  # type: ignore[attr-defined]
        super().setup()

    def log_message(self, *_: object) -> None:
        """Tests read ``hub.requests`` instead."""

    def do_GET(self) -> None:
        get, line = self.headers.get, f"{self.command} {self.path}"
        body = self.rfile.read(int(get("Content-Length", "0"))).decode()
        agent, self.authorized = get("User-Agent", ""), "Authorization" in self.headers
        request = Request(
            self.command, self.path, get("Range", ""), agent, self.authorized, get("Accept-Encoding", "")
        )
        with self.hub.lock:
            self.hub.requests.append(request)
            alike = (t for t in self.hub.troubles if t.times > 0 and fnmatch(line, t.where))
            self.trouble = next(alike, Trouble())
            self.trouble.times -= 1
        self.close_connection |= self.trouble.silent
        if self.trouble.silent and self.trouble.cut is None:
            self.hub.closing.wait()
        elif self.trouble.status:
            self.fail(self.trouble.status, "", **self.trouble.headers)
        else:
            self.answer(body)

    do_HEAD = do_POST = do_GET

    def answer(self, body: str) -> None:
        url = urlsplit(self.path)
        if url.path.startswith("/cdn/"):
            return self.part(self.hub.blobs[url.path.removeprefix("/cdn/")], ETag='"of the CDN"')
        api = API.fullmatch(url.path)
        match = api or RESOLVE.fullmatch(url.path)
        if not match or match["repo"] not in self.hub.repos:
            return self.fail(404 if self.authorized else 401, "RepoNotFound")
        info = self.hub.infos[match["repo"]]
        commit = self.hub.repos[match["repo"]].get(unquote(match["rev"] or "main"))
        path = unquote(match["path"] or "")
        if not commit:
            return self.fail(404, "RevisionNotFound")
        if not api:
            if info["gated"]:  # as at the Hub: what is in it may be listed, not read
                return self.fail(403 if self.authorized else 401, "GatedRepo")
            return self.file(commit, path)
        query = parse_qs(f"{url.query}&{body}")
        if match["what"] == "tree":
            return self.tree(commit, path, query)
        if match["what"] == "paths-info":
            return self.json([commit.entry(p) for p in query["paths"] if p in commit.files])
        sizes = "blobs" in query
        files = [{"rfilename": n, **(commit.entry(n) if sizes else {})} for n in commit.files]
        self.json({"id": match["repo"], "sha": commit.sha, "siblings": files, **info})

    def tree(self, commit: Commit, folder: str, query: dict[str, list[str]]) -> None:
        """A page of a file listing, and a link to the next one."""
        names = sorted(path for path in commit.files if not folder or path.startswith(f"{folder}/"))
        if folder and not names:
            return self.fail(404, "EntryNotFound")
        if query.get("recursive") != ["true"]:
            deep = folder.count("/") + 2 if folder else 1
            names = list(dict.fromkeys("/".join(name.split("/")[:deep]) for name in names))
        start = int(query.get("cursor", ["0"])[0])
        end = start + self.hub.page
        address = self.hub.url + urlsplit(self.path).path
        rest = urlencode({**query, "cursor": [str(end)]}, doseq=True)
        more: dict[str, Any] = {}
        if end < len(names):
            more["Link"] = f'<{address}?{rest}>; rel="next"'
        self.json([commit.entry(name) for name in names[start:end]], **more)

    def file(self, commit: Commit, path: str) -> None:
        """A file, or a range of it."""
        known = {"X-Repo-Commit": commit.sha, "Accept-Ranges": "bytes"}
        if path not in commit.files:
            return self.fail(404, "EntryNotFound", **known)
        data, sha256 = commit.files[path], commit.sha256(path)
        etag = f'"{sha256 or commit.entry(path)["oid"]}"'
        known |= {"X-Linked-ETag": etag, "X-Linked-Size": str(len(data))}
        if sha256:
            return self.send(302, b"", **known, Location=f"{self.hub.cdn.url}/cdn/{sha256}?Signature=x")
        self.part(data, **known, ETag=etag)

    def part(self, data: bytes, **known: str) -> None:
        """The bytes, or a range of them."""
        size, trouble = len(data), self.trouble
        if trouble.wrong:
            data = bytes(255 - byte for byte in data)
        data += bytes(trouble.more)
        match = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if not match or trouble.whole:
            return self.send(200, data, **known)
        first, last = match.groups()
        start = (int(first) if first else max(0, len(data) - int(last))) + trouble.shift
        part = data[start : int(last) + 1] if first and last else data[start:]
        if not part:
            return self.fail(416, "", **{"Content-Range": f"bytes */{size}"})
        known["Content-Range"] = f"bytes {start}-{start + len(part) - 1}/{size}"
        self.send(206, part, **known)

    def fail(self, status: int, code: str, **headers: str) -> None:
        why = {"X-Error-Code": code, "X-Error-Message": code} if code else {}
        self.json({"error": code or "trouble"}, status, **why, **headers)

    def json(self, value: Any, status: int = 200, **headers: str) -> None:
        self.send(status, json.dumps(value).encode(), **headers)

    def send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        cut, rate = self.trouble.cut, self.trouble.rate
        if cut is not None and cut < len(body):
            body, self.close_connection = body[:cut], True
        step = max(1, int(rate / 10) if rate else len(body))
        for start in range(0, len(body), step):
            self.wfile.write(body[start : start + step])
            if rate and self.hub.closing.wait(step / rate):
                return
        if self.trouble.silent:
            self.hub.closing.wait()
