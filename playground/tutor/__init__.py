"""The tutor: a very small language model of this project's own, its corpus, its training, its examination.

`python -m playground.tutor.train` rebuilds it from nothing, `python -m playground.tutor.evaluate` examines
it. The app itself only loads the finished folder, `assets/tutor/`.
"""
