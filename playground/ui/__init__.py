"""What several rooms show and talk with: the visitor's language and guard, HTML, figures, progress.

Turns results into HTML or figures and knows nothing of how they are computed; no torch.
"""
