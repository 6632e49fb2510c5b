"""Documents in Latin letters: each function makes a page; `DOCUMENTS` names them."""
from page import BROADSHEET, NOVEL, RECEIPT, Page
from texts import Words

DOCUMENTS = {}


def document(function):
    DOCUMENTS[function.__name__] = function
    return function


@document
def report_en():
    w = Words("en", 1)
    p = Page("report", "en", font="serif", header=["Annual Report", "Waterways Board"], footer=["14"])
    p.title("The River Year in Five Districts")
    p.paragraphs(w, 2)
    p.title("1 " + w.heading(), 2)
    p.paragraphs(w, 1)
    p.items([w.sentence() for _ in range(4)])
    p.title("1.1 " + w.heading(), 3)
    p.paragraphs(w, 2)
    p.title("2 " + w.heading(), 2)
    p.paragraphs(w, 1, 5)
    return p


@document
def report_de():
    w = Words("de", 2)
    p = Page("report", "de", font="sans", size="8.5pt", header=["Prüfbericht 2025/117", "Seite 3 von 9"], footer=["Prüfamt Süd · Größe und Gewicht ohne Gewähr"])
    p.title("3 " + w.heading(), 1)
    p.paragraphs(w, 2)
    p.caption("Tabelle 4: Messwerte der Prüfstücke", align="left")
    p.table([["Prüfstück", "Länge (mm)", "Größte Last (kN)", "Befund"], ["Träger A", "1.250", "18,4", "ohne Mängel"], ["Träger B", "1.250", "17,9", "ohne Mängel"],
             ["Stütze, außen", "2.400", "41,0", "Haarriss am Fuß"], ["Stütze, innen", "2.400", "43,6", "ohne Mängel"], ["Kopfplatte", "320", "9,7", "verzogen"]],
            columns="(2fr, 1fr, 1.3fr, 2fr)", align="(left, right, right, left)")
    p.paragraphs(w, 1, 3)
    p.title("3.1 " + w.heading(), 2)
    p.paragraphs(w, 2)
    p.title("3.2 " + w.heading(), 2)
    p.paragraphs(w, 1)
    return p


def chart():
    bars = ", ".join(f"rect(width: 9pt, height: {h}pt, fill: luma({120 + i * 15}))" for i, h in enumerate((18, 31, 44, 27, 38)))
    return f"#box(stroke: 0.5pt, inset: 6pt)[#align(bottom, stack(dir: ltr, spacing: 6pt, {bars}))\n#text(size: 6pt)[#\"North\" #h(6pt) #\"South\"]]"


@document
def paper_en():
    w = Words("en", 3)
    p = Page("paper", "en", font="tex", size="7.6pt", width="160mm", margin="12mm", leading="0.5em", footer=["212"], slack="30pt")
    p.title("Shade, Slope and the Drying of River Sediments", align="center")
    p.text("Clara Whitlow and Owen Thackray", "size: 1.1em", "center", above="0.4em")
    p.text("Institute of Inland Waters, Kelbrook", "style: \"italic\"", "center", above="0.5em")
    with p.columns(2):
        p.title("Abstract", 2, align="center")
        p.paragraphs(w, 1, 5, "weight: \"bold\"")
        p.title("1 Introduction", 2)
        p.paragraphs(w, 3)
        p.title("2 Methods and materials", 2)
        p.paragraphs(w, 2)
        p.figure(chart(), ["North", "South"])
        p.caption("Figure 1: Moisture of the samples by district.", align="left")
        p.paragraphs(w, 2)
        p.raw("$ m(t) = m_0 e^(-k t) + c $")
        p.add("formula", "m(t) = m0 e-kt + c")
        p.paragraphs(w, 1)
        p.title("3 Results", 2)
        p.paragraphs(w, 2, 5)
        p.title("References", 2)
        p.items(["Fairley, E. (2019). On the depth of harbours. Quarterly of Waters 12, 33–41.", "Morran, J. B. (2021). A year of rain in Ashford Mere. Wenham Press.",
                 "Whitlow, C. (2023). Seals, jars and scales. Notes of the Institute 4, 7–19."], "[1]")
    return p


