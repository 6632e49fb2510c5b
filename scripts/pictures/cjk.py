"""Documents in Chinese and Japanese, also with Latin words among them."""
from latin import document
from page import RECEIPT, Page
from texts import Words


@document
def report_zh():
    w = Words("zh", 1)
    p = Page("report", "zh", font="song", size="9.5pt", leading="0.8em", header=["青河市水务年报", "2025"], footer=["第 12 页"])
    p.raw("#set par(first-line-indent: (amount: 2em, all: true))")
    p.title("第三章 " + w.heading(), align="center", style='font: ("Noto Sans CJK SC",), size: 1.5em, weight: "bold"')
    p.paragraphs(w, 2)
    p.title("3.1 " + w.heading(), 2)
    p.paragraphs(w, 2, 3)
    p.title("3.2 " + w.heading(), 2)
    p.paragraphs(w, 2)
    return p


@document
def paper_zh_en():
    w, e = Words("zh", 2), Words("en", 102)
    p = Page("paper", "zh en", font="song", size="7.8pt", leading="0.65em", width="160mm", footer=["· 45 ·"])
    p.title("河流沉积物干燥过程的重复测量", align="center", style='font: ("Noto Sans CJK SC",), size: 1.7em')
    p.text("李文清，王素芬", "", "center", above="0.5em")
    p.text("摘要：" + w.paragraph(3), "size: 0.95em")
    p.text("关键词：沉积物；干燥；重复测量", "size: 0.95em")
    p.text("Abstract: " + e.paragraph(3), "size: 0.95em")
    with p.columns(2):
        p.title("1 引言", 2)
        p.paragraphs(w, 2)
        p.title("2 " + w.heading(), 2)
        p.paragraphs(w, 2)
        p.text("样品使用 Brass Valve 20 型干燥箱处理，温度为 105 ℃，数据用 Python 3.9 程序 (drain.py) 计算。")
        p.paragraphs(w, 2)
        p.title("3 结果与讨论", 2)
        p.paragraphs(w, 4)
    return p


@document
def newspaper_zh():
    w = Words("zh", 3)
    p = Page("newspaper", "zh", font="song", size="7.6pt", leading="0.6em", width="210mm", margin="10mm")
    p.text("云岭晚报", 'font: ("Noto Sans CJK SC",), size: 3.6em, weight: "bold"', kind="header", either=True)
    p.text("2026年6月11日 星期四 农历四月廿六 第4118期", "", kind="header", above="0.4em")
    p.raw("#line(length: 100%)")
    p.title("新桥提前通车 河水降至十年最低", align="center", style='font: ("Noto Sans CJK SC",), size: 2.6em, weight: "bold"')
    with p.columns(4, "4mm"):
        p.paragraphs(w, 7, 5)
    p.raw("#line(length: 100%, stroke: 0.5pt)")
    with p.grid("(2fr, 1fr)"):
        with p.cell():
            p.title(w.heading(), style='font: ("Noto Sans CJK SC",), size: 1.7em, weight: "bold"')
            with p.columns(3, "4mm"):
                p.paragraphs(w, 6, 5)
        with p.cell('fill: luma(232), inset: 3mm'):
            p.title(w.heading(), 2)
            p.paragraphs(w, 2, 3)
    return p


@document
def receipt_zh():
    p = Page("receipt", "zh", font="hei", size="8pt", **RECEIPT)
    p.text("云岭便利店", 'size: 1.6em, weight: "bold"', "center", either=True)
    p.text("青河市白沙路18号", "", "center", above="0.5em")
    p.text("单号：20260611-0042", above="0.6em")
    p.text("时间：2026-06-11 17:42:09", above="0.5em")
    p.raw('#line(length: 100%, stroke: (dash: "dashed", thickness: 0.6pt))')
    p.table([["品名", "数量", "单价", "金额"], ["绿茶 500ml", "2", "3.50", "7.00"], ["鸡蛋", "1", "12.80", "12.80"], ["酱油", "1", "9.90", "9.90"], ["牙刷（软毛）", "3", "4.00", "12.00"], ["面条", "2", "5.60", "11.20"]],
            columns="(2fr, 1fr, 1fr, 1fr)", stroke="none", align="(left, right, right, right)", bold_head=False, inset="2pt")
    p.raw('#line(length: 100%, stroke: (dash: "dashed", thickness: 0.6pt))')
    p.table([["合计", "52.90"], ["优惠", "-2.90"], ["实收", "50.00"]], columns="(1fr, auto)", stroke="none", align="(left, right)", head=0, inset="2pt")
    p.text("谢谢惠顾，欢迎再来！", "", "center")
    return p


