@kind dashed rules, text as single words, right edge ragged; two small tables with a heading each
import zlib
from reportlab.pdfgen import canvas
from reportlab.lib.pagesizes import A4

@rows
! Day | Keeper | Wind | Sea | Ships seen | Remarks
Mon 3 | Sinclair | SW 4 | moderate | 7 | lamp cleaned
Tue 4 | Sinclair | W 6 | rough | 2 | fog signal from 04:10 to 07:55
Wed 5 | Moar | NW 8 | very rough | 0 | relief boat put back
Thu 6 | Moar | NW 7 | rough | 1 |
Fri 7 | Moar, Sinclair | W 3 | slight | 11 | stores landed, 14 boxes
@end
@rows
! Oil | Barrels | Gallons
On 1 February | 6 | 210
Burnt | | 61
Landed | 2 | 70
On 8 February | 6 | 219
@end
c = canvas.Canvas(PDF, pagesize=A4)


def words(x, y, text, font, size):
    c.setFont(font, size)
    for word in text.split(" "):
        c.drawString(x, y, word)
        x += c.stringWidth(word + " ")


def draw(table, xs, y, step):
    for row in table.lines():
        for cell in row:
            words(xs[cell.column] + 3, y - step + 6, cell.text, "Courier-Bold" if cell.head else "Courier", 9)
        y -= step
        c.setDash(2, 2)
        c.setLineWidth(0.5)
        c.line(xs[0], y, xs[-1], y)
    return y


words(60, 780, "Station Skerry: week 6", "Courier-Bold", 14)
for i, line in enumerate(("The log is sent with the boat on Saturday, or with the next that comes.", "Winds are in the points of the compass and by number.")):
    words(60, 758 - 13 * i, line, "Courier", 10)
y = draw(T[0], [60, 105, 195, 245, 320, 390, 550], 730, 20)
for i, line in enumerate(("The glass in pane 4 has a crack as long as a hand. It was there on Wednesday morning, and", "a gannet lay below. We have put putty on it.")):
    words(60, y - 26 - 13 * i, line, "Courier", 9.5)
words(60, y - 72, "Oil", "Courier-Bold", 11)
y = draw(T[1], [60, 170, 240, 310], y - 80, 18)
words(60, y - 28, "The gauge was read by both keepers. Nine gallons are over and were so last month.", "Courier", 9.5)
c.save()
