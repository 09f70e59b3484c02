# Sourced by the scripts: finds a Python of 3.11 or newer and makes virtual environments.

find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11; do
        [ -n "$candidate" ] || continue
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    echo "no Python 3.11 or newer found: install python3 (Debian: apt-get install python3 python3-venv) or set PYTHON" >&2
    return 1
}

# make_environment FOLDER: a virtual environment with a pip that knows dependency groups.
make_environment() {
    local folder=$1 python
    if [ -x "$folder/bin/python" ] && "$folder/bin/python" -c 'import pip' 2>/dev/null; then
        return
    fi
    python=$(find_python) || return 1
    rm -rf "$folder"
    if ! "$python" -m venv "$folder"; then
        echo "cannot make a virtual environment: install the venv module (Debian: apt-get install python3-venv)" >&2
        return 1
    fi
}

# newest_pip FOLDER: dependency groups need pip 25.1.
newest_pip() {
    "$1/bin/python" -c 'import pip, sys; sys.exit(tuple(map(int, pip.__version__.split(".")[:2])) < (25, 1))' ||
        quiet_pip "$1" install --upgrade 'pip>=25.1'
}

quiet_pip() {
    local folder=$1
    shift
    "$folder/bin/python" -m pip --disable-pip-version-check --quiet "$@"
}
