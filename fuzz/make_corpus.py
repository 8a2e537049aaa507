#!/usr/bin/env python3
"""Writes corpus/, what the fuzzers start from: the golden files of the tests, and files that are wrong in one place,
each named after what is wrong."""
import gzip
import json
import os
import shutil
import struct

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "..", "tests", "core", "io", "golden")


def seed(kind, name, content):
    os.makedirs(os.path.join(HERE, "corpus", kind), exist_ok=True)
    with open(os.path.join(HERE, "corpus", kind, name), "wb") as out:
        out.write(content)


def golden(name):
    with open(os.path.join(GOLDEN, name), "rb") as file:
        return file.read()


shutil.rmtree(os.path.join(HERE, "corpus"), ignore_errors=True)
for name in sorted(os.listdir(GOLDEN)):
    kind = name.rsplit(".", 1)[-1]
    if kind in ("npy", "npz", "safetensors"):
        seed(kind, name, golden(name))

for name, text in {
    "all_kinds": '{"a":[null,true,false,-12,0.5e-3,"text"],"b":{},"c":[]}',
    "escapes": r'"\"\\\/\b\f\n\r\t\u0041\u00e9\ud83d\ude00"',
    "utf8": '"é€😀"',
    "largest": "[9223372036854775807,-9223372036854775808,1.7976931348623157e308,5e-324]",
    "too_large": "[9223372036854775808]",
    "key_twice": r'{"a":1,"\u0061":2}',
    "deep": "[" * 65,
    "half_pair": r'"\ud83d"',
    "cut": '{"a":[1,',
    "behind": "1 1",
    "comma": "[1,]",
    "leading_zero": "01",
    "control": '"\n"',
}.items():
    seed("json", name, text.encode())
seed("json", "not_utf8", b'"\xed\xa0\x80"')


def safetensors(header, data=8):
    return struct.pack("<Q", len(header)) + header.encode() + b"\1" * data


for name, fields in {
    "two": '"dtype":"F32","shape":[2],"data_offsets":[0,8]',
    "hole": '"dtype":"F32","shape":[1],"data_offsets":[4,8]',
    "behind_end": '"dtype":"F32","shape":[4],"data_offsets":[0,16]',
    "negative": '"dtype":"F32","shape":[-2],"data_offsets":[0,8]',
    "overflow": '"dtype":"F64","shape":[0,4294967296,4294967296],"data_offsets":[0,0]',
    "other_dtype": '"dtype":"I32","shape":[2],"data_offsets":[0,8]',
    "missing": '"dtype":"F32","shape":[2]',
    "unknown": '"dtype":"F32","shape":[2],"data_offsets":[0,8],"more":null',
    "half": '"dtype":"F16","shape":[4],"data_offsets":[0,8]',
    "boolean": '"dtype":"BOOL","shape":[2,2,2],"data_offsets":[0,8]',
}.items():
    seed("safetensors", name, safetensors('{"w":{%s}}' % fields))
seed("safetensors", "overlap", safetensors(
    '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}'))
seed("safetensors", "metadata", safetensors('{"__metadata__":{"epoch":3}}', 0))
seed("safetensors", "long_header", b"\xff" * 8 + b"{}")


def npy(header, version=1, data=8):
    size = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + size + header.encode() + b"\1" * data


for name, header in {
    "boolean": "{'descr': '|b1', 'fortran_order': True, 'shape': (2, 4), }",
    "integers": "{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }",
    "big_endian": "{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }",
    "no_tuple": "{'descr': '<f4', 'fortran_order': False, 'shape': (2), }",
    "overflow": "{'descr': '<f8', 'fortran_order': True, 'shape': (0, 4294967296, 4294967296)}",
    "twice": "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}",
    "structured": "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}",
}.items():
    seed("npy", name, npy(header))
    seed("npy", name + "_3", npy(header, 3))
seed("npy", "version4", npy("{}", 4))

