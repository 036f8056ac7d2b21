"""The pure heart of health: events in, state, score, band, milestones and the sentence that says why out.

No I/O, no clock, no logging, no framework. The worker around it calls `fold.fold`, `decide.decide`, `replay.replay`
and `verify.differences`, and moves the bytes of `state.dump`.
"""