@document
def paper_fr():
    w = Words("fr", 4)
    p = Page("paper", "fr", font="times", size="8pt", header=["Cahiers de la forêt", "nº 27"], leading="0.52em")
    p.title("Une forêt d’été : mesures répétées", align="center")
    p.text("Éloïse Garnaud, François Lebœuf", "style: \"italic\"", "center", above="0.4em")
    with p.columns(2):
        p.title("Résumé", 2)
        p.paragraphs(w, 1)
        for number in range(1, 5):
            p.title(f"{number}. {w.heading()}", 2)
            p.paragraphs(w, 3)
    return p


@document
def paper_three():
    w = Words("en", 19)
    p = Page("bulletin", "en", font="sans", size="7pt", width="170mm", margin="11mm", leading="0.5em", footer=["Wenham Bulletin", "Issue 8", "page 2"])
    p.title("Bulletin of the Wenham Society", style='size: 2em, weight: "bold"')
    with p.columns(3, "4mm"):
        for _ in range(6):
            p.title(w.heading(), 2)
            p.paragraphs(w, 3)
    return p


@document
def letter_de():
    w = Words("de", 5)
    p = Page("letter", "de", font="sans", size="9.5pt", height="210mm", footer=["Amtsgericht Kößlarn HRB 2217", "Geschäftsführer: Jürgen Höfler"])
    p.text("Gerüstbau Höfler & Söhne", 'size: 1.6em, weight: "bold"', "right", kind="header", either=True)
    p.text("Gerüstbau Höfler · Mühlgasse 7 · 94149 Kößlarn", "size: 0.75em", above="2em")
    p.block_of_lines(["Frau Dr. Käthe Strößner", "Am Südufer 19", "94137 Neuenrüthe"])
    p.text("Kößlarn, 17. März 2026", align="right", above="1.5em")
    p.text("Angebot 4471: Einrüstung der Südfassade", 'weight: "bold"', above="1.5em", either=True)
    p.text("Sehr geehrte Frau Dr. Strößner,")
    p.paragraphs(w, 3, 3)
    p.text("Mit freundlichen Grüßen")
    p.text("Jürgen Höfler", "style: \"italic\"", above="2.4em")
    return p


@document
def letter_pl():
    w = Words("pl", 6)
    p = Page("letter", "pl", font="typewriter", size="8.5pt", justify=False)
    p.block_of_lines(["Urząd Gminy Żółtów", "ul. Źródlana 5", "11-204 Żółtów"])
    p.text("Żółtów, dnia 9 kwietnia 2026 r.", align="right")
    p.text("Szanowny Pan Józef Wróbel", above="1.5em")
    p.title(w.heading(), 2)
    p.paragraphs(w, 3, 3)
    p.text("Z poważaniem")
    p.text("Łucja Gałązka, sekretarz gminy", above="2em")
    return p


@document
def invoice_en():
    w = Words("en", 7)
    p = Page("invoice", "en", font="sans", size="8.5pt", justify=False)
    with p.grid("(1fr, 1fr)"):
        with p.cell():
            p.title("INVOICE", style='size: 2em, weight: "bold", fill: rgb("#1f4e79")')
            p.text("Stonehaven Supplies Ltd.", 'weight: "bold"', either=True)
            p.block_of_lines(["12 Quay Street", "Port Arden PA4 9QX"])
        with p.cell():
            p.table([["Invoice no.", "2026-00318"], ["Date", "14 June 2026"], ["Due", "14 July 2026"], ["Customer", "C-4410"]], head=0, columns="(auto, 1fr)")
    p.text("Bill to:", 'weight: "bold"', above="1.5em", either=True)
    p.block_of_lines(["Edith Fairley", "The Old Mill, Ashford Mere AM1 3RB"])
    rows = [["Pos", "Description", "Qty", "Unit price", "Amount"]]
    for i, thing in enumerate(("Brass valve, 20 mm", "Rope, three strands, 30 m", "Pump seal kit", "Ladder hooks (pair)", "Storm lamp, green")):
        rows.append([str(i + 1), thing, str(2 + 3 * i % 7), w.amount(3, 90), w.amount(90, 400)])
    rows += [[("Subtotal", 1, 4), None, None, None, "1,204.55"], [("VAT 20%", 1, 4), None, None, None, "240.91"], [("Total due", 1, 4), None, None, None, "£1,445.46"]]
    p.table(rows, columns="(auto, 1fr, auto, auto, auto)", align="(left, left, right, right, right)")
    p.text("Please pay within thirty days to account 00442178, sort code 10-88-31.")
    p.text("Thank you for your business!", 'style: "italic"')
    with p.place("bottom + right", "-6mm", "-24mm"):
        p.add("stamp", "PAID 2 JULY 2026")
        p.raw('#rotate(-14deg, rect(stroke: 2pt + rgb("#c0203099"), radius: 4pt, inset: 7pt)[#text(size: 15pt, weight: "bold", fill: rgb("#c0203099"))[PAID #h(4pt) 2 JULY 2026]])')
    return p


