"""What stopped the process, in one line for whoever started it."""

from certwright.kube.connection import ConnectionSettingsError
from certwright.kube.errors import ForbiddenError, KubeError, UnavailableError
from certwright.kube.installation import MissingDefinitionsError
from certwright.runtime.leader import LeadershipLost
from certwright.runtime.serving import ListenError
from certwright.runtime.supervise import ServiceDied


def explain(error: BaseException) -> str | None:
    """One sentence with cause and remedy; None: a fault of our own, whose traceback tells more."""
    match error:
        case ConnectionSettingsError() | MissingDefinitionsError() | ListenError():
            return str(error)
        case ServiceDied(__cause__=LeadershipLost()):
            return f"{error.__cause__}; this process ends, so that another can go on"
        case ServiceDied(__cause__=cause) if cause is not None:
            return explain(cause)
        case UnavailableError():
            return f"the API server cannot be reached: {error.message}"
        case ForbiddenError():
            return f"the API server refuses the operator's credentials or role: {error.message}"
        case KubeError():
            return error.message
        case _:
            return None
