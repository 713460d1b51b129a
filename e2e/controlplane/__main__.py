"""``python -m e2e.controlplane``: a control plane in the foreground, for a person with kubectl."""

import signal

from e2e.controlplane.control_plane import ControlPlane


def _stop(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def main() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        # SIGINT too: a shell script starts its background jobs with it ignored, and Python then leaves it so.
        signal.signal(number, _stop)
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
