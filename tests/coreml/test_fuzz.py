"""Twenty thousand damaged packages: each is read, or refused with an error of ours."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from rustorch.coreml import protobuf, read_package, write_package
from rustorch.coreml.mil import program as mil
from rustorch.coreml.spec import MESSAGES
from rustorch.errors import RustorchError

from .samples import small

SPEC = "Data/com.apple.CoreML/model.mlmodel"
WEIGHTS = "Data/com.apple.CoreML/weights/weight.bin"
ODD = [0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 0x10, 0x12, 0x0A, 0x22, 0x2A]


def damaged(data: bytes, rng: random.Random) -> bytes:
    """One to four small changes: bits, bytes, wide numbers, pieces cut out, doubled or moved."""
    out = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        at = rng.randrange(len(out) + 1)
        match rng.randrange(8):
            case 0 | 1 if at < len(out):
                out[at] ^= 1 << rng.randrange(8)
            case 2 | 3 if at < len(out):
                out[at] = rng.choice(ODD)
            case 4:
                out[at : at + rng.choice((1, 2, 8))] = b""
            case 5:
                end = rng.randrange(at, min(at + 40, len(out)) + 1)
                out[at:at] = out[at:end]
            case 6:
                out[at : at + rng.choice((0, 10))] = b"\xff" * rng.choice((1, 9)) + b"\x01"
            case 7 if rng.randrange(4) == 0:
                del out[at:]
            case _:
                out[at : at + 8] = rng.randrange(1 << 64).to_bytes(8, "little")
    return bytes(out)


def outcome(package: Path) -> str:
    try:
        model = read_package(package)
        for operation in model.functions["main"].block.operations:
            for value in operation.attributes.values():
                if isinstance(value, (mil.TensorValue, mil.BlobFileValue)):
                    assert value.numpy().shape == value.type.shape
    except RustorchError as error:
        return str(error).split(";")[0]
    return "read"


def tiny() -> mil.Model:
    """Few bytes, so that each change matters."""
    model = small()
    operations = model.functions["main"].block.operations
    for operation in operations[:2]:
        del operation.attributes["name"]
    return model


@pytest.mark.parametrize(("name", "count"), [(SPEC, 14_000), (WEIGHTS, 6_000)])
def test_damaged_packages(tmp_path, name, count, monkeypatch):
    package = tmp_path / "m"
    write_package(tiny(), package, sync=False)
    good = (package / name).read_bytes()
    rng = random.Random(0)
    outcomes: dict[str, int] = {}
    original = os.open

    def one_step_down(path, flags, mode=0o777, *, dir_fd=None):
        """Opens the package itself, and below it only what a directory holds under a plain name."""
        if dir_fd is None:
            assert os.fspath(path) == str(package)
        else:
            assert flags & os.O_NOFOLLOW
            assert "/" not in path
            assert path not in (".", "..")
        return original(path, flags, mode, dir_fd=dir_fd)

    longest = 0.0
    descriptor = os.open(package / name, os.O_WRONLY)
    monkeypatch.setattr(os, "open", one_step_down)
    monkeypatch.setattr(os, "supports_dir_fd", os.supports_dir_fd | {one_step_down})
    try:
        for _ in range(count):
            data = damaged(good, rng)
            os.pwrite(descriptor, data, 0)
            os.ftruncate(descriptor, len(data))
            start = time.process_time()
            found = outcome(package)
            longest = max(longest, time.process_time() - start)
            outcomes[found] = outcomes.get(found, 0) + 1
    finally:
        os.close(descriptor)
    # Milliseconds each, some fifteen seconds for all: no damage makes work without bounds.
    assert longest < 5
    assert outcomes["read"] > count // 100
    # Damage is told apart, and not refused by one check for all.
    assert len(outcomes) > (60 if name == SPEC else 8)


def test_damaged_messages_of_all_kinds():
    """Noise for every table: nothing but a message or an error comes of it."""
    rng = random.Random(1)
    refused = 0
    for message in MESSAGES.values():
        for _ in range(40):
            data = bytes(rng.choice(ODD) for _ in range(rng.randrange(1, 40)))
            try:
                assert isinstance(protobuf.decode(message, data), dict)
            except RustorchError:
                refused += 1
    assert refused > 500