@document
def invoice_cs():
    w = Words("cs", 8)
    p = Page("invoice", "cs", font="lato", size="8.5pt", justify=False, footer=["Strana 1/1"])
    p.title("Faktura – daňový doklad č. 260415", style='size: 1.5em, weight: "bold"')
    with p.grid("(1fr, 1fr)"):
        with p.cell():
            p.text("Dodavatel", 'weight: "bold"', either=True)
            p.block_of_lines(["Dřevo Kříž, s. r. o.", "Mlýnská 41", "251 01 Říčany nad Jizerou", "IČO: 40718265"])
        with p.cell():
            p.text("Odběratel", 'weight: "bold"', either=True)
            p.block_of_lines(["Růžena Dvořáčková", "Příční 8", "339 01 Přešťovice"])
    p.raw("#v(1em)")
    rows = [["Položka", "Množství", "Cena za kus", "Celkem Kč"]] + [[w.thing(), f"{3 + i} ks", w.amount(10, 80), w.amount(100, 900)] for i in range(6)]
    rows.append(["Celkem k úhradě", "", "", "3 218,40"])
    p.table(rows, columns="(2fr, 1fr, 1fr, 1fr)", align="(left, right, right, right)", stroke="none")
    p.paragraphs(w, 1, 3)
    return p


@document
def receipt_en():
    w = Words("en", 9)
    p = Page("receipt", "en", font="mono", size="7.5pt", **RECEIPT)
    p.text("WENHAM GROCERS", 'size: 1.5em, weight: "bold"', "center", either=True)
    for line in ("High Street 4, Little Wenham", "Tel. 01555 010 233", "12/06/2026 17:42   Till 03"):
        p.text(line, align="center", above="0.5em")
    p.raw("#line(length: 100%, stroke: (dash: \"dashed\", thickness: 0.6pt))")
    rows = [[name, price] for name, price in (("Oat bread 500 g", "2.15"), ("Butter salted", "1.89"), ("2 x Apples kg", "5.18"), ("Green tea 20", "3.40"),
                                               ("Candles white", "4.25"), ("Bag", "0.10"), ("Discount", "-1.00"))]
    p.table(rows, columns="(1fr, auto)", stroke="none", align="(left, right)", head=0, inset="2pt")
    p.raw("#line(length: 100%, stroke: (dash: \"dashed\", thickness: 0.6pt))")
    p.table([["TOTAL GBP", "15.97"], ["CASH", "20.00"], ["CHANGE", "4.03"]], columns="(1fr, auto)", stroke="none", align="(left, right)", head=0, inset="2pt", style='weight: "bold"')
    p.text("Thank you, see you soon", align="center")
    p.text("Receipt 0098-4471-03", align="center", above="0.5em")
    return p


