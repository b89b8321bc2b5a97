"""Safe model files: networks, parameters and plain records, without pickle in any load path.

``paths`` writes files as a whole, ``records`` is JSON under closed schemas, ``networks`` makes
records of networks, ``states`` of where a training stands, and ``model_file`` puts them together:
`write` a `Model`, `read` it back. This room knows networks, parameters and training states; the
faces that take estimators stand above it.
"""

from deltarule.persistence.model_file import (
    FORMAT,
    FORMAT_VERSION,
    Model,
    from_bytes,
    library_versions,
    read,
    to_bytes,
    write,
)
from deltarule.persistence.networks import network_from_record, network_record
from deltarule.persistence.paths import (
    NotRegularError,
    PathLike,
    check_writable,
    open_regular,
    replace_file,
)
from deltarule.persistence.records import Fields, decode, encode, enter, from_json, to_json, wrong
from deltarule.persistence.states import Kept

__all__ = [
    "FORMAT",
    "FORMAT_VERSION",
    "Fields",
    "Kept",
    "Model",
    "NotRegularError",
    "PathLike",
    "check_writable",
    "decode",
    "encode",
    "enter",
    "from_bytes",
    "from_json",
    "library_versions",
    "network_from_record",
    "network_record",
    "open_regular",
    "read",
    "replace_file",
    "to_bytes",
    "to_json",
    "write",
    "wrong",
]