whole = golden("zip64.npz")
seed("npz", "cut", whole[:-1])
seed("npz", "checksum", whole.replace(b"\x80\x3f", b"\x80\x40"))
seed("npz", "renamed", whole.replace(b"i8.npy", b"f4.npy"))
seed("npz", "empty", b"PK\5\6" + bytes(18))


# vocab.json and merges.txt in one file. The 256 bytes are spelled as GPT-2 does.
visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
byte_tokens = [chr(c) for c in [*visible, *range(0x100, 0x100 + 256 - len(visible))]]


def bpe(more, merges, version="#version: 0.2\n"):
    tokens = dict((token, i) for i, token in enumerate(byte_tokens + more))
    text = json.dumps(tokens, ensure_ascii=False, separators=(",", ":")) + "\n" + version + merges
    return text.encode()


for name, content in {
    "bytes": bpe([], ""),
    "merges": bpe(["lo", "low", "\u0120low", "aa", "aaaa"], "l o\nlo w\n\u0120 low\na a\naa aa\n"),
    "backwards": bpe(["aba", "ab"], "ab a\na b\n"),
    "two_ways": bpe(["ab", "bc", "abc"], "a b\nab c\nb c\na bc\n"),
    "special": bpe(["<s>", "<s><s>", "\u3010\u8a69\u3011", "lo"], "l o\n", ""),
    "crlf": b"\xef\xbb\xbf" + bpe(["lo"], "l o\r\n", "#version: 0.2\r\n"),
    "absent": bpe(["lo"], "l o\nlo w\n"),
    "merge_twice": bpe(["lo"], "l o\nl o\n"),
    "three_parts": bpe(["lo"], "l o w\n"),
    "of_special": bpe(["\u3010", "\u3010a"], "\u3010 a\n"),
    "empty_token": bpe([""], ""),
    "hole": bpe(["lo"], "").replace(b":256}", b":257}"),
    "byte_missing": bpe([], "").replace("\"\u010a\"".encode(), b'"new"'),
    "no_tokens": b"{}\n",
}.items():
    seed("bpe", name, content)


def idx(sizes, elements, kind=8):
    return bytes([0, 0, kind, len(sizes)]) + b"".join(struct.pack(">I", size) for size in sizes) + elements


for name, content in {
    "pictures": idx([2, 2, 3], bytes(range(12))),
    "labels": idx([5], bytes(range(5))),
    "short": idx([2, 2, 3], bytes(11)),
    "long": idx([5], bytes(6)),
    "overflow": idx([2**32 - 1] * 3, b"x"),
    "no_rows": idx([2, 0, 3], b""),
    "floats": idx([1], bytes(4), 13),
}.items():
    seed("idx", name, content)
    seed("idx", name + ".gz", gzip.compress(content, mtime=0))
seed("idx", "grows.gz", gzip.compress(idx([2], bytes(100000)), mtime=0))
seed("idx", "cut.gz", gzip.compress(idx([5], bytes(5)), mtime=0)[:-1])
seed("idx", "behind.gz", gzip.compress(idx([5], bytes(5)), mtime=0) + b"x")

picture = bytes(range(256)) * 12
seed("cifar", "one", b"\t" + picture)
seed("cifar", "cut", b"\0" + picture[1:])
seed("cifar", "label", b"\n" + picture)

for name, content in {
    "grey": b"P5\n3 2\n255\nabcdef",
    "colour": b"P6\n2 1\n255\nrgbRGB",
    "comments": b"P5 # one\n#\n2#\r1\t255 \n#",
    "white_7": b"P5 2 1 7 \x00\x07",
    "above_white": b"P5 1 1 7 \x08",
    "short": b"P6 2 2 255 elevenbytes",
    "long": b"P5 1 1 255 xy",
    "overflow": b"P6 65535 65535 255 x",
    "wide": b"P5 65536 1 255 x",
    "empty": b"P5 0 1 255 ",
    "two_bytes": b"P5 1 1 65535 xx",
    "text": b"P2\n1 1\n255\n7\n",
}.items():
    seed("netpbm", name, content)

