"""The tutor: a very small language model of this project's own, its corpus, its training, its examination.

`python -m playground.tutor.rebuild` makes it from nothing, in pieces; `python -m playground.tutor.evaluate`
examines it; docs/tutor.md says what else another tutor changes. The app itself only loads the finished
folder, `assets/tutor/`.
"""
