"""The partition engine: folds co-partitioned topics into keyed state, exactly once.

The unit of ownership is partition number *i* of every source. One transaction per *i* and flush holds the changed
state (the changelog), the outputs and the position, so all of it happened or none of it. Whoever opens *i* fences
the old owner first and restores from the changelog, which is the one history. See `engine.Engine`.
"""

from truenorth.streams.processor import Decision, Item, Output, Processor

__all__ = ["Decision", "Item", "Output", "Processor"]
