@kind photos in cells: a catalogue
from io import BytesIO
from reportlab.pdfgen import canvas
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader, simpleSplit
from PIL import Image
import math

@rows
! Picture | Find | Description | Size (cm) | Lot
| Bowl with foot | Grey ware, turned on a slow wheel, with two bands of combing below the rim. One third is restored. | 21 × 9 | 114
| Lid | Red slip, burnished; the knob is worn from use. | 12 × 4 | 115
| Spindle whorls, three | Clay, biconical, the smallest with a row of dots around its edge. | 3 × 2 | 116
| Jug | Brown glaze inside and on the neck, handle lost. Found under the threshold of house 4. | 15 × 24 | 117
@end
c = canvas.Canvas(PDF, pagesize=A4)
c.setFont("Helvetica", 8)
c.drawRightString(545, 805, "Sale of the Harrowby collection, second day")
c.setFont("Helvetica-Bold", 15)
c.drawString(50, 770, "Pottery of the river villages")
c.setFont("Helvetica", 10)
for i, line in enumerate(simpleSplit("All pieces come from the dig of 1934 and were in the house since. They were listed by the finder's daughter, whose numbers "
                                     "are painted on the base; ours are given in the last column. Sizes are width and height.", "Helvetica", 10, 495)):
    c.drawString(50, 750 - 13 * i, line)
xs = [50, 140, 235, 420, 495, 545]


def photo(seed):
    image = Image.new("RGB", (90, 72))
    for y in range(72):
        for x in range(90):
            d = math.hypot((x - 45) / (16 + 5 * seed), (y - 38) / (30 - 4 * seed))
            light = 150 - 60 * d + 18 * math.sin(y / (2.0 + seed)) if d < 1 else 225 - y // 4
            image.putpixel((x, y), tuple(max(0, min(255, int(light * k))) for k in ((1.0, 0.82 - 0.05 * seed, 0.66) if d < 1 else (1, 1, 0.97))))
    data = BytesIO()
    image.save(data, "JPEG", quality=80)
    data.seek(0)
    return ImageReader(data)


y = 690
c.setLineWidth(0.8)
for row in T[0].lines():
    high = 20 if row[0].head else 70
    c.line(50, y, 545, y)
    if not row[0].head:
        c.drawImage(photo(row[0].row), 55, y - 64, 72, 58)
    for cell in row:
        c.setFont("Helvetica-Bold" if cell.head or cell.column == 1 else "Helvetica", 9)
        lines = simpleSplit(cell.text, c._fontname, 9, xs[cell.column + 1] - xs[cell.column] - 10)
        for i, line in enumerate(lines):
            c.drawString(xs[cell.column] + 5, y - 14 - 12 * i, line)
    y -= high
c.line(50, y, 545, y)
for x in xs:
    c.line(x, 690, x, y)
c.setFont("Helvetica", 10)
for i, line in enumerate(simpleSplit("Lots 114 to 117 are sold together if the sum of the single bids is less than the bid for all. They can be seen from nine o'clock on the morning "
                                     "of the sale in the small drawing room. The house cannot send breakable pieces by post.", "Helvetica", 10, 495)):
    c.drawString(50, y - 24 - 13 * i, line)
c.save()
