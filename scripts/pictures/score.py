#!/usr/bin/env python3
"""Scores what programs made of the pictures of tests/pictures (or of --truth FOLDER).

    pip install rapidfuzz==3.13.0
    scripts/pictures/score.py RESULTS... [--by kind|damage|picture|language] [--only NAME...] [--show] [--json FILE] [--compare FILE]

RESULTS are folders of run.py: NAME.json, NAME.md or NAME.txt. --show lists what was lost, invented and misread, --json
writes all numbers, --compare prints what differs from such a file. Rates are means over pictures in %, none counts for more than
100; a picture without result is all lost. White space, bullets and leader dots do not count, kinds of dashes and quotes are one.

err    wrong letters, wherever their text went (align.py): edits, lost and invented letters per letter of the truth
lost   words of the truth that are missing; inv: words that the truth has not, per word of the truth
order  letters that must move to bring the text in its flow into order, headers and footers aside
tau    Kendall's tau of the blocks in the flow (up to 100, better is up)
split  paragraphs in more than one piece; glued: in one piece with other text (both only for docparse)
heads  F1 of headings, by their text (better is up); furn: headers and footers that are marked as such (up)
tables found / in the truth + false ones; cells: F1 of cell texts; grid: F1 of pairs of neighbours, by texts that
       are alike, so that misread letters do not count twice (up)
"""
import argparse, collections, json, pathlib, statistics, sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import results  # noqa: E402
from align import Alignment, Levenshtein, normal, out_of_order, words  # noqa: E402

FOLDER = pathlib.Path(__file__).resolve().parent.parent.parent / "tests/pictures"
FREE = {"figure", "formula", "stamp"}  # may be left out
FURNITURE = {"header", "footer"}
COLUMNS = ("err", "lost", "inv", "order", "tau", "split", "glued", "heads", "furn", "cells", "grid")


def truth_cells(block):
    """`(row, column, rows, columns, text)` of a table of the truth."""
    cells, taken = [], set()
    for y, row in enumerate(block["rows"]):
        x = 0
        for cell in row:
            while (y, x) in taken:
                x += 1
            down, across = cell.get("rows", 1), cell.get("columns", 1)
            taken |= {(yy, xx) for yy in range(y, y + down) for xx in range(x, x + across)}
            cells.append((y, x, down, across, cell["text"]))
            x += across
    return cells


def neighbours(cells):
    """Pairs of cells with text that lie beside or below each other, empty ones between them skipped: (text, text, direction)."""
    grid = {}
    for n, (row, column, down, across, _) in enumerate(cells):
        for y in range(row, row + down):
            for x in range(column, column + across):
                grid.setdefault((y, x), n)
    height, width = (1 + max((k[i] for k in grid), default=-1) for i in (0, 1))
    pairs, seen = collections.Counter(), set()
    for (y, x), n in sorted(grid.items()):
        for way, (dy, dx) in enumerate(((0, 1), (1, 0))):
            yy, xx = y + dy, x + dx
            while cells[n][4] and yy < height and xx < width:
                other = grid.get((yy, xx))
                if other not in (None, n) and cells[other][4]:
                    if (n, other, way) not in seen:
                        seen.add((n, other, way))
                        pairs[cells[n][4], cells[other][4], way] += 1
                    break
                yy, xx = yy + dy, xx + dx
    return pairs


def f1(true, found):
    hit = sum((true & found).values())
    return 2 * hit / (sum(true.values()) + sum(found.values())) if true or found else 1.0


def like(text, choices):
    """The most similar of some texts, if it is alike, else the text itself."""
    best = max(choices, key=lambda c: Levenshtein.normalized_similarity(text, c), default="")
    return best if Levenshtein.normalized_similarity(text, best) >= 0.6 else text