mark = b"\xef\xbb\xbf"
for name, content in {
    "lines": "one\ntwo\r\n\n \t\nthré€😀".encode(),
    "mark": mark + b"one",
    "mark_alone": mark,
    "not_utf8": b"one\ntw\xff",
    "returns": b"\r\n\r\r\na\rb\n",
}.items():
    seed("text", name, content)
for name, content in {
    "pairs": "one\tun\r\nto be\têtre".encode(),
    "mark": mark + b"a\tb\n",
    "three": b"a\tb\tc\n",
    "one": b"a\n",
    "empty_side": b"a\t\n",
}.items():
    seed("tsv", name, content)
for name, content in {
    "texts": '{"text":"é\\n"}\r\n{"a":[1],"text":""}'.encode(),
    "mark": mark + b'{"text":"a"}\n',
    "missing": b'{"txt":"a"}\n',
    "array": b'["text"]\n',
    "empty_line": b'{"text":"a"}\n\n',
    "number": b'{"text":1}\n',
}.items():
    seed("json_lines", name, content)


# vocab.txt, an empty line, a text.
def wordpiece(tokens, text="", end="\n"):
    return end.join(tokens).encode() + b"\n\n" + text.encode()


specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
for name, content in {
    "words": wordpiece([*specials, "play", "##ing", "##ed", "."], "Playing, played.\n[MASK] plays"),
    "accents": wordpiece(["[UNK]", "e", "##e", "É"], "\u00e9 e\u0301E\u0301 \u00c9"),
    "chinese": wordpiece(["[UNK]", "\u4e2d", "\u6587"], "\u4e2d\u6587 a\u4e2d\U00020000"),
    "hangul": wordpiece(["[UNK]", "\u1100", "##\u1161", "##\u11a8", "\uac01"], "\uac01\uac01"),
    "sigma": wordpiece(["[UNK]", "\u03b1", "##\u03c2", "##\u03c3"], "\u0391\u03a3 \u0391\u03a3\u0391 \u03a3'\u00ad"),
    "controls": wordpiece(["[UNK]", "ab"], "a\0\u00ad\ufffdb\u2028\x7f\u00a0"),
    "marks": wordpiece(["[UNK]", "a"], "a\u0323\u0301\u302e\u1b44\u0338="),
    "long": wordpiece(["[UNK]", "a", "##a"], "a" * 20 + " " + "a" * 21),
    "not_utf8": wordpiece(["[UNK]", "a"]) + b"a\xff\xe2\x82 \xf0",
    "crlf": b"\xef\xbb\xbf" + wordpiece(["[UNK]", "a"], "a", "\r\n"),
    "crlf_twice": wordpiece(["[UNK]", "a"], "a", "\r\r\n"),
    "prefix": wordpiece(["[UNK]", "##", "#", "####"], "### #"),
    "no_unknown": wordpiece(["a"]),
    "twice": wordpiece(["[UNK]", "a", "a"]),
    "line_not_utf8": b"[UNK]\n\xff\n\n",
    "nothing": b"",
}.items():
    seed("wordpiece", name, content)

for name, text in {
    "words": 'w{"lower_case":true,"special_tokens":["[UNK]"],"tokens":["[UNK]","a","dog"]}',
    "characters": 'c{"bytes":false,"special_tokens":[],"tokens":["a","\u00e9"]}',
    "bytes": 'c{"bytes":true,"special_tokens":["[PAD]"],"tokens":["[PAD]",0,255,97]}',
    "no_byte": 'c{"bytes":true,"special_tokens":[],"tokens":[256]}',
    "number": 'c{"bytes":false,"special_tokens":[],"tokens":[65]}',
    "none": 'w{"lower_case":true,"special_tokens":[],"tokens":[]}',
    "twice": 'w{"lower_case":true,"special_tokens":[],"tokens":["a","a"]}',
    "no_special": 'w{"lower_case":true,"special_tokens":["[UNK]"],"tokens":["a"]}',
}.items():
    seed("tokenizers", name, text.encode())
