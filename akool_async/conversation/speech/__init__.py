"""Texts on their way to being spoken: cut into sentences, sent as messages, one after the other."""
