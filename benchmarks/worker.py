"""The process of one side, ``python benchmarks/worker.py NAME``; `protocol` says what it hears."""

import sys

from protocol import pin, serve

if __name__ == "__main__":
    threads = pin()
    from sides import open_side

    serve(open_side(sys.argv[1], threads))