@document
def form_zh():
    p = Page("form", "zh", font="song", size="9pt", justify=False)
    p.title("设备维修申请表", align="center", style='font: ("Noto Sans CJK SC",), size: 1.7em, weight: "bold"')
    p.text("编号：WX-2026-0117", align="right")
    p.table([["申请部门", "水文测量科", "申请日期", "2026年6月11日"], ["设备名称", "电子天平", "设备编号", "TP-3306"], ["申请人", "陈志远", "联系电话", "8800 4471"],
             ["故障描述", ("开机后显示不稳定，称量同一样品时读数相差较大，并伴有异常声音。", 1, 3), None, None],
             ["处理意见", ("更换电源模块，重新校准后交付使用。", 1, 3), None, None], ["维修费用", "￥360.00", "验收人", ""]],
            columns="(auto, 1fr, auto, 1fr)", head=0, inset="7pt", align="left + horizon")
    p.text("注：本表一式两份，由申请部门和维修部门分别保存。", "size: 0.85em")
    with p.place("bottom + right", "-8mm", "-12mm"):
        p.add("stamp", "青河市水务局")
        p.raw('#circle(radius: 14mm, stroke: 2pt + rgb("#d0202090"))[#align(center + horizon)[#text(fill: rgb("#d0202090"), weight: "bold", size: 10pt)[青河市水务局]]]')
    return p


@document
def table_zh():
    p = Page("table", "zh", font="song", size="8.5pt", width="165mm", justify=False)
    p.caption("表3 各区县粮食产量（单位：吨）")
    p.table([[("区县", 2, 1), ("2024年", 1, 2), None, ("2025年", 1, 2), None, ("增长率", 2, 1)], [None, "夏粮", "秋粮", "夏粮", "秋粮", None], ["青河区", "1120", "3405", "1185", "3520", "3.9%"],
             ["云岭县", "876", "2910", "903", "2768", "-3.2%"], ["白沙县", "540", "1602", "497", "1711", "2.8%"], ["合计", "2536", "7917", "2585", "7999", "1.3%"]],
            columns="(1.3fr, 1fr, 1fr, 1fr, 1fr, 1fr)", align="center", head=2)
    p.text("注：数据来源于各区县统计部门，部分数据为初步核算结果。", "size: 0.85em")
    return p


@document
def contents_zh():
    p = Page("contents", "zh", font="song", size="10.5pt", justify=False, leading="0.85em")
    p.title("目　录", align="center")
    for level, text, page in ((0, "前言", "1"), (0, "第一章 河流与人", "3"), (1, "第一节 最早的村落", "5"), (1, "第二节 水车与桥梁", "21"), (0, "第二章 水的测量", "47"), (1, "第一节 仪器", "49"),
                              (1, "第二节 一年的雨", "66"), (0, "第三章 港口", "95"), (1, "第一节 灯塔与守灯人", "97"), (0, "附录 潮汐表", "140")):
        p.add("text", f"{text} {page}")
        p.raw(f'#h({level * 2}em)#"{text}" #box(width: 1fr, repeat[…]) #"{page}"#linebreak()\n')
    return p


def wide(least, margin, pitch, parts):
    """Width in mm of a page for the most lines from top to bottom among some parts, at least that of a book."""
    lines = max(len(Page.upright_lines(*part)) for part in parts)
    return f"{max(least, lines * pitch * 0.3528 + 2 * margin):g}mm"


@document
def book_ja():
    w = Words("ja", 4)
    part = (["水車小屋の冬"] + [w.paragraph(4) for _ in range(4)], 36, ["title"] + ["text"] * 4)
    p = Page("book", "ja vertical", font="mincho", width=wide(128, 16, 18, [part]), height="182mm", margin="16mm")
    p.end.append({"kind": "footer", "text": "八十四"})
    with p.place("bottom + center", dy="8mm"):
        p.raw('#text(size: 7pt)[八十四]')
    p.upright(part[0], part[1], "10.5pt", "18pt", part[2])
    return p