def score_tables(blocks, pieces):
    true = [[(*c[:4], normal(c[4])) for c in truth_cells(b)] for b in blocks if b["kind"] == "table"]
    found = [[(*c[:4], normal(c[4])) for c in p.rows] for p in pieces if p.rows is not None]
    bags = [[collections.Counter(c[4] for c in t if c[4]) for t in side] for side in (true, found)]
    cells, grid, matched = [0.0] * len(true), [0.0] * len(true), {}
    named = []
    for t in found:  # misread texts by their right ones, from all tables of the page
        choices = {c[4] for side in true for c in side if c[4]}
        named.append([(*c[:4], c[4] if c[4] in choices or not c[4] else like(c[4], choices)) for c in t])
    pairs = sorted(((f1(bags[0][i], collections.Counter(c[4] for c in named[j] if c[4])), i, j) for i in range(len(true)) for j in range(len(found))), reverse=True)
    used = set()
    for value, i, j in pairs:
        if value >= 0.1 and i not in matched and j not in used:
            matched[i] = j
            used.add(j)
            cells[i] = f1(bags[0][i], bags[1][j])
            grid[i] = f1(neighbours(true[i]), neighbours(named[j]))
    return {"tables_true": len(true), "tables_found": len(matched), "tables_false": len(found) - len(matched),
            "cells": statistics.mean(cells) if true else None, "grid": statistics.mean(grid) if true else None}


def tau(places):
    """Kendall's tau of places that should rise."""
    n = len(places)
    if n < 2:
        return None
    good = sum((places[i] < places[j]) - (places[i] > places[j]) for i in range(n) for j in range(i + 1, n))
    return good / (n * (n - 1) / 2)


def score(truth, pieces):
    """All measures of a picture, 0 to 1, None where there is nothing to measure; and what is wrong, under `defects`."""
    structured = bool(pieces) and any(p.label != "line" for p in pieces)
    pieces = pieces or []
    units, owners = [], []
    for n, block in enumerate(truth["blocks"]):
        for text in [c[4] for c in truth_cells(block)] if block["kind"] == "table" else [block["text"]]:
            units.append(normal(text))
            owners.append(n)
    theirs, piece_of = [], []
    for n, piece in enumerate(pieces):
        for text in [c[4] for c in piece.rows] if piece.rows is not None else [piece.text]:
            theirs.append(normal(text))
            piece_of.append(n)
    align = Alignment(units, theirs)
    owner = [n for n, unit in zip(owners, units) for _ in unit]
    piece_at = [n for n, text in zip(piece_of, theirs) for _ in text]
    unit_at = [n for n, text in enumerate(theirs) for _ in text]
    kinds = [b["kind"] for b in truth["blocks"]]
    counted = [kinds[n] not in FREE for n in owner]
    letters = sum(counted)
    wrong = sum(w for w, c in zip(align.wrong, counted) if c) + align.extra
    bag = lambda texts: collections.Counter(w for t in texts for w in words(t))  # noqa: E731
    cells = lambda block: [c[4] for c in truth_cells(block)] if block["kind"] == "table" else [block["text"]]  # noqa: E731
    must = bag(t for b in truth["blocks"] if b["kind"] not in FREE for t in cells(b))
    may = bag(t for b in truth["blocks"] if b["kind"] in FREE for t in cells(b))
    got = bag(t for p in pieces for t in ([c[4] for c in p.rows] if p.rows is not None else [p.text]))
    lost, invented = must - got, got - must - may
    flow = [c and kinds[n] not in FURNITURE for n, c in zip(owner, counted)]
    places, spread, cell_spread = [], collections.defaultdict(collections.Counter), collections.defaultdict(collections.Counter)
    where = collections.defaultdict(list)
    for i, j in enumerate(align.to):
        if j >= 0:
            where[owner[i]].append(j)
            spread[owner[i]][piece_at[j]] += 1
            cell_spread[owner[i]][unit_at[j]] += 1
    size = collections.Counter(owner)
    for n in range(len(kinds)):
        if kinds[n] not in FREE | FURNITURE and len(where[n]) * 2 > size[n]:
            places.append(statistics.median(where[n]))
    record = {"letters": letters, "err": min(1.0, wrong / letters), "lost": sum(lost.values()) / sum(must.values()), "inv": min(1.0, sum(invented.values()) / sum(must.values())),
              "order": out_of_order(align.to, flow), "tau": tau(places), "split": None, "glued": None, "heads": None, "furn": None}
    record.update(score_tables(truth["blocks"], pieces))
    defects = {"lost": ["".join(align.a[i:j]) for i, j in align.lost if counted[i]], "invented": ["".join(align.b[i:j]) for i, j in align.invented],
               "misread": [p for p in align.pieces if p[0] != p[1]]}
    if structured:
        texts = [n for n in range(len(kinds)) if kinds[n] in ("text", "list", "title", "caption") and len(where[n]) * 2 > size[n]]
        holds = collections.defaultdict(list)  # the piece with most of a block
        for n in texts:
            holds[cell_spread[n].most_common(1)[0][0]].append(n)
        splits = [n for n in texts if sum(c * 10 >= size[n] for c in spread[n].values()) > 1]
        glued = [n for group in holds.values() for n in group if len([m for m in group if m != n]) and not all(kinds[m] == "list" for m in group)]
        if texts:
            record["split"], record["glued"] = len(splits) / len(texts), len(glued) / len(texts)
        defects["split"] = [truth["blocks"][n]["text"][:60] for n in splits]
        defects["glued"] = [truth["blocks"][n]["text"][:60] for n in glued]
        true = [normal(b["text"]) for b in truth["blocks"] if b["kind"] == "title"]
        either = [normal(b["text"]) for b in truth["blocks"] if b.get("either")]
        named = [like(normal(p.text), true + either) for p in pieces if p.label in results.HEADINGS]
        named = collections.Counter(t for t in named if t not in either)
        if true or named:
            record["heads"] = f1(collections.Counter(true), named)
            defects["headings missing"] = list((collections.Counter(true) - named).elements())
            defects["headings false"] = list((named - collections.Counter(true)).elements())
        furniture = [n for n in range(len(kinds)) if kinds[n] in FURNITURE and not truth["blocks"][n].get("either")]
        if furniture:
            marked = [sum(c for p, c in spread[n].items() if pieces[p].label in results.FURNITURE) for n in furniture]
            record["furn"] = sum(marked) / sum(size[n] for n in furniture)
    record["defects"] = defects
    return record


