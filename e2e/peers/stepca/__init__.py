"""smallstep's step-ca as a SCEP server, with a recipient of its own beside the CA and without one."""

from e2e.peers.stepca.stepca import ContentEncryption, Provisioner, StepCA

__all__ = ["ContentEncryption", "Provisioner", "StepCA"]