@document
def magazine_ja():
    """Vertical text in two tiers, the upper one first."""
    w = Words("ja", 5)
    upper = (["朝市の日に"] + [w.paragraph(3) for _ in range(4)], 24, ["title"] + ["text"] * 4)
    lower = ([w.paragraph(3) for _ in range(5)], 24)
    p = Page("magazine", "ja vertical", font="gothic", width=wide(150, 12, 17, [upper, lower]), height="214mm", margin="12mm")
    p.upright(upper[0], upper[1], "9.5pt", "17pt", upper[2])
    p.raw("#v(5mm)")
    p.upright(lower[0], lower[1], "9.5pt", "17pt")
    return p


@document
def manual_ja():
    w = Words("ja", 6)
    p = Page("manual", "ja en", font="gothic", size="8.5pt", leading="0.75em", footer=["12", "KT-300 取扱説明書"])
    p.title("安全にお使いいただくために", style='size: 1.6em, weight: "bold"')
    p.paragraphs(w, 1, 3)
    with p.boxed('stroke: 1pt, inset: 3mm, width: 100%'):
        p.title("警告", 2)
        p.items(["電源コードを傷つけないでください。", "ぬれた手でプラグにさわらないでください。", "本体を水の中に入れないでください。"])
    p.title("仕様", 2)
    p.table([["型番", "KT-300W / KT-300B"], ["電源", "AC 100 V、50/60 Hz"], ["消費電力", "1,200 W"], ["容量", "0.8 L"], ["質量", "約 1.1 kg"]], columns="(1fr, 2fr)", head=0)
    p.paragraphs(w, 1, 3)
    p.text("お問い合わせ：support@kt300.example（平日 9:00〜17:00）")
    return p


@document
def receipt_ja():
    p = Page("receipt", "ja", font="gothic", size="8.5pt", width="70mm", margin="5mm", justify=False)
    p.text("北浜マート 駅前店", 'size: 1.3em, weight: "bold"', "center", either=True)
    p.text("2026年6月11日(木) 17:42", "", "center", above="0.5em")
    p.text("領収書", 'size: 1.3em', "center", either=True)
    p.table([["緑茶 600ml", "¥158"], ["おにぎり 鮭", "¥140"], ["食パン 6枚", "¥178"], ["みかん 1袋", "¥398"], ["小計", "¥874"], ["消費税(8%)", "¥69"], ["合計", "¥943"], ["お預り", "¥1,000"], ["お釣り", "¥57"]],
            columns="(1fr, auto)", stroke="none", align="(left, right)", head=0, inset="2.5pt")
    p.text("またのご来店をお待ちしております", "size: 0.9em", "center")
    return p


@document
def table_ja():
    p = Page("table", "ja", font="gothic", size="8.5pt", justify=False)
    p.title("会議室の予約状況", 2)
    p.table([["時間", "第一会議室", "第二会議室", "多目的ホール"], ["9:00", "営業部", "", "設営"], ["10:30", "営業部", "採用面接", "新製品説明会"], ["13:00", "", "採用面接", "新製品説明会"], ["15:00", "安全委員会", "品質管理課", "片付け"]],
            columns="(auto, 1fr, 1fr, 1.2fr)", inset="6pt", stroke="0.6pt")
    p.text("※変更がある場合は、前日までに総務課へご連絡ください。", "size: 0.85em")
    return p


@document
def card_ja():
    p = Page("card", "ja en", font="gothic", size="8.5pt", width="91mm", height="55mm", margin="7mm", justify=False)
    p.text("株式会社 青葉水文測器", 'size: 1.1em, weight: "bold"', either=True)
    p.text("開発部 主任", above="1.6em")
    p.text("小野寺 美咲", 'size: 1.8em', above="0.6em", either=True)
    p.text("Misaki ONODERA", "size: 0.9em", above="0.5em")
    p.text("〒989-0102 青葉市白川町3-14-5", "size: 0.85em", above="2em")
    p.text("Tel 022-555-0147  m.onodera@aobasuimon.example", "size: 0.85em", above="0.5em")
    return p
