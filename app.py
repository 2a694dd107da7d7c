"""Start LLM Playground: settings → cache → page → launch. Also the entry of a Hugging Face Space."""

from __future__ import annotations

import threading

from playground import settings as settings_module

settings = settings_module.read()
settings_module.quiet(settings)  # before gradio is imported

from playground.catalog import Catalog  # noqa: E402
from playground.devices import budget  # noqa: E402
from playground.loaders import TransformersLoader  # noqa: E402
from playground.models import ModelCache  # noqa: E402
from playground.panels import Context  # noqa: E402
from playground.shell import build_app, serve  # noqa: E402
from playground.warm import warm_up  # noqa: E402

context = Context(
    settings,
    Catalog(settings.models_dir, settings.cache_dir, offline=settings.offline),
    ModelCache(
        budget(settings.memory_gb),
        TransformersLoader(
            offline=settings.offline,
            anonymous=settings.anonymous,
            cache_dir=settings.cache_dir,
            pickles=settings.allow_pickles,
            public=settings.public,
        ),
    ),
)
app = build_app(context)

if __name__ == "__main__":
    serve(app, context)
    print(f"LLM Playground: {app.local_url}", flush=True)
    threading.Thread(target=warm_up, args=(context,), daemon=True).start()
    app.block_thread()
