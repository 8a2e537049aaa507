"""Writes print.txt, what print_test.cpp compares with: arrays and the text that NumPy's str() makes of them.

    python3 make_print.py > print.txt

Each case is a name, a dtype, a shape, the elements (row-major, floats in hexadecimal so that none is rounded; fewer
than the shape needs are repeated from the start) and the text, its lines after a bar. f32 arrays whose smallest
element is 0.0001 are left out: NumPy 1 compares it with 1e-4 in double precision, NumPy 2 in single.
"""
import math
import random

import numpy

dtypes = {"f32": numpy.float32, "f64": numpy.float64, "i64": numpy.int64, "boolean": numpy.bool_}
nan, inf = math.nan, math.inf


def write(name, dtype, shape, values):
    kind = dtypes[dtype]
    elements = numpy.array(values, dtype=kind)
    size = math.prod(shape)
    array = numpy.resize(elements, shape) if size else numpy.zeros(shape, kind)
    if dtype in ("f32", "f64"):
        words = [float(value).hex() for value in elements]
    else:
        words = [str(int(value)) for value in elements]
    print("case", name)
    print("dtype", dtype)
    print("shape", *shape)
    print("values", *words)
    for line in str(array).split("\n"):
        print("|" + line)
    print()


def write_floats(name, shape, values):
    for dtype in ("f32", "f64"):
        write(f"{name} {dtype}", dtype, shape, values)


print(f"# Made by make_print.py with NumPy {numpy.__version__}.")
print()

write_floats("whole numbers", (4,), [1, 2, 3, 40])
write_floats("halves and quarters", (2, 3), [0.5, -0.25, 1, 2.75, 0, -10])
write_floats("tenths", (5,), [0.1, 0.2, 0.3, 0.7, 1.1])
write_floats("thirds", (3,), [1 / 3, 2 / 3, 4 / 3])
write_floats("one third alone on its axis", (1,), [1 / 3])
write_floats("single third", (), [1 / 3])
write_floats("single whole number", (), [3])
write_floats("single negative zero", (), [-0.0])
write_floats("single small number", (), [1e-5])
write_floats("single 0.0001", (), [0.0001])
write_floats("single large number", (), [1e15])
write_floats("single number of 17 digits", (), [1e16])
write_floats("single huge number", (), [1.5e30])
write_floats("single nan", (), [nan])
write_floats("single minus infinity", (), [-inf])
write_floats("zeros", (2, 2), [0])
write_floats("negative zero", (3,), [0.0, -0.0, 1])
write_floats("just below the exponents", (2,), [99999.0, 100])
write_floats("ratio of a thousand", (2,), [1000, 1])
write_floats("ratio above a thousand", (2,), [1001, 1])
write_floats("ratio above a thousand with zero", (3,), [0, 0.001, 1.5])
write_floats("a hundred million", (2,), [1e8, 1e8])
write_floats("just below a hundred million", (2,), [99999992, 99999984])
write_floats("small", (3,), [0.00025, 0.0005, 0.00075])
write_floats("very small", (3,), [0.000025, 0.00005, 0.00001])
write_floats("both signs with exponents", (2, 2), [-1e-10, 2.5e-9, 1, -3e5])
write_floats("exponents of one digit more or less", (3,), [1e9, 1.25e10, 1.125e9])
write("exponents of three digits", "f64", (3,), [1e-100, 2.5e100, 1e300])
write("exponents of two and three digits", "f64", (2,), [1e-5, 1e-150])
write("denormal and largest", "f64", (3,), [5e-324, 1.7976931348623157e308, -2.2250738585072014e-308])
write("denormal and largest f32", "f32", (3,), [1e-45, 3.4028234663852886e38, -1.1754943508222875e-38])
write_floats("nan among numbers", (4,), [1, nan, -2.5, 3])
write_floats("infinities among numbers", (4,), [1, inf, -inf, 3])
write_floats("infinity among exponents", (4,), [1e-9, inf, -1e9, nan])
write_floats("nan only", (3,), [nan])
write_floats("minus infinity only", (2,), [-inf])
write_floats("infinity only", (2,), [inf])
write_floats("narrow numbers and minus infinity", (2,), [1, -inf])
write_floats("empty", (0,), [])
write_floats("empty rows", (3, 0), [])
write_floats("rounded up to a new digit", (3,), [9.999999999, 0.999999999, 0.5])
write_floats("digits past the eighth", (3,), [0.123456789, 0.987654321, 1.000000001])
write_floats("halfway at the eighth digit", (4,), [1.000000005, 0.5 + 2**-9, 0.001953125, 2**-9 + 2**-20])
write_floats("exponents rounded up", (2,), [9.9999999999e-9, 1])
write_floats("a line that is full", (13,), [0.25, 0.5, 0.75])
write_floats("lines that wrap", (40,), [0.123, -4.5, 6.75, 100.125])
write_floats("wide words that wrap", (12,), [1.23456789e-15, -9.87654321e20])
write_floats("three axes", (2, 3, 2), [1, 2.5, -3])
write_floats("four axes", (2, 1, 2, 2), [0.5, 1])
write_floats("axes of one", (1, 1, 1), [7])
write_floats("rows that wrap", (2, 30), [0.5, 1.25, 100])
write_floats("deep rows that wrap", (1, 2, 1, 25), [0.5, -1.25])
write_floats("summarised", (1001,), [0.5, 1, 1.5, 2, 2.5, 3, 3.5])
write_floats("not quite summarised", (1000,), [1, 2, 3])
write_floats("summarised rows", (200, 7), [1, 2, 3, 4, 5])
write_floats("summarised on one axis only", (6, 200), [0.25, 1, 10])
write_floats("summarised on three axes", (8, 12, 20), [0.5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10.25])
write_floats("summary leaves the large numbers out", (50, 21), [1, 2, 3] + [1e9] * 15 + [4, 5, 6])
write_floats("ends of exactly three", (1003, 6), [1, 2])
write("whole", "i64", (5,), [1, 20, -300, 4, 5])
write("single", "i64", (), [-42])
write("limits", "i64", (2,), [2**63 - 1, -(2**63)])
write("matrix", "i64", (3, 4), range(12))
write("lines of i64", "i64", (60,), [7, 1234, -5])
write("summarised i64", "i64", (3, 2000), [10**k for k in range(11)])
write("empty i64", "i64", (2, 0, 3), [])
write("truth", "boolean", (3,), [True, False, True])
write("single truth", "boolean", (), [True])
write("single falsehood", "boolean", (), [False])
write("true only", "boolean", (2, 2), [True])
write("lines of booleans", "boolean", (30,), [True, False, False])
write("summarised booleans", "boolean", (40, 40), [True, False, True])
write("empty booleans", "boolean", (0, 2), [])

chance = random.Random(1)
for scale in (1e-6, 1e-2, 1, 300, 1e7, 1e12):
    write_floats(f"random times {scale:g}", (4, 5), [scale * chance.gauss(0, 1) for _ in range(20)])
write_floats("random of many sizes", (6,), [chance.gauss(0, 1) * 10 ** chance.uniform(-12, 12) for _ in range(6)])
write_floats("random rounded", (30,), [round(chance.uniform(-9, 9), 3) for _ in range(30)])
