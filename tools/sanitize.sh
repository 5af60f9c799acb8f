#!/usr/bin/env bash
# Builds rustorch with AddressSanitizer and UndefinedBehaviorSanitizer and runs the tests under them.
#
#   tools/sanitize.sh                      the whole suite
#   tools/sanitize.sh tests/core -k view   anything else goes to pytest
#
# The whole suite is what computes in this build: no test of the emulator, which is no part of it (the tests in
# need of it say so and are skipped), and not tests/install, tests/parity and tests/tools (see tests/conftest.py).
#
# Such a build gives each tensor a block of its very size and keeps none, so that any overrun is seen.
#
# Needs: a Python >= 3.10 with the `test` extra's packages (PYTHON=... to choose it), g++ or clang++ (CXX=...).
# The build stays in build/sanitize, so that the next run compiles only what changed.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
cxx=${CXX:-g++}
out=$PWD/build/sanitize

mkdir -p "$out"
CXX=$cxx "$python" -m pip install . --quiet --no-deps --upgrade --target "$out/site" \
  -C build-dir="$out/cmake" -C cmake.build-type=Debug -C install.strip=false \
  -C cmake.define.RUSTORCH_SANITIZE=address,undefined -C cmake.define.CMAKE_CXX_FLAGS_DEBUG=-O1

# The interpreter is not instrumented, so the runtimes must be loaded before it. libstdc++ comes along
# because AddressSanitizer looks up __cxa_throw when it starts, long before the extension is loaded.
if "$cxx" --version | grep -q clang; then
  preload=$("$cxx" -print-file-name="libclang_rt.asan-$(uname -m).so")
else
  preload="$("$cxx" -print-file-name=libasan.so) $("$cxx" -print-file-name=libubsan.so)"
fi
preload="$preload $("$cxx" -print-file-name=libstdc++.so.6)"

here=$PWD/tools/sanitizers
# Allocation by Python's own allocator would hide overruns inside its arenas.
export PYTHONMALLOC=malloc
# Reports go to files: pytest swallows what a passing test prints, and a worker that dies takes its output along.
rm -rf "$out/reports" && mkdir -p "$out/reports"
log="log_path=$out/reports/report"
export ASAN_OPTIONS="$log:detect_leaks=${LEAKS:-1}:detect_odr_violation=0:allocator_may_return_null=1:${ASAN_OPTIONS:-}"
export LSAN_OPTIONS="suppressions=$here/lsan.supp:print_suppressions=0:exitcode=0"
export UBSAN_OPTIONS="print_stacktrace=1:suppressions=$here/ubsan.supp"
# NVIDIA's driver wants addresses that AddressSanitizer keeps.
export CUDA_VISIBLE_DEVICES=
# Ten times as slow: the limits of the tests on time and memory are made for ordinary builds.
export RUSTORCH_SANITIZED=1
tests=0
PYTHONPATH=$out/site LD_PRELOAD=$preload "$python" -m pytest --timeout=1800 "$@" || tests=$?
"$python" "$here/findings.py" "$out/reports"
exit "$tests"
