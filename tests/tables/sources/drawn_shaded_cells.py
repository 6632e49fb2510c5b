@kind shaded cells only, white gaps between them: a rota, and a small key
from reportlab.pdfgen import canvas
from reportlab.lib.pagesizes import A4, landscape

@rows
! Ward team | Mon 6 | Tue 7 | Wed 8 | Thu 9 | Fri 10 | Sat 11 | Sun 12
{h} Achterberg | early | early | late | late | off | off | night
{h} Bismuth | late | late | off | early | early | early | off
{h} Castellanos | night | night | night | off | off | late | late
{h} Dwyer | off | course | course | early | late | off | early
{h} Eklund | early | off | early | night | night | night | off
{h} Farouk | leave | leave | leave | leave | leave | leave | leave
@end
@rows
! Shift | From | To
early | 06:45 | 14:45
late | 14:30 | 22:30
night | 22:15 | 07:00
@end
c = canvas.Canvas(PDF, pagesize=landscape(A4))
fills = {"early": (0.99, 0.93, 0.70), "late": (0.98, 0.80, 0.66), "night": (0.70, 0.76, 0.92), "off": (0.93, 0.93, 0.93),
         "course": (0.80, 0.92, 0.80), "leave": (0.86, 0.80, 0.90)}
c.setFillColorRGB(0.15, 0.2, 0.35)
c.setFont("Times-Bold", 20)
c.drawString(50, 530, "Rota for the second week")
c.setFont("Times-Roman", 12)
c.drawString(50, 508, "Swaps are agreed with both persons and told to the desk by noon of the day before. Nights before a course are not given.")


def draw(table, left, top, wide, high, first):
    for row in table.lines():
        for cell in row:
            x = left + (first + (cell.column - 1) * wide if cell.column else 0)
            w = first if cell.column == 0 else wide
            fill = (0.15, 0.2, 0.35) if cell.row == 0 else fills.get(cell.text, (0.9, 0.91, 0.95))
            c.setFillColorRGB(*fill)
            c.rect(x, top - (cell.row + 1) * high, w - 3, high - 3, stroke=0, fill=1)
            c.setFillColorRGB(*((1, 1, 1) if cell.row == 0 else (0.1, 0.1, 0.1)))
            c.setFont("Helvetica-Bold" if cell.head else "Helvetica", 10)
            c.drawString(x + 6, top - (cell.row + 1) * high + 7, cell.text)


draw(T[0], 50, 485, 86, 25, 130)
draw(T[1], 50, 270, 70, 22, 70)
c.setFillColorRGB(0.1, 0.1, 0.1)
c.setFont("Times-Roman", 12)
for i, line in enumerate(("The quarter of an hour in which shifts overlap is for handing over.", "Whoever ends a night is driven home by the porter on request.",
                          "Sister Dwyer answers questions about the rota.")):
    c.drawString(300, 250 - 16 * i, line)
c.save()
