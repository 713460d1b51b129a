"""certwright: certificates for Kubernetes over ACME, EST, CMP and SCEP, with keys of the operator's own making.

The sentence to remember: ``handlers`` hand keys to the ``runtime``; workers ``reconcile`` the state that ``kube`` shows
by asking ``issuers``, which speak ``protocols``; the ``model`` holds the data and the decisions.
"""

__version__ = "0.1.0"
