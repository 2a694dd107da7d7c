"""A package index on loopback, with a wheel of data that a test makes."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from playground.models.packages import Package


def wheel(name: str, version: str, files: Mapping[str, bytes]) -> tuple[str, bytes]:
    """A wheel's file name, and what is in it.

    Args:
        files: of its module, which is called as the package.
    """
    module = name.replace("-", "_")
    about = f"{module}-{version}.dist-info"
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as made:
        for file, content in files.items():
            made.writestr(f"{module}/{file}", content)
        made.writestr(f"{module}/__init__.py", "raise ImportError('data is not imported')")
        made.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        made.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        made.writestr(f"{about}/RECORD", "")
    return f"{module}-{version}-py3-none-any.whl", held.getvalue()


@dataclass
class Index:
    """A running index.

    Args:
        slow: set while it gives only the first half of a wheel, until the event is set.
    """

    url: str = ""
    wheels: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    slow: threading.Event | None = None

    def add(self, name: str, version: str, files: Mapping[str, bytes]) -> Package:
        """Offer a wheel, and the row that names it."""
        called, content = wheel(name, version, files)
        self.wheels[called] = content
        digest = hashlib.sha256(content).hexdigest()
        return Package(version, name.replace("-", "_"), tuple(files), len(content), digest)


@contextmanager
def serving() -> Iterator[Index]:
    """An index without wheels, until the block ends."""
    index = Index()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            index.asked.append(self.path)
            name = self.path.rsplit("/", 1)[-1]
            if name in index.wheels:
                content = index.wheels[name]
            else:
                module = self.path.strip("/").split("/")[-1].replace("-", "_")
                links = [f'<a href="/files/{each}">{each}</a>' for each in index.wheels if module in each]
                if not links:
                    self.send_error(404)
                    return
                content = f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html" if name not in index.wheels else "application/zip")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            half = len(content) // 2 if index.slow is not None and name in index.wheels else len(content)
            try:
                self.wfile.write(content[:half])
                self.wfile.flush()
                if half < len(content) and index.slow is not None:
                    index.slow.wait(60)
                self.wfile.write(content[half:])
            except OSError:
                pass  # whoever asked has gone

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    index.url = f"http://127.0.0.1:{server.server_address[1]}/simple/"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield index
    finally:
        if index.slow is not None:
            index.slow.set()
        server.shutdown()
        server.server_close()
