"""What the playground is about: pure functions and frozen dataclasses."""
