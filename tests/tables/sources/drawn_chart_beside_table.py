@kind chart with lines of a grid and numbers at both axes, and a small table below it
@script Latin
from reportlab.pdfgen import canvas
from reportlab.lib.pagesizes import A4

@rows
! Station | Mean | Highest | Day
Breakwater | 11.2 | 16.9 | 4 August
Inner quay | 12.0 | 18.3 | 5 August
Sluice | 12.4 | 19.7 | 5 August
Mill pond | 13.1 | 21.2 | 28 July
@end
c = canvas.Canvas(PDF, pagesize=A4)
c.setFont("Helvetica-Bold", 14)
c.drawString(60, 780, "Temperature of the water")
c.setFont("Helvetica", 10)
for i, line in enumerate(("The water was measured at noon at four stations. Figure 1 shows the breakwater, where the tide mixes it; the other",
                          "stations lie further in and follow it by some days in spring and in autumn.")):
    c.drawString(60, 756 - 14 * i, line)
left, bottom, wide, high = 110, 470, 400, 220
c.setStrokeGray(0.75)
c.setLineWidth(0.5)
c.setFont("Helvetica", 8)
for i in range(6):
    y = bottom + i * high / 5
    c.line(left, y, left + wide, y)
    c.drawRightString(left - 6, y - 3, str(i * 4))
for i in range(9):
    x = left + i * wide / 8
    c.line(x, bottom, x, bottom + high)
    c.drawCentredString(x, bottom - 13, str(i * 6))
c.drawCentredString(left + wide / 2, bottom - 28, "week")
c.saveState()
c.translate(left - 32, bottom + high / 2)
c.rotate(90)
c.drawCentredString(0, 0, "degrees")
c.restoreState()
c.setStrokeColorRGB(0.1, 0.3, 0.6)
c.setLineWidth(1.2)
path = c.beginPath()
for i, t in enumerate((6.1, 5.8, 6.0, 6.9, 8.2, 9.7, 11.4, 13.0, 14.6, 15.9, 16.8, 16.5, 15.2, 13.4, 11.0, 8.8, 7.2)):
    (path.lineTo if i else path.moveTo)(left + i * wide / 16, bottom + t * high / 20)
c.drawPath(path)
c.setFont("Helvetica-Oblique", 9)
c.drawString(60, 420, "Figure 1. Temperature at the breakwater by week.")
c.drawString(60, 380, "Table 1. Mean and highest temperature at each station.")
c.setFont("Helvetica", 10)
c.setStrokeGray(0)
c.setLineWidth(0.8)
xs, y = (60, 220, 300, 340), 356
for at, row in enumerate(T[0].lines()):
    if at in (0, 1):
        c.line(60, y + 14, 420, y + 14)
    c.setFont("Helvetica-Bold" if row[0].head else "Helvetica", 10)
    for cell in row:
        if cell.column in (1, 2):
            c.drawRightString(xs[cell.column], y, cell.text)
        else:
            c.drawString(xs[cell.column], y, cell.text)
    y -= 18
c.line(60, y + 14, 420, y + 14)
c.drawString(60, y - 20, "In the week of 5 August the sluice was shut for repairs, and the water of the quay stood still.")
c.save()
