#!/usr/bin/env python3
"""Writes what idx_test.cpp reads: IDX files as MNIST's are made, through another program's gzip.

    python3 make_idx.py

    pictures.idx.gz   3 pictures of 4 rows and 5 columns, byte i of them i * 37 % 256
    labels.idx.gz     their labels, 7 0 9
    grows.idx.gz      announces 8 bytes and unpacks to 5,000,000
"""
import gzip
import os
import struct

HERE = os.path.dirname(os.path.abspath(__file__))


def write(name, sizes, elements):
    head = bytes([0, 0, 8, len(sizes)]) + b"".join(struct.pack(">I", size) for size in sizes)
    with open(os.path.join(HERE, name), "wb") as out:
        out.write(gzip.compress(head + elements, mtime=0))


write("pictures.idx.gz", [3, 4, 5], bytes(i * 37 % 256 for i in range(60)))
write("labels.idx.gz", [3], bytes([7, 0, 9]))
write("grows.idx.gz", [2, 2, 2], bytes(5000000))
