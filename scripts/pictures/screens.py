"""Slides, posters and what screens show."""
from latin import CODE, document
from page import SLIDE, Page
from texts import Words


def rounded(fill, more=""):
    return f'fill: {fill}, radius: 5pt, inset: 8pt, width: 100%{more}'


@document
def slide_en():
    w = Words("en", 21)
    p = Page("slide", "en", font="lato", size="14pt", margin="14mm", fill='gradient.linear(rgb("#f4f8fb"), rgb("#dbe8f0"))', **SLIDE)
    p.title("What the river left behind", style='size: 2em, weight: "bold", fill: rgb("#15507a")')
    with p.grid("(3fr, 2fr)", "10mm"):
        with p.cell():
            p.items(["Two seasons, five districts", "Samples dried, weighed and sealed", "Shade matters more than slope", "Second measurement confirms the first", w.sentence()])
        with p.cell():
            p.figure('#rect(width: 70mm, height: 45mm, fill: rgb("#9cc2d8"))[#align(center + horizon)[#text(size: 11pt)[Harbour 2026]]]', ["Harbour 2026"])
            p.caption("The harbour at low water", style="size: 0.7em")
    with p.place("bottom + right"):
        p.text("Waterways Board · June 2026 · 7", "size: 0.6em", kind="footer")
    return p


@document
def slide_dark_fr():
    p = Page("slide", "fr", font="lato", size="15pt", margin="16mm", fill='rgb("#16202c")', ink='rgb("#f2f2f2")', **SLIDE)
    p.title("Trois idées pour l’été", style='size: 2.2em, weight: "bold", fill: rgb("#ffd166")')
    with p.grid("(1fr, 1fr, 1fr)", "8mm"):
        for number, title, text in (("1", "Économiser", "Réparer les gouttières avant la sécheresse."), ("2", "Mesurer", "Répéter chaque relevé à dix jours d’intervalle."),
                                    ("3", "Partager", "Ouvrir les données à toutes les écoles.")):
            with p.cell():
                with p.boxed(rounded('rgb("#23384e")', ", height: 62mm")):
                    p.title(f"{number}. {title}", 2)
                    p.text(text)
    return p


@document
def slide_zh():
    p = Page("slide", "zh", font="hei", size="14pt", margin="14mm", **SLIDE)
    p.title("水库建设计划：分三期完成", style='size: 1.9em, weight: "bold", fill: rgb("#a02020")', align="center")
    with p.grid("(1fr, 1fr)", "10mm"):
        for title, items in (("已完成", ["地质勘查与测量", "居民意见调查", "资金审批"]), ("下一步", ["道路改线，六月开工", "大坝基础施工", "移民安置与补偿"])):
            with p.cell():
                with p.boxed(rounded("luma(238)", ", height: 70mm")):
                    p.title(title, 2)
                    p.items(items)
    return p


@document
def screen_settings():
    p = Page("screenshot", "en", font="sans", size="9.5pt", width="220mm", margin="0mm", justify=False, fill='rgb("#1e1e22")', ink='rgb("#dddddd")')
    with p.grid("(48mm, 1fr)", "0mm"):
        with p.cell('fill: rgb("#151518"), inset: 6mm'):
            p.text("Settings", 'size: 1.3em, weight: "bold"', either=True)
            for word in ("General", "Appearance", "Notifications", "Privacy", "Storage", "Keyboard", "About"):
                p.text(word, above="1.2em")
        with p.cell('inset: 8mm'):
            p.title("Notifications", 2)
            p.text("Choose when the application may interrupt you.", 'fill: rgb("#9a9aa2")')
            for label, note, value in (("Sound", "Play a tone for new messages", "On"), ("Badges", "Show a number on the icon", "Off"), ("Quiet hours", "No sounds between 22:00 and 07:00", "On"),
                                       ("Digest", "Collect messages and show them once a day", "Weekly")):
                with p.boxed('fill: rgb("#2a2a30"), radius: 5pt, inset: 8pt, width: 100%'):
                    p.add("text", label)
                    p.add("text", note)
                    p.add("text", value)
                    p.raw(f'#grid(columns: (1fr, auto), [*#"{label}"* #linebreak() #text(size: 0.85em, fill: rgb("#9a9aa2"))[#"{note}"]], align(right + horizon, box(fill: rgb("#3b6ea8"), radius: 8pt, inset: 5pt)[#"{value}"]))')
            p.text("Changes are saved at once.", 'size: 0.85em, fill: rgb("#9a9aa2")')
    return p


@document
def screen_dashboard():
    p = Page("screenshot", "en", font="lato", size="9pt", width="240mm", margin="6mm", justify=False, fill='rgb("#f0f2f5")')
    p.title("Overview", 1)
    with p.grid("(1fr, 1fr, 1fr, 1fr)", "4mm"):
        for colour, label, value, note in (("#e3f2e6", "Visitors", "12,480", "+4.1% since May"), ("#fde9e7", "Complaints", "37", "–12 since May"), ("#e5eefb", "Pages read", "98,113", "+0.6% since May"),
                                           ("#fff4d6", "Open orders", "206", "17 overdue")):
            with p.cell():
                with p.boxed(rounded(f'rgb("{colour}")')):
                    p.text(label)
                    p.text(value, 'size: 2em, weight: "bold"', above="0.5em", either=True)
                    p.text(note, "size: 0.85em", above="0.6em")
    with p.grid("(3fr, 2fr)", "4mm"):
        with p.cell():
            with p.boxed(rounded("white")):
                p.title("Latest orders", 3)
                p.table([["Order", "Customer", "Date", "State"], ["#4471", "Clara Whitlow", "11 Jun", "shipped"], ["#4470", "Owen Thackray", "11 Jun", "packed"], ["#4466", "Edith Fairley", "10 Jun", "waiting"],
                         ["#4459", "J. B. Morran", "9 Jun", "returned"]], columns="(auto, 1fr, auto, auto)", stroke="none", rules="table.hline(y: 1, stroke: 0.4pt + luma(180)),")
        with p.cell():
            with p.boxed(rounded("white")):
                p.title("Notes", 3)
                p.text("Call the harbour office about the second delivery.")
                p.text("The green umbrella is still at the desk.")
    return p


