"""Sentences for the pictures: written for them, in eight languages, filled in from lists of words by seed.

`Words(language, seed)` yields sentences, paragraphs and headings. Each language has patterns whose gaps ({n} a number, {N} a
larger one, {p} a place, {m} a month, {g} a name, {t} a thing) stand where no ending of another word depends on them. No
sentence comes twice from one `Words` until all patterns were used; from then on an addition (`ADDITIONS`) makes it another one, so that
the place of each in a page can be told.
"""
import random

SEED = 0  # other texts and damages with another one
ADDITIONS = {
    "en": (", as {g} wrote in {m}", ", or so they say in {p}", " (see page {n})", ", as the minutes of {n} {m} show", ", and {p} will be told on {n} {m}"),
    "de": (", wie {g} im {m} schrieb", " (siehe Seite {n})", ", so heißt es in {p}", "; darüber wurde am {n}. {m} in {p} gesprochen"),
    "fr": (" (voir page {n})", ", comme l’a noté {g} en {m}", ", dit-on à {p}", " ; la note du {n} {m} le confirme"),
    "es": (", según contaba {g}", ", o eso dicen en {p}", " (véase la página {n})", ", como cada {n} de {m}"),
    "pl": (" (zob. strona {n})", ", jak zapisano w punkcie {n}"),
    "cs": (" (viz strana {n})", ", jak uvádí bod {n}"),
    "zh": ("（见第{n}页）", "，{p}的{g}也这样认为", "，详见附录{n}"),
    "ja": ("（{n}ページを参照）", "と{p}の{g}さんは書いている", "という記録が{n}番の箱にある"),
}

