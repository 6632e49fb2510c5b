@kind no table: charts with labels of axes, values and a legend
from reportlab.pdfgen import canvas
from reportlab.lib.pagesizes import A4
c = canvas.Canvas(PDF, pagesize=A4)
c.setFont("Helvetica-Bold", 14)
c.drawString(60, 780, "Visitors to the reading rooms")
c.setFont("Helvetica", 10)
for i, line in enumerate(("More people came in each quarter than in the same quarter of the year before. The map room, which had been closed",
                          "for repairs, opened again in June and took up where it had left off.")):
    c.drawString(60, 758 - 14 * i, line)
left, bottom, high = 100, 500, 200
c.setFont("Helvetica", 8)
c.setStrokeGray(0.8)
for i in range(6):
    y = bottom + i * high / 5
    c.line(left, y, left + 400, y)
    c.drawRightString(left - 6, y - 3, f"{i * 2},000" if i else "0")
values = {"2018": (3900, 4400, 2800, 5100), "2019": (4300, 5200, 3300, 6900), "2020": (4700, 6100, 5800, 9100)}
shades = ((0.75, 0.82, 0.9), (0.45, 0.6, 0.78), (0.15, 0.3, 0.55))
for q in range(4):
    for k, (year, row) in enumerate(values.items()):
        c.setFillColorRGB(*shades[k])
        x = left + 20 + q * 96 + k * 24
        c.rect(x, bottom, 20, row[q] * high / 10000, stroke=0, fill=1)
        c.setFillGray(0.1)
        c.setFont("Helvetica", 6)
        c.drawCentredString(x + 10, bottom + row[q] * high / 10000 + 3, f"{row[q]:,}")
    c.setFont("Helvetica", 8)
    c.drawCentredString(left + 54 + q * 96, bottom - 14, ("Jan–Mar", "Apr–Jun", "Jul–Sep", "Oct–Dec")[q])
for k, year in enumerate(values):
    c.setFillColorRGB(*shades[k])
    c.rect(left + 120 + 70 * k, bottom - 40, 10, 10, stroke=0, fill=1)
    c.setFillGray(0.1)
    c.drawString(left + 135 + 70 * k, bottom - 38, year)
c.setFont("Helvetica-Oblique", 9)
c.drawString(60, 440, "Figure 3. Visitors by quarter. The last quarter has the school visits in it.")
c.setFont("Helvetica", 10)
for i, line in enumerate(("The temperature in the stores was kept between 16 and 18 degrees in all weeks but two. Both times a pump had failed.",
                          "The curve below shows the weekly mean in the west store, with the limits as broken lines.")):
    c.drawString(60, 410 - 14 * i, line)
c.setStrokeGray(0.2)
c.line(100, 180, 100, 360)
c.line(100, 180, 500, 180)
c.setFont("Helvetica", 8)
for i, t in enumerate((14, 16, 18, 20, 22)):
    c.drawRightString(94, 180 + i * 40 - 3, f"{t} °C")
for i in range(0, 53, 4):
    c.drawCentredString(100 + i * 7.6, 168, str(i or 1))
c.drawCentredString(300, 152, "week")
path = c.beginPath()
for i, t in enumerate((17, 17.2, 16.8, 17.1, 16.9, 19.8, 17.4, 17.2, 17.5, 17.7, 17.6, 21.0, 17.8, 17.3, 17.1, 17.0, 16.9, 16.8)):
    (path.lineTo if i else path.moveTo)(100 + i * 22.8, 180 + (t - 14) * 20)
c.drawPath(path)
c.setDash(4, 3)
c.line(100, 220, 500, 220)
c.line(100, 260, 500, 260)
c.save()