@document
def form_en():
    p = Page("form", "en", font="sans", size="8.5pt", justify=False, footer=["Form W-12 (rev. 03/26)", "Page 1 of 1"])
    p.title("Application for a Mooring Permit", align="center")
    p.text("Please write in block letters and return the form to the harbour office.", align="center")
    p.title("Section A: Applicant", 3)
    p.table([["1. Family name", "Thackray"], ["2. Given names", "Owen James"], ["3. Date of birth", "21 / 09 / 1971"], ["4. Address", "3 Mill Lane, Kelbrook KB2 7LD"], ["5. Telephone", ""]],
            columns="(1fr, 2fr)", head=0, inset="6pt")
    p.title("Section B: Vessel", 3)
    p.table([["Name of vessel", "Grey Heron", "Length (m)", "7.40"], ["Built in", "1988", "Draught (m)", "0.95"]], columns="(1fr, 1fr, 1fr, 1fr)", head=0, inset="6pt")
    p.title("Section C: Period", 3)
    for checked, text in ((1, "Summer season (April to September)"), (0, "Winter season (October to March)"), (0, "Whole year")):
        p.add("list", text)
        cross = "#place(line(start: (1pt, 1pt), end: (7pt, 7pt)))#place(line(start: (7pt, 1pt), end: (1pt, 7pt)))" if checked else ""
        p.raw(f'#grid(columns: (1.6em, 1fr), box(width: 8pt, height: 8pt, stroke: 0.7pt)[{cross}], [#"{text}"])\n')
    p.raw("#v(1.5em)#line(length: 60%, stroke: 0.5pt)")
    p.text("Date and signature of the applicant", "size: 0.8em", above="0.4em")
    return p


@document
def form_de():
    p = Page("form", "de", font="sans", size="8pt", justify=False, header=["Finanzverwaltung Süd", "Formular 34-Ü"])
    p.title("Antrag auf Gebührenermäßigung", align="left")
    p.text("Zutreffendes bitte ankreuzen oder in Druckschrift ausfüllen.")

    def boxes(label, value, count):
        p.add("text", label)
        p.raw(f'#text(size: 0.8em)[#"{label}"]#linebreak()')
        cells = ", ".join(f'box(width: 11pt, height: 14pt, stroke: 0.5pt, align(center + horizon, text(font: "Liberation Mono", size: 10pt)[#"{c}"]))' for c in value.ljust(count))
        p.add("text", value)
        p.raw(f"#box(stack(dir: ltr, {cells}))\n")

    boxes("Name", "WEISSGERBER", 24)
    boxes("Vorname", "ANNA", 24)
    boxes("Geburtsdatum", "03111984", 8)
    boxes("Steuernummer", "21981504471", 13)
    p.title("Einkünfte im Kalenderjahr", 2)
    p.table([["Zeile", "Art der Einkünfte", "EUR", "Ct"], ["21", "Löhne und Gehälter", "28.410", "00"], ["22", "Renten, Bezüge", "", ""], ["23", "Kapitalerträge", "310", "55"],
             ["24", "Übrige Einkünfte", "1.200", "00"]], columns="(auto, 1fr, 22mm, 10mm)", align="(center, left, right, right)")
    p.text("Ich versichere, dass die Angaben vollständig und richtig sind.")
    p.text("Ort, Datum, Unterschrift", "size: 0.8em", above="3em")
    return p


def newspaper(language, seed, name, place, columns, font, size, articles, lead):
    w = Words(language, seed)
    p = Page("newspaper", language, font=font, size=size, **BROADSHEET)
    p.text(name, f'size: 4em, weight: "bold"', "center", kind="header", either=True)
    p.raw("#line(length: 100%, stroke: 1pt)")
    p.text(place, "size: 0.9em", "center", kind="header", above="0.7em")
    p.raw("#line(length: 100%, stroke: 0.5pt)")
    p.title(lead, align="center", style='size: 3.2em, weight: "bold"')
    with p.columns(columns, "4mm"):
        p.text(f"{w.place()} –", 'weight: "bold"')
        p.paragraphs(w, 10)
    p.raw("#line(length: 100%, stroke: 0.5pt)")
    with p.columns(columns, "4mm"):
        for _ in range(articles):
            p.title(w.heading(), 2)
            p.paragraphs(w, 3, 5)
    return p


