"""What a request may not say that comes over the network: where files are on this computer."""

from rig.catalog import own_name
from rig.errors import BadInput
from rig.jobs.requests import CalibrateTurnRequest, JobRequest, SortRequest


def require_no_path(request: JobRequest) -> None:
    """Refuse a request that names a place in the file system; commands of this computer may.

    What the other texts of a request name, such as the file of a list, is only said again and never opened.

    Raises:
        BadInput: it does.
    """
    match request:
        case CalibrateTurnRequest() if request.folder:
            raise BadInput("only commands of this computer choose a folder", hint="leave it empty")
        case SortRequest() if request.model:
            # A name, and no way out of the folder of models.
            own_name(request.model, of="a model")
