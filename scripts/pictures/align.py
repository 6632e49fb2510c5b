"""Aligns the text of a page with a program's, wherever its parts went, so that errors of letters and of order can be told apart.

Both are lists of pieces: `(text, ...)` without white space. `Alignment` finds longest common stretches first (none crosses into what is
taken already), then settles what lies between two stretches that are neighbours in both texts by edit distance, then pairs
leftover pieces that are alike; what is left is lost or invented.
"""
import bisect
import re
import unicodedata

from rapidfuzz.distance import Levenshtein

SAME = str.maketrans({**{c: "-" for c in "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63\uff0d"}, **{c: "'" for c in "\u2018\u2019\u201a\u02bc\u2032`\u00b4"},
                      **{c: '"' for c in "\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033"}, "\u00ad": None, "\u200b": None, "\ufeff": None,
                      **{c: None for c in "•·・▪●○◦■□☐☑☒✓✗※"}})
WIDE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff66-\uff9f]")
LEVELS = (40, 20, 12, 8, 6, 4, 3, 2)
NARROW = 4  # shorter stretches count only in Chinese and Japanese
ALIKE = 0.5


def normal(text):
    """The text without white space and bullets; dots that lead to a page number are none of it."""
    text = unicodedata.normalize("NFKC", text.translate(SAME)).translate(SAME)
    text = re.sub(r"(?:[._]\s*){2,}", "", text)
    return re.sub(r"\s+", "", text)


def words(text):
    """Words, and each Chinese or Japanese character by itself."""
    text = unicodedata.normalize("NFKC", text.translate(SAME)).translate(SAME)
    return re.findall(r"[\u2e80-\u9fff\uf900-\ufaff]|[^\W\u2e80-\u9fff\uf900-\ufaff]+", text)


