"""RFC clients: what a CA speaks, and nothing of Kubernetes or of certwright's own resources.

Drivers in ``issuers`` call in here. Everything goes in and out as ``cryptography`` objects, bytes and the frozen
dataclasses of each protocol, so that each could be published as a library. The protocols do not import each other;
what they share lies in ``transport`` (and, for the CMS based ones, in ``cms``). Nothing in here sleeps, waits for the
decision of a CA or reads a clock that it was not given.
"""
