#!/usr/bin/env python3
"""Writes unicode.txt, what Python's own Unicode database (unicodedata) says of the characters that it knows. First
lines `FIRST LAST CLASS` in hexadecimal, the classes those that data/unicode.h tells apart; controls and the like (C)
and what is not assigned have no line. Then two lines `NAME HASH`: the FNV-1a hashes of all characters of these classes,
each followed by its canonical decomposition, and of all followed by their simple lower case."""
import os
import sys
import unicodedata

HERE = os.path.dirname(os.path.abspath(__file__))


def kind(c):
    category = unicodedata.category(chr(c)) if c <= sys.maxunicode else "C"
    if category in ("Mn", "Zs"):
        return category
    return "" if category[0] == "C" else category[0]


def lower(c):
    return "i" if c == "\u0130" else c.lower()  # the one whose full mapping is not the simple one


def fnv(form):
    value = 0xCBF29CE484222325
    for c in map(chr, filter(kind, range(sys.maxunicode + 1))):
        for byte in (c + form(c)).encode():
            value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


with open(os.path.join(HERE, "unicode.txt"), "w") as out:
    begin = 0
    for c in range(sys.maxunicode + 2):
        if kind(c) != kind(begin) or c > sys.maxunicode:
            if kind(begin):
                out.write("%x %x %s\n" % (begin, c - 1, kind(begin)))
            begin = c
    out.write("decomposed %x\n" % fnv(lambda c: unicodedata.normalize("NFD", c)))
    out.write("lower %x\n" % fnv(lower))
