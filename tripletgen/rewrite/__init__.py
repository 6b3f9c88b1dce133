"""Rewrite triplets with a language model: prompts, replies, the cache of answers, the engines, the stage."""
