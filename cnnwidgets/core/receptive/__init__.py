"""Tracing receptive fields: run a network once and watch its tensor operations.

``axis`` says what the units of one tensor see along one axis of the image; the ``*_rules`` how each
operation changes that; ``tracing`` watches the operations go by.
"""

from .tracing import FieldTracer

__all__ = ["FieldTracer"]
