# awk -f compare_results.awk COMMITTED NEW: whether a lab has come out as before. On the machine that wrote the
# results, NEW is COMMITTED. Elsewhere sums are rounded otherwise, and a training may take another way: where a line
# differs, each mean over seeds, `mean (low to high)`, must lie within the committed range, or outside by no more than
# its width and one unit of the last digit; all other text must be the same, spaces aside.

BEGIN {
  number = "-?[0-9]+(\\.[0-9]+)?"
  spread = number " \\( *" number " to +" number "\\)"
}

# The line with a # for each spread, whose numbers go to mean[], low[] and high[].
function parse(line,   text, parts) {
  count = 0
  text = ""
  while (match(line, spread)) {
    split(substr(line, RSTART, RLENGTH), parts, /[^-.0-9]+/)
    mean[++count] = parts[1]
    low[count] = parts[2]
    high[count] = parts[3]
    text = text substr(line, 1, RSTART - 1) "#"
    line = substr(line, RSTART + RLENGTH)
  }
  text = text line
  gsub(/ +/, " ", text)
  return text
}

# One in the last digit of a number.
function unit(digits) { return digits ~ /\./ ? 10 ^ (index(digits, ".") - length(digits)) : 1 }

function wrong(why) {
  printf "%s, line %d: %s\n  committed  %s\n  now        %s\n", FILENAME, FNR, why, committed[FNR], $0
  failed = 1
}

NR == FNR {
  committed[FNR] = $0
  lines = FNR
  next
}

$0 != committed[FNR] {
  text = parse($0)
  for (i = 1; i <= count; ++i) now[i] = mean[i]
  if (text != parse(committed[FNR])) {
    wrong("another text")
    next
  }
  ++others
  for (i = 1; i <= count; ++i) {
    reach = high[i] - low[i] + 1.000001 * unit(low[i])
    if (now[i] < low[i] - reach || now[i] > high[i] + reach) wrong(now[i] " is far outside of " low[i] " to " high[i])
  }
}

END {
  if (FNR != lines) {
    print FILENAME ": " FNR " lines, not " lines
    failed = 1
  }
  if (others && !failed) print FILENAME ": " others " lines with other digits, all within their bands"
  exit failed
}
