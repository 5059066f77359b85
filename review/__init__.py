"""Reproduce, question and extend a scoping review from its coded corpus.

The package is a set of small modules; import the one you need, for example
``from review import corpus, statistics``. Nothing heavy is imported here.
"""

__version__ = "0.1.0"
