#!/usr/bin/env python3
"""Writes the .npy and .npz files beside this script, by NumPy (1.24) and Python's zipfile. What is in them is said here
and, once more, in npy_test.cpp and npz_test.cpp."""
import io
import os
import zipfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))


def path(name):
    return os.path.join(HERE, name)


def npy(array, version=None):
    out = io.BytesIO()
    np.lib.format.write_array(out, array, version=version)
    return out.getvalue()


count = np.arange(24.0).reshape(2, 3, 4)
with open(path("columns.npy"), "wb") as out:
    out.write(npy(np.asfortranarray(count)))
with open(path("version2.npy"), "wb") as out:
    out.write(npy(np.array([-1, 2**53 + 1, -2**63]), (2, 0)))
with open(path("version3.npy"), "wb") as out:
    out.write(npy(np.array([[True, False], [False, True]], order="F"), (3, 0)))

arrays = {
    "f4": np.array([[0, 1, 2], [3, 4, 0.1]], dtype="<f4"),
    "f8": np.array(0.1),
    "i8": np.array([-1, 2**53 + 1, -2**63]),
    "b1": np.array([[True, False], [False, True]]),
    "empty": np.zeros((0, 4), dtype="<f4"),
    "many": np.arange(256.0).reshape(8 * (2,)),
    "größe.weight": np.array([np.inf, -0.0], dtype="<f4"),
}
np.savez(path("savez.npz"), **arrays)

# As the library writes: no zip64 field where none is needed.
with zipfile.ZipFile(path("plain.npz"), "w") as archive:
    for name, array in arrays.items():
        archive.writestr(zipfile.ZipInfo(name + ".npy"), npy(array))

# What NumPy writes of arrays and archives past 2 GiB, with that limit at 100 bytes.
limit, zipfile.ZIP64_LIMIT = zipfile.ZIP64_LIMIT, 100
np.savez(path("zip64.npz"), f4=arrays["f4"], i8=arrays["i8"])
zipfile.ZIP64_LIMIT = limit

np.savez_compressed(path("compressed.npz"), f4=arrays["f4"])
