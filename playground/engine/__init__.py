"""What several rooms compute with: plain functions and frozen dataclasses, without gradio and without HTML.

`queue` lets one computation at a time use a model, `in_turn` runs work when its turn has come,
`shared_work` does once what several wait for. Receives loaded models, never the cache.
"""