def groups(truth, name, by):
    return {"picture": [name], "kind": [truth["kind"]], "damage": truth["damage"], "language": truth["languages"]}[by]


def line(label, records):
    def mean(column):
        values = [r[column] for r in records if r[column] is not None]
        return f"{100 * statistics.mean(values):6.1f}" if values else "     -"

    tables = [sum(r[k] for r in records) for k in ("tables_found", "tables_true", "tables_false")]
    return f"{label:26}{len(records):4}" + "".join(mean(c) for c in COLUMNS[:9]) + f"{f'{tables[0]}/{tables[1]}+{tables[2]}':>9}" + "".join(mean(c) for c in COLUMNS[9:])


def head(label):
    return f"{label:26}{'n':>4}" + "".join(f"{c:>6}" for c in COLUMNS[:9]) + f"{'tables':>9}" + "".join(f"{c:>6}" for c in COLUMNS[9:])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="+", type=pathlib.Path)
    parser.add_argument("--truth", type=pathlib.Path, default=FOLDER)
    parser.add_argument("--by", default="kind", choices=("kind", "damage", "picture", "language"))
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--compare", type=pathlib.Path)
    arguments = parser.parse_args()
    truths = {p.stem: json.loads(p.read_text(encoding="utf-8")) for p in sorted(arguments.truth.glob("*.json")) if not arguments.only or p.stem in arguments.only}
    written = {}
    for folder in arguments.results:
        records = {name: score(truth, results.read(folder, name)) for name, truth in truths.items()}
        written[folder.name] = records
        print(head(folder.name))
        members = collections.defaultdict(list)
        for name, truth in truths.items():
            for group in groups(truth, name, arguments.by):
                members[group].append(records[name])
        for group in sorted(members):
            print(line(group, members[group]))
        print(line("all", list(records.values())) + "\n")
        if arguments.show:
            for name, record in records.items():
                print(f"## {name}")
                for what, found in record["defects"].items():
                    if found:
                        print(f"  {what} ({len(found)}): {json.dumps(found[:25], ensure_ascii=False)}")
    if arguments.json:
        arguments.json.write_text(json.dumps(written, ensure_ascii=False, indent=1), encoding="utf-8")
    if arguments.compare:
        old = json.loads(arguments.compare.read_text(encoding="utf-8"))
        for tool, records in written.items():
            for name, record in records.items():
                before = old.get(tool, {}).get(name, {})
                changes = [f"{k} {100 * before[k]:.1f} -> {100 * record[k]:.1f}" for k in COLUMNS
                           if before.get(k) is not None and record[k] is not None and abs(before[k] - record[k]) > 0.0005]
                if changes:
                    print(f"{tool} {name}: {', '.join(changes)}")


if __name__ == "__main__":
    main()
