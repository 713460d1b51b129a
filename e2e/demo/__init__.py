"""``make demo``: from nothing to a certificate in a Secret, told to a person who has never seen certwright.

``screen`` is how it speaks, ``cluster`` and ``authority`` are what it stands on, ``story`` is what it tells.
"""
