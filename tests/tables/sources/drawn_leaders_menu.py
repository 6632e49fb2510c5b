@kind price list with dotted leaders, two prices, groups
@script Latin
from reportlab.pdfgen import canvas
from reportlab.lib.pagesizes import A5

@rows
! Dish | Small | Full
{c3 h} Soups
Barley broth with lovage | 4.20 | 6.50
Cream of nettle | 4.60 | 6.90
Fish soup of the day | 5.80 | 8.90
{c3 h} From the oven
Leek tart, green salad | 7.50 | 11.00
Shepherd's pie | 8.20 | 12.40
Baked hake with fennel | | 16.80
Stuffed cabbage | 7.90 | 11.90
{c3 h} Sweet
Rhubarb fool | 3.90 | 5.60
Plum dumplings | 4.40 | 6.20
Cheese and oatcakes | 5.00 | 7.80
@end
c = canvas.Canvas(PDF, pagesize=A5)
w, h = A5
c.setFont("Times-BoldItalic", 26)
c.drawCentredString(w / 2, h - 70, "The Ford Inn")
c.setFont("Times-Italic", 11)
c.drawCentredString(w / 2, h - 90, "Kitchen open from noon until the fire is out")
c.line(60, h - 102, w - 60, h - 102)
y, right = h - 124, (w - 105, w - 55)
for row in T[0].lines():
    group = len(row) == 1
    if group:
        y -= 7
    for cell in row:
        c.setFont("Times-Bold" if cell.head else "Times-Roman", 12 if group else 11)
        if cell.column == 0:
            c.drawString(55, y, cell.text)
            end = 55 + c.stringWidth(cell.text)
        elif cell.text:
            c.drawRightString(right[cell.column - 1], y, cell.text)
    if not group and not row[0].head:
        stop = right[0] - 30 if row[1].text else right[1] - 30
        dots = int((stop - end - 6) / 5)
        c.setFont("Times-Roman", 11)
        c.drawString(stop - dots * 5, y, "." * dots, charSpace=5 - c.stringWidth("."))
    y -= 18
c.setFont("Times-Italic", 9.5)
for i, line in enumerate(("Ask us what is in a dish if there is something that you must not eat.", "Children eat the small portion at half its price. Dogs have water by the door.")):
    c.drawCentredString(w / 2, y - 14 - 13 * i, line)
c.save()
