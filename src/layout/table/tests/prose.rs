//! Text in columns that is no table: prose, indexes and lists.

use super::*;

#[test]
fn justified_lines_with_gaps_as_wide_as_their_spaces_are_prose() {
    let names = [
        "Alder Birch Cedar Elm",
        "Fir Hazel Larch Maple",
        "Oak Pine Rowan Yew",
    ];
    // Gaps of 13 pixels in the middle of lines whose spaces have 8, and the same lines with narrow spaces.
    let lines = |space: f32| -> Vec<Segment> {
        let line = |at: usize| {
            let y = 30.0 * at as f32;
            let left = spaced(0.0, y, space, names[at % 3]);
            let right = spaced(left.bbox.x2 + 13.0, y, space, names[(at + 1) % 3]);
            [left, right]
        };
        let mut segments: Vec<Segment> = (0..12).flat_map(line).collect();
        // Lefts end at one place.
        for pair in segments.chunks_mut(2) {
            let by = 240.0 - pair[0].bbox.x2;
            for segment in pair {
                shift(segment, by);
            }
        }
        segments
    };
    assert_eq!(tables(&lines(6.0), &[]).len(), 1);
    is_none(&lines(8.0), &[], Reason::Prose);
}

fn shift(segment: &mut Segment, by: f32) {
    let words = segment.words.iter_mut().map(|word| &mut word.bbox);
    for bbox in words.chain([&mut segment.bbox]) {
        (bbox.x1, bbox.x2) = (bbox.x1 + by, bbox.x2 + by);
    }
}

#[test]
fn columns_whose_sentences_go_on_in_the_next_row_are_prose() {
    let rows: [&[&str]; 6] = [
        &["We rose at six and", "Later on a boat was"],
        &["went down to the old", "seen far out at sea"],
        &["pier to have a look", "with two men in it"],
        &["at all the nets put", "and a dog that sat"],
        &["there by us the day", "by them as if lost"],
        &["before it was so wet", "in the grey of dawn"],
    ];
    let place = |rows: &[&[&str]]| columns(&[0.0, 250.0], 0.0, rows);
    is_none(&place(&rows), &[], Reason::Prose);
    // Each row begins anew.
    let capital: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let first = |text: &&str| text[..1].to_uppercase() + &text[1..];
            row.iter().map(first).collect()
        })
        .collect();
    let capital: Vec<Vec<&str>> = capital
        .iter()
        .map(|row| row.iter().map(String::as_str).collect())
        .collect();
    let capital: Vec<&[&str]> = capital.iter().map(Vec::as_slice).collect();
    assert_eq!(tables(&place(&capital), &[]).len(), 1);
}

#[test]
fn chinese_text_in_columns_is_prose() {
    let rows: [&[&str]; 5] = [
        &[
            "清早我们沿着河边走到渡口去看看",
            "后来有一条小船从远处慢慢漂过来",
        ],
        &[
            "昨天放在水里的那几张旧渔网还是",
            "船上坐着两个人和一只大黑狗他们",
        ],
        &[
            "不是还在可是网里什么东西也没有",
            "望着岸上的人都不说话船就这样漂",
        ],
        &[
            "大家只好坐在石头上等着太阳出来",
            "过去了水面上又只剩下一片雾和风",
        ],
        &[
            "把衣服晒干再沿着原路走回村里去",
            "第二天没有人再提起过这件事情了",
        ],
    ];
    let place = |rows: &[&[&str]]| columns(&[0.0, 340.0], 0.0, rows);
    is_none(&place(&rows), &[], Reason::Prose);
    // Names and places.
    let rows: [&[&str]; 5] = [
        &["渡口", "河的北岸"],
        &["石桥", "村的东头"],
        &["水磨", "桥的下游"],
        &["渔网", "船的后舱"],
        &["粮仓", "村的西头"],
    ];
    assert_eq!(tables(&place(&rows), &[]), [html(&rows)]);
}

#[test]
fn names_in_order_with_pages_in_two_columns_are_an_index() {
    let rows: [&[&str]; 8] = [
        &["acorns", "12", "holly", "7"],
        &["alders", "40", "hornbeam", "31"],
        &["birches", "9", "ivy", "2"],
        &["brooks", "77", "juniper", "64"],
        &["cedars", "15", "larches", "18"],
        &["ferns", "3", "lichen", "90"],
        &["hazels", "28", "limes", "44"],
        &["heath", "51", "lindens", "13"],
    ];
    let place = |rows: &[&[&str]]| columns(&[0.0, 150.0, 300.0, 450.0], 0.0, rows);
    is_none(&place(&rows), &[], Reason::Contents);
    // With a head, and in another order.
    let head: &[&str] = &["Plant", "Count", "Plant", "Count"];
    let headed: Vec<&[&str]> = [head].into_iter().chain(rows).collect();
    assert_eq!(tables(&place(&headed), &[]), [html(&headed)]);
    let back: Vec<&[&str]> = rows.into_iter().rev().collect();
    assert_eq!(tables(&place(&back), &[]), [html(&back)]);
}

#[test]
fn names_in_order_with_pages_in_one_column_are_an_index_if_they_are_many() {
    let names = [
        "acorns", "alders", "birches", "brooks", "cedars", "ferns", "hazels", "heather", "ivy",
        "juniper", "larches", "lichen", "limes", "maples",
    ];
    let pages = [
        "12", "40", "9", "77", "15", "3", "28", "7", "31", "2", "64", "18", "5", "90",
    ];
    let pairs: Vec<[&str; 2]> = names.into_iter().zip(pages).map(Into::into).collect();
    let rows: Vec<&[&str]> = pairs.iter().map(|pair| &pair[..]).collect();
    let place = |rows: &[&[&str]]| columns(&[0.0, 150.0], 0.0, rows);
    is_none(&place(&rows), &[], Reason::Contents);
    assert_eq!(tables(&place(&rows[..11]), &[]), [html(&rows[..11])]);
}

#[test]
fn a_narrow_column_of_one_mark_is_that_of_a_list() {
    let rows: [&[&str]; 6] = [
        &["o", "Nets of the ferryman"],
        &["o", "Ropes and hooks"],
        &["o", "A lamp for the night"],
        &["o", "Salt and dry bread"],
        &["o", "Two oars of ash"],
        &["o", "A sail"],
    ];
    let place = |rows: &[&[&str]]| columns(&[0.0, 32.0], 0.0, rows);
    is_none(&place(&rows), &[], Reason::List);
    let mut names = rows.map(<[&str]>::to_vec);
    for (row, mark) in names.iter_mut().zip(["a", "b", "c", "d", "e", "f"]) {
        row[0] = mark;
    }
    let names: Vec<&[&str]> = names.iter().map(Vec::as_slice).collect();
    assert_eq!(tables(&place(&names), &[]), [html(&names)]);
}
