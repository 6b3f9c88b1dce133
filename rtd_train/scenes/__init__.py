"""Scenes: a small world with real pixels, on which the whole chain runs without any download."""
