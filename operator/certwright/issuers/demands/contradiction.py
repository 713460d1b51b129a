"""What is raised inside this package; `prepared_for` turns it into the domain's word for it."""


class Contradiction(Exception):
    """Two sides that cannot both have their way: the text names them, and what can be done."""
