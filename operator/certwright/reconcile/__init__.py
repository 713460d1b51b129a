"""What to do next with one Certificate or Issuer: state in, `Step` or status out; no I/O of its own.

``handlers`` observe the world, ask here, carry out the answer and look again. Each decision rests on what was observed
and on nothing remembered, so that a restart at any point decides the same.
"""
