#!/bin/sh
# Run check_torch.py with a Python that has PyTorch:  run.sh VENV PROGRAM
#
# VENV is a virtual environment outside of the source tree; if its Python has no torch, it is made
# and torch is installed there by pip.  Where that is impossible nothing is tested: this says so,
# and succeeds.
set -u
venv=$1 program=$2
python=$venv/bin/python

has_torch() { "$python" -c 'import torch, numpy, expecttest' 2>/dev/null; }

install_torch() {
    python3 -c 'import ensurepip' 2>/dev/null || make deps-conformance
    python3 -m venv "$venv" &&
    timeout 1200 "$python" -m pip install --quiet --disable-pip-version-check torch numpy expecttest
}

if ! has_torch; then
    echo "conformance: installing torch in $venv (once; some gigabytes)"
    if ! install_torch; then
        echo "conformance was NOT run: torch cannot be installed here (is there a network, and a fast one?)"
        exit 0
    fi
fi
exec "$python" tests/conformance/check_torch.py "$program"
