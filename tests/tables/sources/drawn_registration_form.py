@kind form: boxes with labels in their upper left corners, drawn as single strokes
from reportlab.pdfgen import canvas
from reportlab.lib.pagesizes import letter

@rows
{c2} Name of vessel // Gannet of Arran | Port letters // AN 71 | Built // 1979
Length over all // 11.40 m | Beam // 3.85 m | Draught // 1.70 m | Material // larch on oak
{c3} Owner and address // Kirsty Auchterlonie, Shore House, Pirnmill | Share // 64/64
{r2} Engine // Gardner 6LX | Power // 94 kW | Year // 1981 | Serial no. // 190 332
{c2} Place of survey // slip at Ardrossan | Next survey // May 2027
@end
c = canvas.Canvas(PDF, pagesize=letter)
c.setFont("Times-Bold", 15)
c.drawCentredString(306, 730, "ENTRY IN THE REGISTER OF SMALL SHIPS")
c.setFont("Times-Roman", 10.5)
for i, line in enumerate(("The owner fills in all boxes in ink and signs below. A box that does not apply is struck through, not left empty.",
                          "Measures are those of the survey, in metres, to the nearest five centimetres.")):
    c.drawString(54, 705 - 14 * i, line)
xs, top, high = [54, 192, 312, 432, 558], 672, 36
c.setLineWidth(0.6)
for row in T[0].lines():
    for cell in row:
        x0, x1, y0, y1 = xs[cell.column], xs[cell.column + cell.columns], top - high * cell.row, top - high * (cell.row + cell.rows)
        for line in ((x0, y0, x1, y0), (x0, y1, x1, y1), (x0, y0, x0, y1), (x1, y0, x1, y1)):
            c.line(*line)
        label, value = cell.source.split(" // ")
        c.setFont("Helvetica", 6.5)
        c.drawString(x0 + 4, y0 - 9, label)
        c.setFont("Courier", 11)
        c.drawString(x0 + 6, y0 - 26, value)
c.setFont("Times-Roman", 10.5)
for i, line in enumerate(("The undersigned declares that no other person holds a share in the vessel, that she has not been on a foreign register,",
                          "and that the letters will be carved or painted on both bows within one month.")):
    c.drawString(54, 470 - 14 * i, line)
c.line(54, 400, 250, 400)
c.line(330, 400, 558, 400)
c.setFont("Times-Italic", 9)
c.drawString(54, 389, "place and date")
c.drawString(330, 389, "signature of the owner")
c.save()