TEXTS = {
    "en": dict(
        sentences=[
            "The council of {p} met on {n} {m} and approved the budget for the coming year.",
            "More than {N} visitors crossed the bridge within a week of its opening.",
            "According to {g}, the work began earlier than planned because the river was low.",
            "Nobody had expected the old mill to survive another winter without repairs.",
            "A survey of {n} households shows that most people walk to the market.",
            "The archive keeps letters, maps and a small collection of glass plates.",
            "When the rain stopped, the workers cleared the road and counted the damage.",
            "Two thirds of the cost will be met by the province, the rest by the town of {p}.",
            "It is not yet known who will take over the workshop after {g} retires.",
            "The samples were dried at {n} degrees, weighed twice and stored in sealed jars.",
            "Every step of the method is described, so that others can repeat it.",
            "We compared {n} sites and found that shade matters more than slope.",
            "“We have waited for this long enough,” said {g} at the town hall.",
            "The difference is small (about {n}%), but it holds in all seasons.",
            "In {m} the price of seed rose again, while the yield stayed the same.",
            "Figures for the eastern districts are missing; they will follow in spring.",
            "The harbour at {p} closes at night, yet the lamps are left burning.",
            "A second measurement, made {n} days later, confirms the first one.",
            "Children from three schools painted the fence along the railway.",
            "Whoever has lost a green umbrella may ask for it at the office in {p}.",
        ],
        headings=["A bridge for {p}", "Methods and materials", "What the river left behind", "Results of the second season", "Costs and funding",
                  "Notes on the archive", "The winter market", "Discussion", "How the samples were taken", "Plans for the harbour"],
        p=["Ashford Mere", "Kelbrook", "Little Wenham", "Port Arden", "Stonehaven Moor"], m=["March", "June", "October", "February"],
        g=["Clara Whitlow", "J. B. Morran", "Edith Fairley", "Owen Thackray"], t=["lamp", "chair", "ladder", "kettle", "pump", "valve", "rope", "crate"]),
    "de": dict(
        sentences=[
            "Der Gemeinderat von {p} hat am {n}. {m} über den Neubau der Brücke beraten.",
            "Die Prüfung ergab keine Mängel, die den Betrieb gefährden würden.",
            "Für Rückfragen steht Ihnen {g} werktags zwischen neun und zwölf Uhr zur Verfügung.",
            "Größere Schäden entstanden nur dort, wo die Böschung schon vorher unterspült war.",
            "Insgesamt {N} Fahrgäste nutzten die neue Linie im ersten Monat.",
            "Straßen, Wege und Plätze werden künftig durch einen gemeinsamen Bauhof gepflegt.",
            "„Das hätte früher geschehen müssen“, sagte {g} während der Sitzung.",
            "Überdies müssen die Eigentümer jährlich nachweisen, dass die Öfen gewartet wurden.",
            "Nach Auffassung der Behörde ist die Maßnahme verhältnismäßig und ausreichend begründet.",
            "Etwa {n} % der Befragten wünschen sich längere Öffnungszeiten.",
            "Die Wasserversorgungsgenossenschaft erhöht ihre Gebühren zum Jahreswechsel nicht.",
            "Im {m} beginnen die Arbeiten am Südufer, die ungefähr {n} Wochen dauern.",
            "Wer den Schlüssel gefunden hat, möge ihn bitte im Büro in {p} abgeben.",
            "Zwischen beiden Messungen lagen {n} Tage; die Abweichung blieb äußerst gering.",
            "Das Museum zeigt Gemälde, Möbel und ein vollständig erhaltenes Uhrwerk.",
            "Auch die Bäckerei am Fluß öffnet wieder, allerdings mit kürzerem Angebot.",
        ],
        headings=["Überblick", "Kosten und Förderung", "Bäume am Südufer", "Neue Brücke für {p}", "Ergebnisse der Prüfung", "Weiteres Vorgehen",
                  "Öffnungszeiten ab {m}", "Schäden nach dem Hochwasser"],
        p=["Oberweißach", "Kößlarn", "Neuenrüthe", "Mühlhagen"], m=["März", "Mai", "Oktober", "August"],
        g=["Jürgen Höfler", "Frau Dr. Käthe Strößner", "Anna Weißgerber"], t=["Schraube", "Dübel", "Gerüst", "Mörtel", "Türgriff", "Kübel"]),
    "fr": dict(
        sentences=[
            "Le conseil de {p} s’est réuni le {n} {m} pour étudier le projet de l’école.",
            "Les élèves ont créé une œuvre où chaque pièce raconte une journée d’été.",
            "Près de {N} personnes ont traversé la forêt à pied cette année.",
            "D’après {g}, la récolte dépasse largement celle de l’année précédente.",
            "Il faudra vérifier les façades, les fenêtres et même les gouttières.",
            "Où que l’on aille, le goût du pain dépend du four et de la farine.",
            "La différence, environ {n} %, s’explique par la sécheresse du mois de {m}.",
            "Ça n’a pas empêché les bénévoles de repeindre le théâtre en une semaine.",
            "« Nous étions prêts », déclare {g}, qui dirige l’atelier depuis longtemps.",
            "Le musée conserve des lettres, des cartes géographiques et des bijoux.",
            "Deux mesures ont été répétées à {n} jours d’intervalle.",
            "La mairie de {p} reçoit le public chaque matin, sauf le mercredi.",
            "Une fenêtre brisée, un âne égaré : voilà tout ce que l’orage a laissé.",
            "Les prix élevés du blé inquiètent déjà les boulangers de la région.",
        ],
        headings=["L’école près de la forêt", "Méthode et matériel", "Le marché d’été", "Résultats", "À propos de l’œuvre", "Conclusion générale"],
        p=["Bézieux", "Saint-Hélier-le-Vieux", "Châteauvert"], m=["août", "février", "mars", "décembre"],
        g=["Éloïse Garnaud", "M. François Lebœuf", "Agnès Thévenot"], t=["crème", "gâteau", "thé", "pâté", "fenêtre"]),
    "es": dict(
        sentences=[
            "El ayuntamiento de {p} aprobó el {n} de {m} la reforma del viejo jardín.",
            "Según {g}, el agua llegó más rápido de lo que nadie había imaginado.",
            "Los niños corrían por la plaza mientras la señora cerraba el balcón.",
            "¿Quién había dejado la lámpara encendida durante toda la noche?",
            "Más de {N} viajeros pasaron por la estación en una sola mañana.",
            "La abuela guardaba las cartas en un cajón que olía a café y a canela.",
            "¡Qué extraño!, pensó, y volvió a leer el último renglón del papel.",
            "Después del almuerzo salimos a buscar leña cerca del río pequeño.",
            "Un tercio de la cosecha se perdió; el resto se vendió en {p}.",
            "Al otro lado del cañón vivía un relojero que nunca miraba la hora.",
            "En {m} los almendros florecen antes, y el pueblo entero huele a miel.",
            "Hacía {n} años que nadie abría aquella puerta de madera.",
        ],
        headings=["Capítulo segundo", "La estación vacía", "El jardín de {p}", "Al otro lado del río"],
        p=["Villanueva del Peñón", "Montálvez", "Arroyo Íñigo"], m=["enero", "abril", "mayo"],
        g=["Íñigo Peñalver", "doña Asunción", "José María Ibáñez"], t=["café", "piña", "azúcar", "jamón"]),
    "pl": dict(
        sentences=[
            "Rada gminy {p} przyjęła nowy plan dnia {n} kwietnia bez głosów sprzeciwu.",
            "W ubiegłym roku most przekroczyło ponad {N} pieszych i rowerzystów.",
            "Zgłoszenia prosimy przesyłać pocztą albo składać osobiście w urzędzie.",
            "Koszt naprawy dachu okazał się wyższy, niż wcześniej zakładano.",
            "Źródło wody pitnej znajduje się poniżej starej wieży ciśnień.",
            "Dziękujemy wszystkim, którzy pomogli oczyścić brzeg rzeki.",
            "Część mieszkańców chciałaby, żeby targ odbywał się również w środę.",
            "Umowa zostaje przedłużona o {n} miesięcy na dotychczasowych warunkach.",
            "Jeżeli nie otrzymamy odpowiedzi, uznamy sprawę za zamkniętą.",
            "Łączna powierzchnia działki wynosi około {N} metrów kwadratowych.",
            "Książki można wypożyczać bezpłatnie przez cały tydzień.",
            "Pieśń usłyszano najpierw na święcie żniw, później także w mieście.",
        ],
        headings=["Dotyczy przedłużenia umowy", "Wyniki głosowania", "Źródła i mosty"],
        p=["Żółtów", "Świerczyna", "Dębno Małe"], m=["kwiecień"], g=["Łucja Gałązka", "Józef Wróbel"],
        t=["łódź", "gwóźdź", "żarówka", "ścierka"]),
    "cs": dict(
        sentences=[
            "Zastupitelstvo obce schválilo nový rozpočet dne {n}. května bez připomínek.",
            "Příští rok se opraví střecha školy i přilehlé chodníky.",
            "Děkujeme vám za objednávku a těšíme se na další spolupráci.",
            "Fakturu uhraďte převodem na uvedený účet nejpozději do {n} dnů.",
            "Kůň překročil řeku u mlýna, když ještě ležela mlha.",
            "Dešťová voda se zadržuje v nádrži o objemu {N} litrů.",
            "Řidič uvedl, že značku přehlédl kvůli oslnění.",
            "Žádosti podávejte písemně, nejlépe prostřednictvím úřadu.",
            "Žluťásek se zde objevil teprve loni v létě.",
            "Větší část lesů patří od března městu a jeho společnostem.",
        ],
        headings=["Daňový doklad", "Zpráva o činnosti", "Úpravy cest"],
        p=["Říčany nad Jizerou", "Přešťovice"], m=["květen"], g=["Růžena Dvořáčková", "Zdeněk Kříž"],
        t=["šroub M6", "dřevěná lišta", "nátěr střešní", "žebřík", "hřebíky", "kbelík"]),
    "zh": dict(
        sentences=[
            "{p}市政府在{n}月份公布了新的水库建设计划。",
            "据{g}介绍，工程将分三期完成，总投资约{N}万元。",
            "由于连续降雨，部分路段暂时封闭，请驾驶员提前绕行。",
            "调查显示，大约{n}%的居民希望延长图书馆的开放时间。",
            "博物馆收藏了大量书信、地图以及早期的玻璃底片。",
            "两次测量相隔{n}天，结果基本一致，误差很小。",
            "春天来得比往年更早，山坡上的杏花已经全部开放。",
            "孩子们沿着铁路边的围墙画满了鱼、鸟和云彩。",
            "为了保证质量，每一批样品都要经过称重、干燥和密封。",
            "老桥建成于一百多年前，至今仍有行人和自行车通过。",
            "去年共有{N}名游客参观了这座小镇的茶园。",
            "“我们等了很久”，{g}在会议上说，“现在终于可以开工了。”",
            "本方法的优点是步骤简单、费用较低，并且便于重复。",
            "集市每逢周三和周六开放，雨天则改在室内举行。",
            "如果设备出现异常声音，应立即切断电源并通知维修人员。",
            "与前一年相比，粮食产量增加了{n}%，但价格没有变化。",
        ],
        headings=["新桥即将开工", "研究方法", "结果与讨论", "茶园里的春天", "水库建设计划公布", "集市改期通知", "老照片的故事", "降雨影响交通"],
        p=["青河", "云岭", "白沙"], m=["三月"], g=["李文清", "王素芬", "陈志远"], t=["绿茶", "毛巾", "牙刷", "酱油", "面条", "鸡蛋", "纯牛奶", "苹果"]),
    "ja": dict(
        sentences=[
            "{p}市では、来年度から図書館の開館時間を延長することになった。",
            "川の水位が下がったため、工事は予定より早く始まりました。",
            "昨年の来場者は{N}人で、これまでで最も多かった。",
            "{g}さんは「長いあいだ待ちました」と静かに語った。",
            "古い水車小屋が、もう一度冬を越すとは誰も思わなかった。",
            "試料は{n}度で乾燥させ、二回計量したのち密封して保存した。",
            "ご使用の前に、この説明書を必ずお読みください。",
            "駅前の商店街では、毎週土曜日に朝市が開かれる。",
            "窓を開けると、遠くの山から冷たい風が流れこんできた。",
            "約{n}パーセントの世帯が、歩いて買い物に行くと答えている。",
            "祖母はその手紙を、桐の箱に入れて大切にしまっていた。",
            "汽車はゆっくりと橋を渡り、やがて白い霧の中に消えた。",
            "部品の交換は、電源を切ってから行ってください。",
            "子どもたちは線路ぞいの塀に、魚や鳥や雲の絵を描いた。",
            "二つの測定の差は小さく、季節によっても変わらなかった。",
        ],
        headings=["朝市のお知らせ", "はじめに", "方法と材料", "水車小屋の冬", "安全にお使いいただくために", "図書館の開館時間を延長"],
        p=["青葉", "白川", "北浜"], m=["三月"], g=["佐伯", "小野寺", "藤村"], t=["緑茶", "おにぎり", "牛乳", "食パン", "みかん", "電池"]),
}