@document
def screen_chat():
    w = Words("de", 22)
    p = Page("screenshot", "de", font="sans", size="9pt", width="95mm", margin="4mm", justify=False, fill='rgb("#e9e4dc")')
    p.text("Gruppe Südufer", 'size: 1.2em, weight: "bold"', kind="header", either=True)
    for i in range(7):
        mine = i % 3 == 1
        text = w.sentence()
        time = f"17:{20 + 3 * i}"
        p.add("text", text)
        p.add("text", time)
        p.raw(f'#align({"right" if mine else "left"})[#box(width: 74%, fill: rgb("{"#d8f5c8" if mine else "#ffffff"}"), radius: 6pt, inset: 6pt)[#set align(left)\n#"{text}" #linebreak() #h(1fr)#text(size: 0.75em, fill: luma(110))[#"{time}"]]]\n')
    return p


@document
def screen_code():
    p = Page("screenshot", "en", font="mono", size="8.5pt", width="200mm", margin="5mm", justify=False, fill='rgb("#0f1117")', ink='rgb("#c9d1d9")')
    p.text("gauges.py — editor", 'size: 0.9em, fill: rgb("#8b949e")', kind="header")
    p.add("code", "\n".join(CODE))
    colours = {"def": "#ff7b72", "for": "#ff7b72", "if": "#ff7b72", "with": "#ff7b72", "yield": "#ff7b72"}
    rows = []
    for number, line in enumerate(CODE, 1):
        bare = line.lstrip()
        colour = colours.get(bare.split(" ")[0], "#a5d6ff" if bare.startswith('"""') else "#c9d1d9")
        body = line.replace("\\", "\\\\").replace('"', '\\"').replace(" ", "\u00a0")
        rows.append(f'[], [#text(fill: rgb("{colour}"))[#"{body}"]]')
    p.raw(f"#grid(columns: (4mm, 1fr), row-gutter: 5pt, {', '.join(rows)})\n")
    p.text("Ln 7, Col 21   UTF-8   Python 3.9", 'size: 0.8em, fill: rgb("#8b949e")', kind="footer")
    return p


@document
def screen_ja():
    p = Page("screenshot", "ja", font="gothic", size="9.5pt", width="100mm", margin="5mm", justify=False)
    p.title("お知らせ一覧", 2)
    for colour, tag, text, date in (("#d9534f", "重要", "六月十五日は設備点検のため休館します。", "2026/06/11"), ("#5b9bd5", "催し", "古い地図の展示を始めました。", "2026/06/09"), ("#70ad47", "案内", "自習室の席を電話で予約できます。", "2026/06/02"),
                                    ("#5b9bd5", "催し", "絵本の読み聞かせ会（毎週土曜日）", "2026/05/28")):
        p.add("text", tag)
        p.add("text", date)
        p.add("text", text)
        p.raw(f'#block(stroke: (bottom: 0.4pt + luma(200)), inset: (bottom: 6pt), width: 100%)[#box(fill: rgb("{colour}"), inset: 3pt, radius: 2pt)[#text(fill: white, size: 0.8em)[#"{tag}"]] #h(4pt) #text(size: 0.85em, fill: luma(110))[#"{date}"] #linebreak() #"{text}"]\n')
    with p.boxed('fill: rgb("#2c3e50"), inset: 8pt, width: 100%'):
        p.text("もっと見る", "fill: white", "center")
    return p


@document
def poster_en():
    p = Page("poster", "en", font="lato", size="12pt", width="150mm", height="200mm", margin="14mm", justify=False, fill='gradient.linear(rgb("#f6d365"), rgb("#fda085"), angle: 60deg)')
    p.title("WINTER MARKET", align="center", style='size: 3em, weight: "black"')
    p.text("in the old mill of Ashford Mere", 'size: 1.4em, style: "italic"', "center", either=True)
    p.text("Saturday 5 December, 10 am to 6 pm", 'size: 1.5em, weight: "bold"', "center", above="3em", either=True)
    p.raw("#v(1fr)")
    with p.grid("(1fr, 1fr)", "8mm"):
        with p.cell():
            with p.boxed('fill: rgb("#00000022"), inset: 5mm, width: 100%'):
                p.title("Stalls", 2)
                p.lines(["Candles and honey", "Ropes and ladders", "Old maps and books"])
        with p.cell():
            with p.boxed('fill: rgb("#00000022"), inset: 5mm, width: 100%'):
                p.title("Music", 2)
                p.lines(["11:00 Harbour Choir", "14:00 Brass of Kelbrook", "17:00 Lantern walk"])
    p.raw("#v(1fr)")
    p.text("Admission free. Please leave dogs at home.", "size: 0.9em", "center")
    return p


@document
def sign_en():
    p = Page("sign", "en", font="sans", size="16pt", width="120mm", margin="8mm", justify=False, fill="none")
    p.text("Footpath closed until 30 June", 'weight: "bold"', either=True)
    p.text("Use the lower bridge, 400 m to the left.", "size: 0.8em")
    p.text("Waterways Board, tel. 01555 010 900", "size: 0.6em")
    return p
