// Writes wordpiece/expected.json: what another implementation of BERT's tokenizer makes of texts, with vocab.txt and
// vocab_cased.txt, which are what WordPieceTrainer learns from text.txt. The texts are cases.json and, after them,
// random ones, put together of pieces near to where the rules turn, and of the characters that unicode.txt lists, which
// are those of Unicode 14: of later ones each implementation knows more or fewer.
//
//   npm install @huggingface/tokenizers@0.2.0    # in a folder outside the tree
//   NODE_PATH=THAT_FOLDER/node_modules node make_wordpiece.mjs
//
// Chinese characters past U+FFFF are left to make_split_words.py: that implementation does not part them. Characters
// of which later versions of Unicode say something else than 14 did are left out.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(pathToFileURL(process.env.NODE_PATH + "/"));
const { Tokenizer } = require("@huggingface/tokenizers");

const folder = new URL("wordpiece/", import.meta.url);
const read = (name) => readFileSync(new URL(name, folder), "utf8");
const special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

const tokenizer = (file, lowercase) => {
  const vocab = Object.fromEntries(read(file).trimEnd().split("\n").map((token, id) => [token, id]));
  return new Tokenizer(
    {
      added_tokens: special.map((content) => ({
        id: vocab[content], content, special: true,
        single_word: false, lstrip: false, rstrip: false, normalized: false,
      })),
      normalizer: {
        type: "BertNormalizer", clean_text: true, handle_chinese_chars: true, strip_accents: null, lowercase,
      },
      pre_tokenizer: { type: "BertPreTokenizer" },
      post_processor: null,
      decoder: { type: "WordPiece", prefix: "##", cleanup: true },
      model: {
        type: "WordPiece", unk_token: "[UNK]", continuing_subword_prefix: "##", max_input_chars_per_word: 100, vocab,
      },
    },
    { clean_up_tokenization_spaces: false },
  );
};
const uncased = tokenizer("vocab.txt", true), cased = tokenizer("vocab_cased.txt", false);

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
const leftOut = (c) => (c >= 0x20000 && c < 0x30000) || c == 0x1171e || c == 0x1a5a;
const anyCharacter = () => {
  for (;;) {
    const [first, last] = pick(assigned);
    const c = first + below(last - first + 1);
    if (!leftOut(c)) return String.fromCodePoint(c);
  }
};
const pieces = [
  " ", " ", " ", "\n", "\u00a0", "\u2028", "\u00ad", "\u200d", "\0", "\ufffd", "\ue000", "'", "’", "·", "-", "$", "^", "`",
  "play", "ing", "##ing", "Play", "ED", "the", "é", "e\u0301", "E\u0301\u0323", "Å", "ß", "İ", "ı", "Σ", "ΑΣ", "ς", "ο",
  "Ё", "й", "中", "文", "か", "が", "ハ\u309a", "한", "각", "\u1100\u1161", "हि", "ั", "😀", "👨‍👩‍👧", "👍🏽", "[MASK]",
  "[UNK]", "[mask]", "[", "]", ".", ",", "!", "?", "1", "½", "Ⅷ", "≠", "\u1fef", "\u302e", "\u1b44",
];
const random = Array.from({ length: 250 }, () =>
  Array.from({ length: 1 + below(14) }, () => (below(6) ? pick(pieces) : anyCharacter())).join(""));

const result = (tokenizer, text) => {
  const ids = tokenizer.encode(text, { add_special_tokens: false }).ids;
  return { ids, decoded: ids.length ? tokenizer.decode(ids) : "" };
};
const expected = [...JSON.parse(read("cases.json")), ...random].map((text) => {
  const one = result(uncased, text), other = result(cased, text);
  return { text, ids: one.ids, decoded: one.decoded, cased_ids: other.ids, cased_decoded: other.decoded };
});
writeFileSync(new URL("expected.json", folder), "[\n" + expected.map((e) => JSON.stringify(e)).join(",\n") + "\n]\n");
