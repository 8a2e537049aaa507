// Writes bpe/expected.json: the ids of texts by two other implementations of GPT-2's tokenizer, which must agree, with
// vocab.json and merges.txt, which are what BpeTrainer learns from text.txt. The texts are cases.json and, after them,
// random ones, put together of pieces near to where the pre-splitting turns, and of the characters that unicode.txt
// lists, which are those of Unicode 14: of later ones each implementation knows more or fewer.
//
//   npm install @huggingface/tokenizers@0.2.0 js-tiktoken@1.0.21    # in a folder outside the tree
//   NODE_PATH=THAT_FOLDER/node_modules node make_bpe.mjs
//
// \s is Unicode's White_Space, as in the engines that GPT-2's rule was written for; JavaScript's own \s counts U+FEFF
// and not U+0085. The first package translates the rule, the second is given the property's name.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(pathToFileURL(process.env.NODE_PATH + "/"));
const { Tokenizer } = require("@huggingface/tokenizers");
const { Tiktoken } = require("js-tiktoken/lite");

const folder = new URL("bpe/", import.meta.url);
const read = (name) => readFileSync(new URL(name, folder), "utf8");
const vocabulary = JSON.parse(read("vocab.json"));
const merges = read("merges.txt").split("\n").slice(1, -1);

// The bytes that a token's characters stand for.
const visible = (c) => (c >= 33 && c <= 126) || (c >= 161 && c <= 255 && c != 173);
const byteOf = new Map();
for (let byte = 0, next = 256; byte < 256; ++byte) byteOf.set(visible(byte) ? byte : next++, byte);
const bytesOf = (token) => Buffer.from([...token].map((c) => byteOf.get(c.codePointAt(0))));

const made = new Set(merges.map((merge) => merge.replace(" ", "")));
const special = Object.keys(vocabulary).filter((token) => !made.has(token) && [...token].length > 1);
special.sort((a, b) => b.length - a.length);
const ordinary = Object.keys(vocabulary).filter((token) => !special.includes(token));

const rule = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

const huggingFace = new Tokenizer(
  {
    added_tokens: special.map((content) => ({
      id: vocabulary[content], content, special: true,
      single_word: false, lstrip: false, rstrip: false, normalized: false,
    })),
    normalizer: null,
    pre_tokenizer: {
      type: "Sequence",
      pretokenizers: [
        { type: "Split", pattern: { Regex: rule }, behavior: "Isolated", invert: false },
        { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    post_processor: null,
    decoder: { type: "ByteLevel" },
    model: { type: "BPE", vocab: vocabulary, merges: merges, fuse_unk: false, byte_fallback: false },
  },
  {},
);

const tiktoken = new Tiktoken({
  pat_str: rule.replaceAll("[^\\s", "[^\\p{White_Space}").replaceAll("\\s", "\\p{White_Space}")
    .replaceAll("\\S", "\\P{White_Space}"),
  special_tokens: Object.fromEntries(special.map((token) => [token, vocabulary[token]])),
  bpe_ranks: ordinary.map((token) => `! ${vocabulary[token]} ${bytesOf(token).toString("base64")}`).join("\n"),
});

// mulberry32, so that the file is the same each time.
let state = 1;
const below = (n) => {
  state = (state + 0x6d2b79f5) | 0;
  let x = Math.imul(state ^ (state >>> 15), state | 1);
  x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
  return Math.floor((((x ^ (x >>> 14)) >>> 0) / 2 ** 32) * n);
};
const pick = (list) => list[below(list.length)];

const assigned = readFileSync(new URL("unicode.txt", import.meta.url), "utf8").split("\n")
  .map((line) => line.split(" ")).filter((line) => line.length == 3)
  .map(([first, last]) => [parseInt(first, 16), parseInt(last, 16)]);
const anyCharacter = () => {
  const [first, last] = pick(assigned);
  return String.fromCodePoint(first + below(last - first + 1));
};
const pieces = [
  " ", " ", "  ", "\n", "\t", "\r\n", "\u00a0", "\u0085", "\u3000", "\ufeff", "\u200d", "\0", "'", "’", "'s", "'t", "'re",
  "'ve", "'m", "'ll", "'d", "'S", "s", "t", "re", "the", "clock", " the", "hour", "é", "e\u0301", "ß", "час", "钟", "時計",
  "시계", "الساعة", "घड़ी", "1", "12", "½", "Ⅷ", "²", ".", ",", "!", "...", "_", "-", "<|", "|>", "<|end",
  "<|endoftext|>", "【詩】", "👨‍👩‍👧", "👍🏽", "𠀀", "Ġ",
];
const random = Array.from({ length: 400 }, () =>
  Array.from({ length: 1 + below(12) }, () => (below(4) ? pick(pieces) : anyCharacter())).join(""));

const expected = [];
let differ = 0;
for (const text of [...JSON.parse(read("cases.json")), ...random]) {
  const one = huggingFace.encode(text, { add_special_tokens: false }).ids;
  const other = tiktoken.encode(text, "all");
  if (JSON.stringify(one) != JSON.stringify(other)) {
    ++differ;
    console.error("they differ:", JSON.stringify(text), JSON.stringify(one), JSON.stringify(other));
  }
  expected.push({ text, ids: other });
}
if (differ) process.exit(1);
writeFileSync(new URL("expected.json", folder), "[\n" + expected.map((e) => JSON.stringify(e)).join(",\n") + "\n]\n");
