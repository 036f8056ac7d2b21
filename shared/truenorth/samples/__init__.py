"""Books of business to try things on: an outside data set replayed, a made-up one simulated, and their sender.

Everything goes in through the public API, as any back end's events do.
"""
