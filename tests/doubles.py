"""Stands in for a language model in tests: it has a name and no features; what it answers is up to the test."""

from __future__ import annotations

from review.llm.request import Model
from review.llm.usage import Usage


class Double(Model):
    """A model of a name, behind a kind of backend."""

    def __init__(self, name, backend="endpoint", sha256="0123456789abcdef"):
        self.name, self.backend, self.sha256 = name, backend, sha256

    @property
    def identity(self):
        return {"backend": self.backend, "model": self.name, "sha256": self.sha256}

    @property
    def usage(self):
        return Usage()

    def supports(self, feature):
        return False

    def close(self):
        pass
