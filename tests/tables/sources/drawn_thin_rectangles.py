@kind borders that are single paths of many thin rectangles, a technical schedule
from reportlab.pdfgen import canvas
from reportlab.lib.pagesizes import A4

@rows
! {r2} Door | {r2} Leaf (mm) | {c2} Frame | {c3} Fittings | {r2} Fire
! Material | Depth | Lock | Closer | Stop
D01 | 926 × 2040 | steel | 110 | bathroom | – | wall | –
D02 | 926 × 2040 | steel | 110 | office | overhead | wall | 30 min
D03 | 826 × 2040 | softwood | 94 | passage | – | floor | –
D04a | 1650 × 2100 | {r2} aluminium | 150 | {r2} panic bar | overhead | – | 60 min
D04b | 1650 × 2100 | 175 | floor spring | – | 60 min
D05 | 726 × 2040 | softwood | 94 | – | – | floor | –
@end
rows = T[0].lines()
c = canvas.Canvas(PDF, pagesize=A4)
c.setFont("Helvetica-Bold", 13)
c.drawString(60, 780, "Schedule 7: internal doors, ground floor")
c.setFont("Helvetica", 9.5)
for i, line in enumerate(("Widths are those of the leaf. Where two lines share a frame or a lock, the pair of doors hangs in one frame.",
                          "The contractor measures on site before ordering. All leaves are 44 mm thick and flush.")):
    c.drawString(60, 758 - 13 * i, line)
xs, ys = [60, 102, 176, 238, 284, 344, 412, 456, 520], [725 - 19 * i for i in range(9)]
path = c.beginPath()
texts = []
for row in rows:
    for cell in row:
        x0, x1 = xs[cell.column], xs[cell.column + cell.columns]
        y0, y1 = ys[cell.row], ys[cell.row + cell.rows]
        for x in (x0, x1):
            path.rect(x - 0.3, y1, 0.6, y0 - y1)
        for y in (y0, y1):
            path.rect(x0 - 0.3, y - 0.3, x1 - x0 + 0.6, 0.6)
        texts.append((cell, (x0 + x1) / 2, (y0 + y1) / 2 - 3))
c.drawPath(path, stroke=0, fill=1)
for cell, x, y in texts:
    c.setFont("Helvetica-Bold" if cell.head else "Helvetica", 8.5)
    c.drawCentredString(x, y, cell.text)
c.setFont("Helvetica", 9.5)
for i, line in enumerate(("Ironmongery is satin stainless steel throughout. Locks take cylinders of the master key plan, which is issued with",
                          "Schedule 9. Floor springs need a recess of 42 mm; check the depth of the screed at the entrance before laying tiles.",
                          "Stops are fixed so that the handle does not touch the wall.")):
    c.drawString(60, 540 - 13 * i, line)
c.setFont("Helvetica", 7)
c.drawString(60, 40, "Ashgrove Clinic   |   A-731   |   page 12")
c.save()
