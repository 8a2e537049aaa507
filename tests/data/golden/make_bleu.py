#!/usr/bin/env python3
"""Writes bleu.json, what bleu_test.cpp compares with: BLEU from its definition, in exact fractions.

    python3 make_bleu.py > bleu.json

A case is a corpus of pairs, predicted and expected, and its scores: BLEU-4 (Papineni et al. 2002, smoothed as NIST's
mteval-v13a does: the i-th order without a match has precision 1 / (2^i totals)), and the score of Dive into Deep
Learning for the first pair, k = 1 to 4. Only the last step, roots and exponentials, rounds, at 40 digits.
"""
import json
import random
from collections import Counter
from decimal import Decimal, getcontext
from fractions import Fraction

getcontext().prec = 40


def decimal(fraction):
    return Decimal(fraction.numerator) / Decimal(fraction.denominator)


def counts(sentence, n):
    return Counter(tuple(sentence[i:i + n]) for i in range(len(sentence) - n + 1))


def clipped(predicted, expected, n):
    seen = counts(expected, n)
    return sum(min(count, seen[gram]) for gram, count in counts(predicted, n).items())


def bleu(corpus):
    length = sum(len(p) for p, _ in corpus)
    matches = [sum(clipped(p, e, n) for p, e in corpus) for n in (1, 2, 3, 4)]
    totals = [sum(max(0, len(p) - n + 1) for p, _ in corpus) for n in (1, 2, 3, 4)]
    if not any(matches) or not all(totals):
        return Decimal(0)
    product, missed = Fraction(1), 0
    for match, total in zip(matches, totals):
        missed += match == 0
        product *= Fraction(match, total) if match else Fraction(1, 2 ** missed * total)
    brevity = min(Fraction(0), 1 - Fraction(sum(len(e) for _, e in corpus), length))
    return 100 * decimal(brevity).exp() * decimal(product).sqrt().sqrt()


def d2l(predicted, expected, k):
    if not predicted:
        return Decimal(0)
    score = decimal(min(Fraction(0), 1 - Fraction(len(expected), len(predicted)))).exp()
    for n in range(1, min(k, len(predicted)) + 1):
        root = decimal(Fraction(clipped(predicted, expected, n), len(predicted) - n + 1))
        for _ in range(n):
            root = root.sqrt()
        score *= root
    return score


chance = random.Random(4)
cases = []
for words, sentences, kept in [(3, 1, 0.5), (4, 2, 0.6), (20, 1, 0.3), (20, 5, 0.8), (50, 20, 0.9), (9, 3, 0.0),
                               (2, 1, 0.9), (30, 40, 0.6), (200, 10, 0.4), (1, 2, 1.0), (5, 1, 0.1), (90, 2, 0.5)] * 4:
    corpus = []
    for _ in range(sentences):
        expected = [chance.randrange(words) for _ in range(chance.randrange(12))]
        guesses = [[w] if chance.random() < kept else [chance.randrange(words)] * chance.randrange(3) for w in expected]
        corpus.append((sum(guesses, []), expected))
    cases.append({"predicted": [p for p, _ in corpus], "expected": [e for _, e in corpus], "bleu": float(bleu(corpus)),
                  "d2l": [float(d2l(*corpus[0], k)) for k in (1, 2, 3, 4)]})
print("[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]")
