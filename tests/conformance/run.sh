#!/bin/sh
# Run check_torch.py and check_clients.py with a Python that has what they need:  run.sh VENV PROGRAM
#
# VENV is a virtual environment outside of the source tree; what its Python has not is installed there
# by pip: torch, then the clients.  Where that is impossible that part is not tested: this says so, and
# succeeds.
set -u
venv=$1 program=$2
python=$venv/bin/python

has() { "$python" -c "import $1" 2>/dev/null; }

pip_install() { timeout "${INSTALL_SECONDS:-1200}" "$python" -m pip install --quiet --disable-pip-version-check "$@"; }

install_torch() {
    python3 -c 'import ensurepip' 2>/dev/null || make deps-conformance
    python3 -m venv "$venv" && pip_install torch numpy expecttest
}

# What a client alone needs is tried alone, and is no failure: check_clients.py tells what it has not.
# perf-analyzer below 2 is an empty placeholder, which pip falls back to.
install_optional() {
    has kserve || pip_install kserve || echo 'conformance: kserve cannot be installed here'
    has requests || pip_install requests || echo 'conformance: requests cannot be installed here'
    has perf_analyzer || pip_install 'perf-analyzer>=2' 2>/dev/null ||
        echo 'conformance: perf_analyzer cannot be installed here (its wheel needs glibc 2.38)'
}

check_clients() {
    if ! has tritonclient.http,safetensors; then
        echo "conformance: installing clients in $venv (once)"
        if ! pip_install 'tritonclient[http]' aiohttp safetensors; then
            echo 'conformance of clients was NOT run: tritonclient[http] and safetensors cannot be installed here'
            return 0
        fi
    fi
    install_optional
    "$python" tests/conformance/check_clients.py "$program"
}

if ! has torch,numpy,expecttest; then
    echo "conformance: installing torch in $venv (once; some gigabytes)"
    if ! install_torch; then
        echo "conformance was NOT run, neither with PyTorch nor with clients: torch cannot be installed here (is there a network, and a fast one?)"
        exit 0
    fi
fi
"$python" tests/conformance/check_torch.py "$program" || exit 1
check_clients