@document
def newspaper_en():
    return newspaper("en", 10, "The Arden Courier", "No. 4,118   Port Arden, Thursday 11 June 2026   Price 90p", 5, "times", "6.8pt", 6, "River Falls, Bridge Opens Early")


@document
def newspaper_de():
    w = Words("de", 11)
    p = Page("newspaper", "de", font="serif", size="7.6pt", **BROADSHEET)
    p.text("Kößlarner Tagblatt", 'size: 3.6em, weight: "bold"', "center", kind="header", either=True)
    p.raw("#line(length: 100%)")
    with p.grid("(3fr, 1fr)", "5mm"):
        with p.cell():
            p.title("Brücke am Südufer öffnet früher", style='size: 2.6em, weight: "bold"')
            with p.columns(3, "4mm"):
                p.paragraphs(w, 3)
                p.figure('#rect(width: 100%, height: 24mm, fill: gradient.linear(luma(90), luma(210), angle: 60deg))')
                p.caption("Das Südufer vor der Öffnung", align="left")
                p.paragraphs(w, 3)
            p.raw("#line(length: 100%, stroke: 0.5pt)")
            p.title(w.heading(), style='size: 1.8em, weight: "bold"')
            with p.columns(3, "4mm"):
                p.paragraphs(w, 5)
        with p.cell("stroke: (left: 0.5pt), inset: (left: 3mm)"):
            p.title("Kurz gemeldet", 2)
            for _ in range(4):
                p.title(w.heading(), 3)
                p.paragraphs(w, 1, 3)
    return p


@document
def book_en():
    w = Words("en", 12)
    p = Page("book", "en", font="garamond", size="10pt", header=["84", "THE GREEN UMBRELLA"], **NOVEL)
    p.raw("#set par(first-line-indent: 1.2em, spacing: 0.6em)")
    p.paragraphs(w, 3)
    p.title("Chapter Seven", align="center", style="size: 1.5em")
    p.paragraphs(w, 5)
    p.raw("#v(0.8em)#line(length: 30%, stroke: 0.4pt)#v(-0.4em)")
    p.text("1 The office has since been moved to Stonehaven Moor.", "size: 0.8em")
    return p


@document
def book_es():
    w = Words("es", 13)
    p = Page("book", "es", font="serif", size="10pt", footer=["127"], **NOVEL)
    p.raw("#set par(first-line-indent: 1.2em, spacing: 0.6em)")
    p.title("Capítulo segundo", align="center", style="size: 1.6em")
    p.paragraphs(w, 6)
    return p


@document
def contents_en():
    p = Page("contents", "en", font="serif", size="10pt", justify=False, footer=["v"])
    p.title("Contents", align="center")
    leader = "#box(width: 1fr, repeat[.])"
    for level, text, page in ((0, "Preface", "vii"), (0, "1 The river and its people", "1"), (1, "1.1 First settlements", "3"), (1, "1.2 Mills and bridges", "17"), (2, "1.2.1 The old mill", "19"),
                              (2, "1.2.2 Tolls", "26"), (0, "2 Measuring water", "41"), (1, "2.1 Instruments", "42"), (1, "2.2 A year of rain", "58"), (2, "2.2.1 The wet spring", "61"),
                              (0, "3 The harbour", "83"), (1, "3.1 Lamps and keepers", "85"), (1, "3.2 What the ledgers tell", "102"), (0, "Appendix: Tables of tides", "131"), (0, "Index", "148")):
        p.add("text", f"{text} {page}")
        p.raw(f'#h({level * 1.4}em)#text(weight: "{"bold" if level == 0 else "regular"}")[#"{text}"] {leader} #"{page}"#linebreak()\n')
    return p


