"""Mined pairs: two real captions that differ in one place are a triplet whose target is real."""