class Alignment:
    def __init__(self, truth, found):
        """`truth` and `found`: texts, normalized."""
        self.a, self.b = "".join(truth), "".join(found)
        self.ends_a, self.ends_b = ends(truth), ends(found)
        self.to = [-1] * len(self.a)  # where a letter of the truth came out
        self.free = [True] * len(self.b)
        self.settled = [False] * len(self.a)  # with `wrong` counted
        self.wrong = [0.0] * len(self.a)  # errors, at the letter of the truth where they are
        self.extra = 0  # invented letters that belong to no letter of the truth
        self.pieces = []  # what was paired as (truth, found) and differs
        for level in LEVELS:
            while self.stretches(level):
                pass
        self.gaps()
        self.sides()
        self.leftovers()

    def stretches(self, level):
        a, b, to, free = self.a, self.b, self.to, self.free
        index = {}
        for j in range(len(b) - level + 1):
            if free[j] and free[j + level - 1]:
                index.setdefault(b[j:j + level], []).append(j)
        expected, last = [], -1
        for j in to:
            last = j if j >= 0 else last + 1
            expected.append(last)
        found = []
        for i in range(len(a) - level + 1):
            if to[i] >= 0 or to[i + level - 1] >= 0:
                continue
            gram = a[i:i + level]
            if level < NARROW and not all(WIDE.match(c) for c in gram):
                continue
            for j in index.get(gram, ()):
                if i and j and to[i - 1] < 0 and free[j - 1] and a[i - 1] == b[j - 1]:
                    continue  # begins earlier
                size = 0
                while i + size < len(a) and j + size < len(b) and to[i + size] < 0 and free[j + size] and a[i + size] == b[j + size]:
                    size += 1
                if size >= level:
                    found.append((-size, abs(j - expected[i]), i, j))
        found.sort()
        any_taken = False
        for size, _, i, j in found:
            if all(to[i + k] < 0 and free[j + k] for k in (0, -size - 1, -size // 2)) and all(to[i + k] < 0 and free[j + k] for k in range(-size)):
                for k in range(-size):
                    to[i + k], free[j + k] = j + k, False
                any_taken = True
        return any_taken

    def open_runs(self):
        """Stretches of the truth that are not settled: (start, end)."""
        i, n = 0, len(self.a)
        while i < n:
            if self.to[i] >= 0 or self.settled[i]:
                i += 1
                continue
            start = i
            while i < n and self.to[i] < 0 and not self.settled[i]:
                i += 1
            yield start, i

    def settle(self, i, end, j, last):
        one, two = self.a[i:end], self.b[j:last]
        cost = Levenshtein.distance(one, two)
        for k in range(i, end):
            self.settled[k], self.wrong[k] = True, cost / (end - i)
        for k in range(j, last):
            self.free[k] = False
        self.pieces.append((one, two))

    def gaps(self):
        n = len(self.a)
        for i, end in list(self.open_runs()):
            before = self.to[i - 1] if i else -1
            after = self.to[end] if end < n else len(self.b)
            if before < after - 1 and all(self.free[before + 1:after]):
                self.settle(i, end, before + 1, after)

    def sides(self):
        """Few wrong letters where the text goes on elsewhere."""
        for i, end in list(self.open_runs()):
            if i and self.to[i - 1] >= 0:
                j = self.to[i - 1] + 1
                last = j
                while last < len(self.b) and last - j < end - i and self.free[last]:
                    last += 1
                if last - j == end - i <= 3:
                    self.settle(i, end, j, last)
                    continue
            if end < len(self.a) and self.to[end] >= 0:
                last = self.to[end]
                j = last
                while j > 0 and last - j < end - i and self.free[j - 1]:
                    j -= 1
                if last - j == end - i <= 3:
                    self.settle(i, end, j, last)

    def leftovers(self):
        ours = []
        for i, end in self.open_runs():
            ours += cut(i, end, self.ends_a)
        theirs, j = [], 0
        while j < len(self.b):
            start = j
            while j < len(self.b) and self.free[j]:
                j += 1
            if j > start:
                theirs += cut(start, j, self.ends_b)
            j += 1
        pairs = []
        bounds = {0, *self.ends_a}
        for x, (i, end) in enumerate(ours):
            if end - i == 1 and not {i, end} <= bounds:
                continue  # a lost comma is not found by an invented one elsewhere
            for y, (j, last) in enumerate(theirs):
                if min(end - i, last - j) * 2 >= max(end - i, last - j):
                    alike = Levenshtein.normalized_similarity(self.a[i:end], self.b[j:last], score_cutoff=ALIKE)
                    if alike >= ALIKE:
                        pairs.append((-alike, -(end - i), x, y))
        pairs.sort()
        used_x, used_y = set(), set()
        for _, _, x, y in pairs:
            if x not in used_x and y not in used_y:
                used_x.add(x), used_y.add(y)
                (i, end), (j, last) = ours[x], theirs[y]
                self.settle(i, end, j, last)
                for k in range(min(end - i, last - j)):
                    self.to[i + k] = j + k
        self.lost = [ours[x] for x in range(len(ours)) if x not in used_x]
        self.invented = [theirs[y] for y in range(len(theirs)) if y not in used_y]
        for i, end in self.lost:
            for k in range(i, end):
                self.wrong[k] = 1
        self.extra = sum(last - j for j, last in self.invented)


def ends(texts):
    out, at = [], 0
    for text in texts:
        at += len(text)
        out.append(at)
    return out


def cut(start, end, bounds):
    """The stretch, divided at the ends of pieces."""
    out = []
    while start < end:
        stop = min(end, bounds[bisect.bisect_right(bounds, start)])
        out.append((start, stop))
        start = stop
    return out


def out_of_order(to, counted):
    """Share of the letters that must move to bring the rest into order; `counted` tells which letters matter."""
    runs = []
    for i, j in enumerate(to):
        if j >= 0 and counted[i]:
            if runs and runs[-1][1] == j - 1:
                runs[-1][1], runs[-1][2] = j, runs[-1][2] + 1
            else:
                runs.append([j, j, 1])
    best = []
    for n, (start, _, size) in enumerate(runs):
        best.append(size + max((best[m] for m in range(n) if runs[m][1] < start), default=0))
    whole = sum(size for _, _, size in runs)
    return 1 - max(best) / whole if whole else 0.0
