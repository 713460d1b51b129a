"""Generic asyncio machinery: what any operator with a hundred thousand objects and one event loop needs.

Nothing in here knows a certificate, a resource or the API server, and nothing else of ours is imported. ``handlers``
builds these parts, hands them to each other and supervises them; ``kube`` implements the one interface that leads out
(``leader.LeaseStore``). All of it belongs to one event loop: nothing is thread-safe, and nothing needs to be.
"""
