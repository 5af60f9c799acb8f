#!/usr/bin/env bash
# Line coverage of the tests: Python by coverage.py, C++ by gcov. Fails below 95 % and 90 %.
# The C++ tests (tests/cpp) run first.
#
#   tools/coverage.sh            the whole suite; anything else goes to pytest (for instance -n 2)
#
# Needs a Python with the `dev` extra's packages (PYTHON=... to choose it) and g++. Reports are left in
# build/coverage: html/ for Python, cpp.html for C++. With EMULATOR=FOLDER the emulator's two libraries come from there,
# such as rustorch/lib of an installed package of the same sources: the shaders take minutes to compile. What runs them
# (csrc/gpu/emulator) is not counted then.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
python_minimum=${PYTHON_MINIMUM:-95}
cpp_minimum=${CPP_MINIMUM:-90}
out=$PWD/build/coverage

mkdir -p "$out"
emulator=()
if [ -n "${EMULATOR:-}" ]; then emulator=(-C cmake.define.RUSTORCH_EMULATOR=OFF); fi
# gcov finds sources by the compiler's working directory, which a compiler cache may hide.
unset CMAKE_CXX_COMPILER_LAUNCHER
"$python" -m pip install . --quiet --no-deps --upgrade --target "$out/site" \
  -C build-dir="$out/cmake" -C cmake.build-type=Debug -C install.strip=false \
  -C cmake.define.RUSTORCH_COVERAGE=ON -C cmake.define.RUSTORCH_CPP_TESTS=ON \
  -C cmake.define.CMAKE_CXX_FLAGS_DEBUG=-g0 "${emulator[@]}"
if [ -n "${EMULATOR:-}" ]; then
  mkdir -p "$out/site/rustorch/lib"
  cp "$EMULATOR"/librustorch_emulator*.so "$out/site/rustorch/lib/"
fi
find "$out" -name '*.gcda' -delete
rm -f "$out"/.coverage*

export COVERAGE_FILE=$out/.coverage PYTHONPATH=$out/site
tests=0
LD_LIBRARY_PATH=$out/site/rustorch/lib "$out/cmake/tests/cpp/rustorch_cpp_tests" || tests=$?
"$python" -m coverage erase
"$python" -m coverage run -m pytest "$@" || tests=$?
"$python" -m coverage combine --quiet
"$python" -m coverage html --quiet --directory "$out/html"
"$python" -m coverage report --skip-covered > "$out/python.txt"
# Not found: headers of pip's build environment, which is gone by now. Suspicious: loops that ran often.
"$python" -m gcovr -j 2 --root . --filter csrc/ --object-directory "$out/cmake" "$out/cmake" \
  --gcov-ignore-errors=source_not_found --gcov-ignore-parse-errors=negative_hits.warn_once_per_file \
  --gcov-ignore-parse-errors=suspicious_hits.warn_once_per_file --merge-lines --exclude-throw-branches \
  --html-details "$out/cpp.html" --txt "$out/cpp.txt" --json-summary "$out/cpp.json"

percent() { "$python" -c "$1" "$2"; }
cpp_total=$(percent 'import json,sys; print(json.load(open(sys.argv[1]))["line_percent"])' "$out/cpp.json")
python_total=$("$python" -m coverage report --format=total --precision=1)
echo "Least covered files:"
sort -k4 -n <(grep -E '^python|^/' "$out/python.txt" || true) | head -n 12
grep -E '^csrc|%' "$out/cpp.txt" | sort -t% -k1 | awk '$4+0 < 80' | cut -c-110 | head -n 20 || true
echo "Coverage: Python ${python_total}% (at least ${python_minimum}%), C++ ${cpp_total}% (at least ${cpp_minimum}%)"
awk -v p="$python_total" -v c="$cpp_total" -v pm="$python_minimum" -v cm="$cpp_minimum" \
  'BEGIN { exit !(p >= pm && c >= cm) }' || { echo "Coverage is too low." >&2; exit 1; }
exit "$tests"