@document
def index_de():
    p = Page("index", "de", font="times", size="8pt", justify=False, footer=["311"])
    p.title("Stichwortverzeichnis")
    with p.columns(3):
        for letter, entries in (("A", "Abfluss 12, 47|Ähre 201|Amboss 88–91|Ausschuss 5"), ("B", "Bäckerei 33|Böschung 61, 64|Brücke 2, 19, 77|Bürgschaft 140"),
                                ("F", "Flößerei 52|Fluss 1–9|Förderung 118|Fähre 54"), ("G", "Gebühren 97|Gemälde 212|Gerüst 70|Größe 15"),
                                ("M", "Mörtel 73|Mühle 25, 28|Maßnahme 99"), ("Ö", "Öfen 36|Öffnungszeiten 190|Öl 38"), ("S", "Schlüssel 205|Straße 80–84|Südufer 60|Stütze 71"), ("U", "Überblick 3|Ufer 60|Uhrwerk 214")):
            p.title(letter, 2)
            p.lines(entries.split("|"))
    return p


CODE = """def drain(levels, limit=0.25):
    \"\"\"Yield the days on which the level falls.\"\"\"
    last = None
    for day, level in enumerate(levels, start=1):
        if last is not None and last - level > limit:
            yield day, round(last - level, 2)
        last = level

def report(path):
    with open(path) as file:
        levels = [float(row.split(";")[1]) for row in file]
    for day, fall in drain(levels):
        print(f"{day:>3}  {fall:6.2f} m")""".split("\n")


@document
def listing_en():
    w = Words("en", 14)
    p = Page("listing", "en", font="serif", size="9pt", header=["Programs for the water office", "22"])
    p.title("Reading the gauges", 2)
    p.paragraphs(w, 1)
    with p.boxed('fill: luma(240), inset: 6pt, width: 100%'):
        p.raw('#set par(justify: false)')
        p.block_of_lines(CODE, f'font: "DejaVu Sans Mono", size: 7pt', kind="code")
    p.caption("Listing 3: Days on which the level falls")
    p.paragraphs(w, 2)
    return p


@document
def table_spans_en():
    p = Page("table", "en", font="serif", size="8pt", width="160mm", justify=False)
    p.caption("Table 2. Yield by district and season (tonnes)", align="left")
    p.table([[("District", 2, 1), ("2024", 1, 2), None, ("2025", 1, 2), None, ("Change", 2, 1)], [None, "Spring", "Autumn", "Spring", "Autumn", None],
             ["Ashford Mere", "112", "340", "118", "352", "+3.9%"], ["Kelbrook", "87", "291", "90", "276", "–3.2%"], ["Little Wenham", "54", "160", "49", "171", "+2.8%"],
             [("Coast", 1, 6), None, None, None, None, None], ["Port Arden", "203", "188", "210", "190", "+2.3%"], ["Stonehaven Moor", "31", "77", "29", "80", "+0.9%"],
             ["Total", "487", "1,056", "496", "1,069", "+1.4%"]], columns="(1.6fr, 1fr, 1fr, 1fr, 1fr, 1fr)", align="center", head=2)
    p.text("Source: returns of the five districts; figures for the coast are provisional.", "size: 0.8em")
    return p


@document
def table_booktabs_en():
    w = Words("en", 15)
    p = Page("table", "en", font="tex", size="8.5pt", justify=False)
    p.paragraphs(w, 1, 3)
    p.caption("Table 1: Drying of sediment samples")
    rows = [["Site", "Depth (cm)", "Mass (g)", "Loss (%)", "Remarks"]] + [[f"{a}-{i + 1}", str(5 * i + 5), f"{40.2 - 3.1 * i:.1f}", f"{11.8 + i * 0.7:.1f}", r]
        for i, (a, r) in enumerate((("KB", "clay"), ("KB", "clay, roots"), ("PA", "sand"), ("PA", "sand and gravel, wet"), ("LW", "peat"), ("LW", "peat")))]
    p.raw("#align(center)[")
    p.table(rows, stroke="none", align="(left, right, right, right, left)", bold_head=False, rules="table.hline(), table.hline(y: 1, stroke: 0.5pt), table.hline(y: 7),")
    p.raw("]")
    p.paragraphs(w, 1, 3)
    return p


