#!/usr/bin/env python3
"""Writes split_words.txt: what BERT's basic tokenizer makes of every character that unicode.txt lists (those of
Unicode 14), by its published rules and Python's own lower(), normalize() and category().

Each character stands in the text below, at the beginning, inside and at the end of words, beside sigmas and marks. A
line is a block of 4096 code points and two FNV-1a hashes of all its words, one a line: lower-cased without accents, and
as they are."""
import os
import unicodedata

HERE = os.path.dirname(os.path.abspath(__file__))
TEXT = "{0}a a{0}b A{0} ΑΣ{0}α α{0}Σ. e\u0323{0}\u0301x"
CHINESE = [(0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F),
           (0x2B820, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F)]


def is_punctuation(c):
    visible = 33 <= ord(c) <= 126 and not c.isalnum()
    return visible or unicodedata.category(c).startswith("P")


def clean(text):
    for c in text:
        if c in "\t\n\r" or unicodedata.category(c) == "Zs":
            yield " "
        elif c in "\0\ufffd" or unicodedata.category(c) in ("Cc", "Cf", "Co"):
            continue
        elif any(first <= ord(c) <= last for first, last in CHINESE):
            yield f" {c} "
        else:
            yield c


def words(text, lower):
    apart = []
    for word in "".join(clean(text)).split():
        if lower:
            word = unicodedata.normalize("NFD", word.lower())
            word = "".join(c for c in word if unicodedata.category(c) != "Mn")
        apart += [f" {c} " if is_punctuation(c) else c for c in word] + [" "]
    return "".join(apart).split()


def fnv(state, text):
    for byte in text.encode():
        state = (state ^ byte) * 0x100000001B3 % 2**64
    return state


blocks = {}
with open(os.path.join(HERE, "unicode.txt")) as lines:
    for first, last, kind in (line.split() for line in lines if len(line.split()) == 3):
        for code in range(int(first, 16), int(last, 16) + 1):
            hashes = blocks.setdefault(code >> 12, [0xCBF29CE484222325] * 2)
            for i, lower in enumerate((True, False)):
                hashes[i] = fnv(hashes[i], "".join(w + "\n" for w in words(TEXT.format(chr(code)), lower)))
with open(os.path.join(HERE, "split_words.txt"), "w") as out:
    for block, (lower, kept) in sorted(blocks.items()):
        out.write(f"{block:x} {lower:016x} {kept:016x}\n")
