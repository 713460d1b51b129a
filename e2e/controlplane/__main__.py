"""``python -m e2e.controlplane``: a control plane in the foreground, for a person with kubectl."""

import signal

from e2e.controlplane.control_plane import ControlPlane


def _stop(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def main() -> None:
    signal.signal(signal.SIGTERM, _stop)
    try:
        with ControlPlane() as control_plane:
            print(f"export KUBECONFIG={control_plane.admin_kubeconfig}", flush=True)
            print("Ctrl-C stops the control plane and forgets everything in it.", flush=True)
            while True:
                signal.pause()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
