#!/usr/bin/env python3
"""Make digits.safetensors: the request of digits.json as the safetensors package writes it.

The logits and weights become F64 tensors, the targets I64, and the reduction stands
in the metadata. Run it with no arguments, from any folder:

    python3 make_safetensors.py

It writes the file beside itself, the same on every run. Needs these packages from
PyPI: safetensors and numpy.
"""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

HERE = Path(__file__).resolve().parent


def main():
    request = json.loads((HERE / "digits.json").read_text())
    save_file({"logits": np.array(request["logits"], dtype=np.float64),
               "targets": np.array(request["targets"], dtype=np.int64),
               "weights": np.array(request["weights"], dtype=np.float64)},
              HERE / "digits.safetensors", metadata={"reduction": "mean"})


if __name__ == "__main__":
    main()