@document
def table_none_fr():
    w = Words("fr", 16)
    p = Page("table", "fr", font="lato", size="9pt", justify=False)
    p.title("Horaires d’été de la bibliothèque", 2)
    p.table([["Jour", "Matin", "Après-midi", "Salle d’étude"], ["lundi", "fermé", "14 h – 18 h", "fermée"], ["mardi", "9 h – 12 h", "14 h – 18 h", "jusqu’à 20 h"],
             ["mercredi", "9 h – 12 h", "13 h – 19 h", "jusqu’à 20 h"], ["jeudi", "fermé", "14 h – 18 h", "jusqu’à 20 h"], ["vendredi", "9 h – 12 h", "14 h – 17 h", "fermée"]],
            columns="(1fr, 1fr, 1.2fr, 1.2fr)", stroke="none", inset="6pt")
    p.paragraphs(w, 1, 2)
    return p


@document
def table_striped_en():
    p = Page("table", "en", font="sans", size="8pt", width="190mm", justify=False)
    p.title("Staff on duty, week 24", 2)
    days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    people = ["C. Whitlow", "J. Morran", "E. Fairley", "O. Thackray", "P. Quill", "R. Sands", "T. Ember", "V. Lark"]
    shifts = ["early", "late", "night", "off", "early", "leave", "late"]
    p.table([["Name"] + days + ["Hours"]] + [[n] + [shifts[(i * 3 + d) % 7] for d in range(7)] + [str(32 + i % 5)] for i, n in enumerate(people)],
            columns="(1.7fr, 1fr, 1fr, 1fr, 1fr, 1fr, 1fr, 1fr, 1fr)", stroke="none", fill='(x, y) => if y == 0 { rgb("#345b7c") } else if calc.odd(y) { luma(235) } else { white }', bold_head=False,
            rules="")
    p.markup[-1] = p.markup[-1].replace('[#set par(justify: false)\n#"Name"]', '[#"Name"]')
    for word in ["Name"] + days + ["Hours"]:  # white letters on the dark row
        p.markup[-1] = p.markup[-1].replace(f'#"{word}"]', f'#text(fill: white)[#"{word}"]]', 1)
    return p


@document
def table_long_cells_de():
    w = Words("de", 17)
    p = Page("table", "de", font="sans", size="7.5pt", width="180mm", justify=False)
    p.title("Maßnahmen und Zuständigkeiten", 2)
    rows = [["Nr.", "Maßnahme", "Begründung", "Zuständig"]]
    for i in range(5):
        rows.append([f"M{i + 1}", w.sentence(), w.paragraph(2), w.name()])
    p.table(rows, columns="(auto, 2fr, 3fr, 1fr)")
    return p


@document
def menu_fr():
    p = Page("menu", "fr", font="serif", size="10pt", width="140mm", justify=False)
    p.title("Auberge du Vieux Moulin", align="center", style='size: 2em, style: "italic"')
    leader = "#box(width: 1fr, repeat[.])"
    with p.grid("(1fr, 1fr)", "9mm"):
        for title, dishes in (("Entrées", (("Soupe à l’oignon", "7,50"), ("Pâté de campagne", "8,20"), ("Œufs mimosa", "6,00"), ("Salade de chèvre", "9,10"))),
                              ("Plats", (("Bœuf braisé", "17,50"), ("Truite aux amandes", "16,80"), ("Gratin de légumes", "13,00"), ("Poulet rôti", "14,20")))):
            with p.cell():
                p.title(title, 2, align="center")
                for dish, price in dishes:
                    p.add("text", f"{dish} {price}")
                    p.raw(f'#"{dish}" {leader} #"{price}"\n\n')
    p.text("Prix en euros, service compris", 'style: "italic"', "center")
    return p


@document
def two_pages_en():
    """A book that lies open: the left page is read before the right one."""
    w = Words("en", 18)
    p = Page("book", "en", font="garamond", size="8.5pt", width="200mm", margin="10mm")
    with p.grid("(1fr, 1fr)", "18mm"):
        for number, side in ((84, "left"), (85, "right")):
            with p.cell():
                p.text(str(number), "size: 0.9em", side, kind="header")
                if number == 85:
                    p.title("The Ferry", align="center", style="size: 1.6em")
                p.paragraphs(w, 6 if number == 84 else 5)
    return p