class Words:
    def __init__(self, language, seed):
        self.language, self.data, self.random = language, TEXTS[language], random.Random(f"{language} {seed} {SEED}")
        self.decks, self.dealt = {}, 0

    def deal(self, what):
        """The next of a list, all of them before any comes again."""
        deck = self.decks.setdefault(what, [])
        if not deck:
            deck.extend(self.random.sample(self.data[what], len(self.data[what])))
        return deck.pop()

    def fill(self, pattern):
        r = self.random
        large = r.randrange(1200, 99000)
        mark = {"en": ",", "de": ".", "es": ".", "fr": "\u00a0", "pl": "\u00a0", "cs": "\u00a0"}.get(self.language, "")
        return pattern.format(n=r.randrange(2, 29), N=f"{large:,}".replace(",", mark), p=r.choice(self.data["p"]), m=r.choice(self.data["m"]),
                              g=r.choice(self.data["g"]), t=r.choice(self.data["t"]))

    def sentence(self):
        pattern = self.deal("sentences")
        self.dealt += 1
        if self.dealt > len(self.data["sentences"]) and pattern[-1] in ".。" and pattern[-2] not in "”“":
            pattern = pattern[:-1] + self.random.choice(ADDITIONS[self.language]) + pattern[-1]
        return self.fill(pattern)

    def heading(self):
        return self.fill(self.deal("headings"))

    def thing(self):
        return self.deal("t")

    def name(self):
        return self.deal("g")

    def place(self):
        return self.deal("p")

    def paragraph(self, sentences=4):
        return ("" if self.language in ("zh", "ja") else " ").join(self.sentence() for _ in range(sentences))

    def amount(self, low=1, high=900):
        """An amount of money with two decimals, in the language's form."""
        cents = self.random.randrange(low * 100, high * 100)
        text = f"{cents // 100:,}.{cents % 100:02}"
        if self.language in ("de", "es"):
            text = text.translate(str.maketrans(",.", ".,"))
        elif self.language in ("fr", "pl", "cs"):
            text = text.replace(",", "\u00a0").replace(".", ",")
        return text
