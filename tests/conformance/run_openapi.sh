#!/bin/sh
# Run check_openapi.py with a Python that has schemathesis:  run_openapi.sh VENV PROGRAM CASES [OPTION...]
#
# VENV is a virtual environment outside of the source tree; if its Python has no schemathesis, it is
# made and schemathesis is installed there by pip.  Where that is impossible nothing is tested: this says so,
# and succeeds.
set -u
venv=$1 program=$2 cases=$3
python=$venv/bin/python

has_schemathesis() { "$python" -c 'import schemathesis, openapi_spec_validator' 2>/dev/null; }

install_schemathesis() {
    python3 -c 'import ensurepip' 2>/dev/null || make deps-conformance
    python3 -m venv "$venv" &&
    timeout "${INSTALL_SECONDS:-600}" "$python" -m pip install --quiet --disable-pip-version-check \
        'schemathesis>=4.32,<5' 'openapi-spec-validator<1'
}

if ! has_schemathesis; then
    echo "schemathesis: installing it in $venv (once)"
    if ! install_schemathesis; then
        echo "schemathesis was NOT run: it cannot be installed here (is there a network?)"
        exit 0
    fi
fi
shift 3
exec "$python" tests/conformance/check_openapi.py "$program" "$cases" "$@"
