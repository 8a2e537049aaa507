#!/usr/bin/env python3
"""Writes the .safetensors files beside this script, from the format's public description alone: a size, a JSON
header, the data. What is in them is said here and, once more, in safetensors_test.cpp."""
import json
import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))


def write(name, header, data):
    with open(os.path.join(HERE, name), "wb") as out:
        out.write(struct.pack("<Q", len(header)) + header + data)


def compact(value):
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    return text + b" " * (-len(text) % 8)


def layout(tensors, metadata):
    """Offsets in the order given: I64, F64, F32, BOOL, and by name, as the Python library lays them out."""
    header, data = {"__metadata__": metadata}, b""
    for name, dtype, shape, raw in tensors:
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    return compact(header), data


write("mixed.safetensors", *layout([
    ("ids", "I64", [3], struct.pack("<3q", -1, 2**53 + 1, -2**63)),
    ("scalar", "F64", [], struct.pack("<d", 0.1)),
    ("empty", "F32", [0, 4], b""),
    ("fc.bias", "F32", [2], struct.pack("<2f", 1.5, -0.25)),
    ("fc.weight", "F32", [2, 3], struct.pack("<6f", 0, 1, 2, 3, 4, 5)),
    ("größe \"1\"\n", "F32", [1], struct.pack("<f", float("inf"))),
    ("mask", "BOOL", [2, 2], bytes([1, 0, 0, 1])),
], {"format": "pt", "note": "naïve"}))

# Data in another order than the header, a header with spaces and escapes, data that no element is aligned in.
text = """{ "b": {"shape": [2], "data_offsets": [1, 9], "dtype": "F32"},
  "__metadata__": {},
  "\\u0061": {"dtype": "BOOL", "shape": [1], "data_offsets": [0, 1]} }  \n"""
write("loose.safetensors", text.encode(), bytes([1]) + struct.pack("<2f", 7, 8))

# 256 of the 16-bit floats of each kind: zeros, subnormals, infinities and NaNs are among them.
sample = struct.pack("<256H", *(257 * i for i in range(256)))
write("half.safetensors", compact({
    "bf16": {"dtype": "BF16", "shape": [256], "data_offsets": [0, 512]},
    "f16": {"dtype": "F16", "shape": [2, 128], "data_offsets": [512, 1024]},
}), sample + sample)

# A layer as half-precision checkpoints have it; 1.0 is 0x3c00 as f16 and 0x3f80 as bf16.
write("linear.safetensors", *layout([
    ("bias", "BF16", [2], struct.pack("<2H", 0x3F80, 0xC000)),
    ("weight", "F16", [2, 3], struct.pack("<6e", 0, 1, 0.5, -2, 0.1, 65504)),
], {"format": "pt"}))
