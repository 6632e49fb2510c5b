@kind bank statement without lines: head, descriptions of one to four lines
@script Latin
from reportlab.pdfgen import canvas
from reportlab.lib.pagesizes import A4

@rows
! Date | Description | Paid out | Paid in | Balance
1 Mar | Balance brought forward | | | 2,310.40
2 Mar | Standing order // Headland Housing Society // rent for March // ref HHS 20-114 | 640.00 | | 1,670.40
4 Mar | Card payment // Pilchard and Sons | 23.15 | | 1,647.25
7 Mar | Cash machine | 60.00 | | 1,587.25
9 Mar | Transfer from // Morwenna Tregear // for the boat | | 150.00 | 1,737.25
11 Mar | Direct debit // Western Power | 88.02 | | 1,649.23
15 Mar | Cheque 000412 | 310.00 | | 1,339.23
18 Mar | Transfer to // Sailmakers' Loft, Penryn // second part of the bill // of 14 January | 425.50 | | 913.73
25 Mar | Salary // Harbour Commissioners | | 1,982.16 | 2,895.89
29 Mar | Fee for a foreign payment | 4.75 | | 2,891.14
31 Mar | Balance carried forward | | | 2,891.14
@end
c = canvas.Canvas(PDF, pagesize=A4)
c.setFont("Helvetica-Bold", 15)
c.drawString(60, 780, "Fal Estuary Savings Bank")
c.setFont("Helvetica", 9.5)
for i, line in enumerate(("Statement 3 of 2019 for Mr Jory Pascoe, account 2041 7718, from 1 to 31 March. Please read it and write to us",
                          "within eight weeks if an entry is not yours. The rate for balances below 5,000 was 0.15 per cent in this month.")):
    c.drawString(60, 756 - 13 * i, line)
left, right, y = (60, 115), (390, 460, 535), 708
for row in T[0].lines():
    c.setFont("Helvetica-Bold" if row[0].head else "Helvetica", 9.5)
    lines = row[1].source.split(" // ")
    for cell in row:
        if cell.column == 1:
            for i, line in enumerate(lines):
                c.drawString(left[1], y - 12 * i, line)
        elif cell.column:
            c.drawRightString(right[cell.column - 2], y, cell.text)
        else:
            c.drawString(left[0], y, cell.text)
    y -= 12 * len(lines) + 9
c.setFont("Helvetica", 8)
for i, line in enumerate(("Savings are protected up to the limit of the scheme of which the bank is a member. Ask at the counter for its leaflet, or",
                          "read it on the board beside the door. The bank is closed on the second Monday in April.")):
    c.drawString(60, y - 22 - 11 * i, line)
c.save()
