"""Shows that score.py measures what it says: `python3 -m unittest discover scripts/pictures` (a second; needs rapidfuzz)."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import results  # noqa: E402
from align import Alignment, normal, out_of_order, words  # noqa: E402
from results import Piece  # noqa: E402
from score import score  # noqa: E402

PARAGRAPHS = ["The old mill at Ashford Mere survived another winter without repairs.", "Nobody had expected more than ninety visitors on the first day.",
              "Figures for the coast will follow in spring, as the minutes show."]
ROWS = [["District", "Spring", "Autumn"], ["Kelbrook", "87", "291"], ["Port Arden", "203", "188"]]


def page(*blocks):
    return {"kind": "report", "languages": ["en"], "damage": [], "blocks": list(blocks)}


def text(words, kind="text"):
    return {"kind": kind, "text": words}


def table(rows):
    return {"kind": "table", "text": " ".join(c for row in rows for c in row), "rows": [[{"text": c} for c in row] for row in rows]}


def piece(words, label="text"):
    return Piece(label, words, None)


def found_table(rows):
    return results.table("<table>" + "".join("<tr>" + "".join(f"<td>{c}</td>" for c in row) + "</tr>" for row in rows) + "</table>")


PAGE = page(*map(text, PARAGRAPHS))


class Text(unittest.TestCase):
    def test_the_truth_itself_is_without_error(self):
        record = score(PAGE, [piece(p) for p in PARAGRAPHS])
        self.assertEqual([record[c] for c in ("err", "lost", "inv", "order", "tau", "split", "glued")], [0, 0, 0, 0, 1, 0, 0])

    def test_swapped_blocks_are_an_error_of_order_only(self):
        record = score(PAGE, [piece(PARAGRAPHS[i]) for i in (1, 0, 2)])
        self.assertEqual([record["err"], record["lost"], record["inv"]], [0, 0, 0])
        self.assertAlmostEqual(record["tau"], 1 / 3)
        sizes = [len(normal(p)) for p in PARAGRAPHS]
        self.assertAlmostEqual(record["order"], min(sizes[:2]) / sum(sizes))

    def test_a_reversed_page_is_all_out_of_order(self):
        record = score(PAGE, [piece(p) for p in reversed(PARAGRAPHS)])
        self.assertEqual(record["tau"], -1)
        self.assertEqual(record["err"], 0)

    def test_columns_read_across_are_an_error_of_order_only(self):
        left, right = PARAGRAPHS[0].split(" "), PARAGRAPHS[1].split(" ")
        halves = [" ".join(part) for pair in ((left[:5], right[:5]), (left[5:], right[5:])) for part in pair]
        record = score(page(text(PARAGRAPHS[0]), text(PARAGRAPHS[1])), [piece(" ".join(halves))])
        self.assertEqual(record["err"], 0)
        self.assertGreater(record["order"], 0.15)

    def test_a_dropped_word_is_lost(self):
        record = score(PAGE, [piece(PARAGRAPHS[0].replace("survived ", "")), *map(piece, PARAGRAPHS[1:])])
        letters = len(normal("".join(PARAGRAPHS)))
        self.assertAlmostEqual(record["err"], len("survived") / letters)
        self.assertAlmostEqual(record["lost"], 1 / len(words(" ".join(PARAGRAPHS))))
        self.assertEqual(record["inv"], 0)

    def test_a_dropped_block_is_lost(self):
        record = score(PAGE, [piece(p) for p in PARAGRAPHS[1:]])
        self.assertAlmostEqual(record["err"], len(normal(PARAGRAPHS[0])) / len(normal("".join(PARAGRAPHS))))
        self.assertEqual(record["order"], 0)

    def test_a_misread_letter_is_one_error_wherever_it_lies(self):
        letters = len(normal("".join(PARAGRAPHS)))
        for right, wrong in (("mill", "mi1l"), ("The old", "Tne old"), ("repairs.", "repairs,"), ("winter", "w inter")):
            record = score(PAGE, [piece(PARAGRAPHS[2]), piece(PARAGRAPHS[0].replace(right, wrong)), piece(PARAGRAPHS[1])])
            self.assertAlmostEqual(record["err"] * letters, normal(right) != normal(wrong), msg=wrong)

    def test_invented_text_counts(self):
        record = score(PAGE, [*map(piece, PARAGRAPHS), piece("zzz qqq xxx")])
        self.assertAlmostEqual(record["err"], 9 / len(normal("".join(PARAGRAPHS))))
        self.assertAlmostEqual(record["inv"], 3 / len(words(" ".join(PARAGRAPHS))))

    def test_doubled_text_is_invented(self):
        record = score(PAGE, [*map(piece, PARAGRAPHS), piece(PARAGRAPHS[1])])
        self.assertAlmostEqual(record["err"], len(normal(PARAGRAPHS[1])) / len(normal("".join(PARAGRAPHS))))

    def test_no_result_is_all_lost(self):
        for pieces in (None, []):
            record = score(PAGE, pieces)
            self.assertEqual((record["err"], record["lost"]), (1, 1))

    def test_text_of_figures_and_stamps_may_be_left_out_or_given(self):
        truth = page(text(PARAGRAPHS[0]), text("PAID IN FULL", "stamp"))
        for pieces in ([PARAGRAPHS[0]], [PARAGRAPHS[0], "PAID IN FULL"]):
            record = score(truth, [piece(p) for p in pieces])
            self.assertEqual((record["err"], record["lost"], record["inv"]), (0, 0, 0), pieces)

    def test_white_space_bullets_and_kinds_of_quotes_do_not_count(self):
        record = score(page(text("“Old – mill”, ½ ton")), [piece("•  \"Old\n- mill\", ½  ton")])
        self.assertEqual((record["err"], record["inv"]), (0, 0))

    def test_accents_and_capitals_count(self):
        record = score(page(text("Größe und Öl der Mühle")), [piece("Grosse und Ol der muhle")])
        self.assertAlmostEqual(record["err"] * len(normal("Größe und Öl der Mühle")), 6)

    def test_a_comma_that_moves_is_two_errors_and_a_short_block_that_moves_is_none(self):
        truth = page(text("Well, they walk to the market"), text("37"), text("The price of seed rose again"))
        record = score(truth, [piece("Well they walk to the market"), piece("The price of 37"), piece("seed rose again,")])
        self.assertAlmostEqual(record["err"] * record["letters"], 2)
        self.assertGreater(record["order"], 0)

    def test_chinese_is_aligned_by_short_stretches(self):
        truth = ["青河市水务局公布计划", "老桥建成于一百多年前"]
        record = score(page(*map(text, truth)), [piece(truth[1]), piece(truth[0].replace("水", "木"))])
        self.assertAlmostEqual(record["err"], 1 / 20)
        self.assertAlmostEqual(record["order"], 9 / 19)
        self.assertAlmostEqual(record["lost"], 1 / 20)


class Structure(unittest.TestCase):
    def test_split_and_glued_paragraphs(self):
        record = score(PAGE, [piece(PARAGRAPHS[0][:30]), piece(PARAGRAPHS[0][30:]), piece(PARAGRAPHS[1] + " " + PARAGRAPHS[2])])
        self.assertAlmostEqual(record["split"], 1 / 3)
        self.assertAlmostEqual(record["glued"], 2 / 3)

    def test_headings(self):
        truth = page(text("Results", "title"), text("Costs and funding", "title"), text(PARAGRAPHS[0]))
        good = [piece("Results", "paragraph_title"), piece("Costs and fundlng", "paragraph_title"), piece(PARAGRAPHS[0])]
        self.assertEqual(score(truth, good)["heads"], 1)
        self.assertAlmostEqual(score(truth, [good[0], piece("Costs and funding"), good[2]])["heads"], 2 / 3)
        self.assertAlmostEqual(score(truth, [*good[:2], piece(PARAGRAPHS[0], "paragraph_title")])["heads"], 4 / 5)

    def test_what_may_be_a_heading_is_neither_missing_nor_false(self):
        truth = page(text("Results", "title"), {**text("Wenham Grocers"), "either": True}, text(PARAGRAPHS[0]))
        for label in ("text", "paragraph_title"):
            self.assertEqual(score(truth, [piece("Results", "doc_title"), piece("Wenham Grocers", label), piece(PARAGRAPHS[0])])["heads"], 1)

    def test_headers_marked_as_such(self):
        truth = page(text("Annual Report", "header"), text(PARAGRAPHS[0]))
        self.assertEqual(score(truth, [piece("Annual Report", "header"), piece(PARAGRAPHS[0])])["furn"], 1)
        self.assertEqual(score(truth, [piece("Annual Report"), piece(PARAGRAPHS[0])])["furn"], 0)

    def test_the_place_of_headers_is_free(self):
        truth = page(text("Annual Report", "header"), text(PARAGRAPHS[0]))
        self.assertEqual(score(truth, [piece(PARAGRAPHS[0]), piece("Annual Report", "header")])["order"], 0)


class Tables(unittest.TestCase):
    def test_the_table_itself(self):
        record = score(page(table(ROWS)), [found_table(ROWS)])
        self.assertEqual([record[c] for c in ("tables_found", "tables_false", "cells", "grid", "err")], [1, 0, 1, 1, 0])

    def test_a_misread_cell_costs_a_cell_and_no_grid(self):
        record = score(page(table(ROWS)), [found_table([ROWS[0], ["Keibrook", "87", "291"], ROWS[2]])])
        self.assertAlmostEqual(record["cells"], 8 / 9)
        self.assertEqual(record["grid"], 1)

    def test_swapped_columns_cost_grid_and_no_cells(self):
        record = score(page(table(ROWS)), [found_table([[r[0], r[2], r[1]] for r in ROWS])])
        self.assertEqual(record["cells"], 1)
        self.assertAlmostEqual(record["grid"], 6 / 12)

    def test_two_cells_in_one(self):
        record = score(page(table(ROWS)), [found_table([ROWS[0], ["Kelbrook 87", "", "291"], ROWS[2]])])
        self.assertAlmostEqual(record["cells"], 2 * 7 / (9 + 8))
        self.assertEqual(record["err"], 0)

    def test_no_table_and_a_false_one(self):
        record = score(page(table(ROWS)), [piece(" ".join(c for r in ROWS for c in r))])
        self.assertEqual((record["tables_found"], record["cells"], record["err"]), (0, 0, 0))
        record = score(PAGE, [found_table([[p] for p in PARAGRAPHS])])
        self.assertEqual((record["tables_false"], record["cells"], record["err"]), (1, None, 0))

    def test_spans(self):
        truth = {"kind": "table", "text": "", "rows": [[{"text": "District", "rows": 2}, {"text": "Yield", "columns": 2}], [{"text": "Spring"}, {"text": "Autumn"}], [{"text": "Coast"}, {"text": "1"}, {"text": "2"}]]}
        right = results.table("<table><tr><td rowspan='2'>District</td><td colspan='2'>Yield</td></tr><tr><td>Spring</td><td>Autumn</td></tr><tr><td>Coast</td><td>1</td><td>2</td></tr></table>")
        self.assertEqual(score(page(truth), [right])["grid"], 1)
        flat = found_table([["District", "Yield", ""], ["", "Spring", "Autumn"], ["Coast", "1", "2"]])
        self.assertLess(score(page(truth), [flat])["grid"], 1)


class Reading(unittest.TestCase):
    def test_hyphens_at_line_ends_of_plain_text(self):
        pieces = results.of_text("The coun-\ncil of Nord-\nHaven\n\nmet.")
        self.assertEqual([p.text for p in pieces], ["The council of Nord-", "Haven", "met."])

    def test_markdown(self):
        pieces = results.of_markdown("# Title\n\nSome *text* \\[1\\]\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n<table><tr><td>x</td></tr></table>")
        self.assertEqual([p.label for p in pieces], ["paragraph_title", "text", "table", "table"])
        self.assertEqual(pieces[2].rows[3], (1, 1, 1, 1, "2"))

    def test_letters_that_must_move(self):
        self.assertAlmostEqual(out_of_order([5, 6, 7, 0, 1, 2, 3, 4], [True] * 8), 3 / 8)
        self.assertEqual(Alignment(["abcdefgh"], ["abcdefgh"]).extra, 0)


if __name__ == "__main__":
    unittest.main()
