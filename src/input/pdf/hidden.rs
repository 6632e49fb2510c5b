//! Finds the text of a page that a reader does not see.
//!
//! What lies outside of the page or is too small follows from boxes. Other text is first suspected: it belongs
//! to optional content, has the colour of its ground, lies below something that is drawn later, or there is no
//! contrast where it should be ([`super::ground`]). Then it is proved: the page is rendered with the suspected
//! text and without it. Text that changes no pixel although its font has outlines for it is not seen. Pages
//! without a suspicion, which are nearly all, are rendered no second time. In doubt a text is seen.
//!
//! Text in an invisible mode is the page's text where it lies on marks that no other text explains: the layer
//! of a scan.

use super::content::TextObject;
use super::ground::{Ground, Under};
use super::library::OpenPage;
use super::page::PdfPage;
use crate::document::HiddenReason;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// Text whose characters are smaller than this in both directions (points) is not seen at any magnification
/// that a reader uses.
const TINY: f32 = 0.5;
/// Difference in levels, of 255, below which a colour is suspected to be that of its ground.
const NEAR: u8 = 24;
/// Contrast in levels, of 255, of a box with ink in it, as for text layers as a whole.
const INK_CONTRAST: u8 = 24;
/// Difference in levels, of 255, that a reader sees.
const SEEN: u8 = 10;
/// Share of the characters in an invisible mode that lie on ink from which on all of them are the layer of a
/// scan: its recognizer also found words in specks.
const LAYER_SHARE: f32 = 0.7;
/// Height in pixels of the smallest suspected characters in the pictures that are compared.
const CHAR_PIXELS: f32 = 8.0;
/// Largest and smallest scale of these pictures, in pixels per point. Below it nothing can be proved.
const ZOOM: (f32, f32) = (3.0, 0.4);
/// Most pixels of such a picture.
const MOST_PIXELS: f32 = 4_000_000.0;
/// Bytes that the comparison takes for a pixel: two pictures and their difference.
const PIXEL_BYTES: u64 = 16;
/// Most pixels of a box that are looked at; larger boxes are sampled.
const SAMPLES: usize = 1024;
/// Characters of a word whose outlines are looked up.
const OUTLINES: usize = 4;

/// A page as it was rendered: rows of RGB from the top.
pub(crate) struct Rendered<'a> {
    /// Three bytes for each pixel.
    pub data: &'a [u8],
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
}

/// Characters of one run without spaces between them.
struct Word {
    chars: Range<usize>,
    /// End of the spaces of the same run behind it.
    tail: usize,
    run: usize,
    bbox: [f32; 4],
}

/// Gives characters that are not seen runs that say so, and those in an invisible mode that are a scan's layer
/// runs that say nothing.
///
/// `content` is the page's at `scale` pixels per point with the `objects` of its runs, `picture` the rendered
/// page at any scale. Fails silently where more than `room` bytes would be needed: then suspected text is seen.
pub(crate) fn mark(
    page: &OpenPage<'_>,
    content: &mut PdfPage,
    objects: &[TextObject],
    (scale, room): (f64, u64),
    picture: &Rendered<'_>,
) {
    let words = words(content);
    let mut verdicts: Vec<Option<HiddenReason>> = Vec::with_capacity(words.len());
    let size = {
        let (width, height) = content.size_points;
        (width * scale as f32, height * scale as f32)
    };
    let mut open = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let run = &content.runs[word.run];
        let by_box = unseen_by_box(content, word, size, scale as f32);
        if by_box.is_none() && run.hidden.is_none() && objects.get(word.run).is_some() {
            open.push(at);
        }
        verdicts.push(by_box.or(run.hidden));
    }
    let look = Look::new(picture, size);
    let proof = Proof {
        page,
        content,
        objects,
        scale: scale as f32,
        room,
        look: &look,
    };
    proof.judge(&words, &open, &mut verdicts);
    let laid = laid_over(content, &words, &verdicts, &look);
    apply(content, &words, &laid);
}

fn words(content: &PdfPage) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut follows = false;
    for (at, c) in content.chars.iter().enumerate() {
        if c.run as usize >= content.runs.len() {
            follows = false;
            continue;
        }
        let is_space = char::from_u32(c.code).is_some_and(|c| c.is_whitespace() || c.is_control());
        let last = words.last_mut().filter(|word| word.run == c.run as usize);
        match last {
            Some(word) if is_space && word.tail == at => word.tail = at + 1,
            Some(word) if follows && !is_space => {
                let [x1, y1, x2, y2] = word.bbox;
                let [a1, b1, a2, b2] = c.bbox;
                word.bbox = [x1.min(a1), y1.min(b1), x2.max(a2), y2.max(b2)];
                (word.chars.end, word.tail) = (at + 1, at + 1);
            }
            _ if is_space => {}
            _ => words.push(Word {
                chars: at..at + 1,
                tail: at + 1,
                run: c.run as usize,
                bbox: c.bbox,
            }),
        }
        follows = !is_space;
    }
    words
}

/// The reason why a word is not seen that follows from its boxes alone. `size` is that of the page in pixels.
fn unseen_by_box(
    content: &PdfPage,
    word: &Word,
    size: (f32, f32),
    scale: f32,
) -> Option<HiddenReason> {
    let [x1, y1, x2, y2] = word.bbox;
    if word.bbox == [0.0; 4] || word.bbox.iter().any(|v| !v.is_finite()) {
        return None;
    }
    if x2 <= 0.0 || y2 <= 0.0 || x1 >= size.0 || y1 >= size.1 {
        return Some(HiddenReason::OutsidePage);
    }
    let chars = &content.chars[word.chars.clone()];
    let longest = |[x1, y1, x2, y2]: [f32; 4]| (x2 - x1).max(y2 - y1);
    let is_tiny = chars.iter().all(|c| longest(c.bbox) < TINY * scale);
    is_tiny.then_some(HiddenReason::Tiny)
}

/// Looks up places of the rendered page.
struct Look<'a> {
    picture: &'a Rendered<'a>,
    /// Pixels of the picture for a page pixel.
    scale: (f32, f32),
}

impl<'a> Look<'a> {
    fn new(picture: &'a Rendered<'a>, size: (f32, f32)) -> Look<'a> {
        let scale = (
            picture.width as f32 / size.0.max(1.0),
            picture.height as f32 / size.1.max(1.0),
        );
        Look { picture, scale }
    }

    /// Largest difference of a channel within a box in page pixels, in levels.
    fn contrast(&self, bbox: &[f32; 4]) -> u8 {
        let [x1, x2] = [bbox[0], bbox[2]].map(|x| x * self.scale.0);
        let [y1, y2] = [bbox[1], bbox[3]].map(|y| y * self.scale.1);
        let xs = pixels(x1, x2, self.picture.width);
        let ys = pixels(y1, y2, self.picture.height);
        let step = ((xs.len() * ys.len()) as f32 / SAMPLES as f32).sqrt();
        let step = (step.ceil() as usize).max(1);
        let (mut least, mut most) = ([255u8; 3], [0u8; 3]);
        for y in ys.step_by(step) {
            for x in xs.clone().step_by(step) {
                let pixel = &self.picture.data[(y * self.picture.width + x) * 3..][..3];
                for (channel, level) in pixel.iter().enumerate() {
                    least[channel] = least[channel].min(*level);
                    most[channel] = most[channel].max(*level);
                }
            }
        }
        let ranges = most
            .iter()
            .zip(&least)
            .map(|(most, least)| most.saturating_sub(*least));
        ranges.max().unwrap_or(0)
    }

    fn has_ink(&self, bbox: &[f32; 4]) -> bool {
        self.contrast(bbox) >= INK_CONTRAST
    }
}

/// Pixels that a stretch touches, of `count`.
fn pixels(from: f32, to: f32, count: usize) -> Range<usize> {
    let start = (from.floor().max(0.0) as usize).min(count);
    let end = (to.ceil().max(0.0) as usize).min(count);
    start..end.max(start)
}

/// A word under suspicion.
struct Suspect {
    word: usize,
    /// The reason, if it is not seen.
    reason: HiddenReason,
}

/// Suspects words and looks whether they are seen.
struct Proof<'a, 'p> {
    page: &'a OpenPage<'p>,
    content: &'a PdfPage,
    objects: &'a [TextObject],
    scale: f32,
    room: u64,
    look: &'a Look<'a>,
}

impl Proof<'_, '_> {
    /// Fills in the verdicts of the words `open`.
    fn judge(&self, words: &[Word], open: &[usize], verdicts: &mut [Option<HiddenReason>]) {
        if open.is_empty() {
            return;
        }
        let (suspects, silent) = self.suspects(words, open);
        if suspects.is_empty() {
            return;
        }
        let Some(changes) = self.changes(words, &suspects, &silent) else {
            return;
        };
        for suspect in suspects {
            let word = &words[suspect.word];
            if !changes.within(&word.bbox) && self.has_outlines(word) {
                verdicts[suspect.word] = Some(suspect.reason);
            }
        }
    }

    /// The words that may not be seen, and text objects without characters: copies of other text, as a rule.
    fn suspects(&self, words: &[Word], open: &[usize]) -> (Vec<Suspect>, Vec<TextObject>) {
        let mut of_object: HashMap<TextObject, Vec<usize>> = HashMap::new();
        for at in open {
            let object = self.objects[words[*at].run];
            of_object.entry(object).or_default().push(*at);
        }
        let known: HashSet<TextObject> = self.objects.iter().copied().collect();
        let mut on_ground = vec![false; words.len()];
        let mut visit = |object: TextObject, ground: &Ground| {
            for at in of_object.get(&object).into_iter().flatten() {
                let color = self.content.runs[words[*at].run].color;
                let is_near = |(x, y): (f32, f32)| match ground.at(x, y).0 {
                    Under::Paper => is_near(color, [255; 3]),
                    Under::Fill(fill) => is_near(color, fill),
                    Under::Other => false,
                };
                on_ground[*at] = points(&words[*at].bbox).into_iter().any(is_near);
            }
        };
        let is_known = |object: TextObject| known.contains(&object);
        let ground = Ground::read(self.page, f64::from(self.scale), &is_known, &mut visit);
        let suspect = |at: &usize| {
            let word = &words[*at];
            let place = ground.places.get(&self.objects[word.run]);
            let is_covered = || {
                let order = place.map_or(0, |place| place.order);
                let over = |(x, y): (f32, f32)| ground.at(x, y).1 > order;
                points(&word.bbox).into_iter().any(over)
            };
            let reason = match place {
                Some(place) if place.is_optional => HiddenReason::Layer,
                Some(_) if is_covered() => HiddenReason::Covered,
                _ if on_ground[*at] => HiddenReason::Ground,
                _ if ground.is_partial || !self.look.has_ink(&word.bbox) => HiddenReason::NoInk,
                _ => return None,
            };
            Some(Suspect { word: *at, reason })
        };
        (open.iter().filter_map(suspect).collect(), ground.silent)
    }

    /// Where the page changes without the suspected text; `None` if that cannot be found out.
    fn changes(
        &self,
        words: &[Word],
        suspects: &[Suspect],
        silent: &[TextObject],
    ) -> Option<Changes> {
        let boxes = suspects.iter().map(|suspect| words[suspect.word].bbox);
        let union = boxes.reduce(|a, b| {
            let low = |i: usize| a[i].min(b[i]);
            let high = |i: usize| a[i].max(b[i]);
            [low(0), low(1), high(2), high(3)]
        })?;
        let heights = suspects.iter().flat_map(|suspect| {
            let chars = &self.content.chars[words[suspect.word].chars.clone()];
            chars.iter().map(|c| (c.bbox[3] - c.bbox[1]) / self.scale)
        });
        let least = heights.filter(|h| *h > TINY).fold(f32::INFINITY, f32::min);
        let (width, height) = self.content.size_points;
        let clip = |v: f32, most: f32| (v / self.scale).clamp(0.0, most);
        let part = [
            clip(union[0], width),
            clip(union[1], height),
            clip(union[2], width),
            clip(union[3], height),
        ];
        let area = ((part[2] - part[0]) * (part[3] - part[1])).max(1.0);
        let zoom = (CHAR_PIXELS / least).clamp(1.0, ZOOM.0);
        let zoom = zoom.min((MOST_PIXELS / area).sqrt());
        let is_too_coarse = zoom < ZOOM.1;
        if is_too_coarse || (area * zoom * zoom) as u64 * PIXEL_BYTES > self.room {
            return None;
        }
        let whole = [width, height].map(|side| (side * zoom).ceil().max(1.0) as usize);
        let xs = pixels(part[0] * zoom, part[2] * zoom, whole[0]);
        let ys = pixels(part[1] * zoom, part[3] * zoom, whole[1]);
        if xs.is_empty() || ys.is_empty() {
            return None;
        }
        let part = [xs.start, ys.start, xs.len(), ys.len()];
        let render = || self.page.render_part((whole[0], whole[1]), part).ok();
        let with = render()?;
        let of_words = suspects
            .iter()
            .map(|suspect| self.objects[words[suspect.word].run]);
        let objects: HashSet<TextObject> = of_words.chain(silent.iter().copied()).collect();
        let mut objects: Vec<TextObject> = objects.into_iter().collect();
        objects.sort_unstable();
        let show = |is_shown: bool| {
            for object in &objects {
                // SAFETY: the objects belong to the loaded page, which is not changed otherwise.
                unsafe {
                    let object = *object as *mut std::ffi::c_void;
                    let api = self.page.api();
                    api.FPDFPageObj_SetIsActive(object.cast(), i32::from(is_shown));
                }
            }
        };
        show(false);
        let without = render();
        show(true);
        Some(Changes::new(&with, &without?, part, zoom / self.scale))
    }

    /// `true` if the font has outlines for characters of the word: only then it would leave a mark.
    fn has_outlines(&self, word: &Word) -> bool {
        let api = self.page.api();
        let object = self.objects[word.run] as *mut std::ffi::c_void;
        let chars = &self.content.chars[word.chars.clone()];
        // SAFETY: the object is a text object of the loaded page, and its font lives as long.
        unsafe {
            let font = api.FPDFTextObj_GetFont(object.cast());
            if font.is_null() {
                return false;
            }
            chars.iter().take(OUTLINES).any(|c| {
                let path = api.FPDFFont_GetGlyphPath(font, c.code, 10.0);
                !path.is_null() && api.FPDFGlyphPath_CountGlyphSegments(path) > 0
            })
        }
    }
}

/// Places of a word that are looked up: its middle and halfway to its ends.
fn points(&[x1, y1, x2, y2]: &[f32; 4]) -> [(f32, f32); 3] {
    let y = (y1 + y2) / 2.0;
    [0.5, 0.2, 0.8].map(|part| (x1 + part * (x2 - x1), y))
}

fn is_near(a: [u8; 3], b: [u8; 3]) -> bool {
    a.iter().zip(b).all(|(a, b)| a.abs_diff(b) < NEAR)
}

/// Number of pixels that differ between two pictures, summed up from the top left.
struct Changes {
    sums: Vec<u32>,
    left: usize,
    top: usize,
    width: usize,
    height: usize,
    /// Pixels of the pictures for a page pixel.
    scale: f32,
}

impl Changes {
    fn new(a: &[u8], b: &[u8], [left, top, width, height]: [usize; 4], scale: f32) -> Changes {
        let mut sums = vec![0u32; (width + 1) * (height + 1)];
        for y in 0..height {
            let mut row = 0;
            for x in 0..width {
                let at = (y * width + x) * 3;
                let channels = a[at..at + 3].iter().zip(&b[at..at + 3]);
                let mut differences = channels.map(|(a, b)| a.abs_diff(*b));
                row += u32::from(differences.any(|difference| difference >= SEEN));
                sums[(y + 1) * (width + 1) + x + 1] = sums[y * (width + 1) + x + 1] + row;
            }
        }
        Changes {
            sums,
            left,
            top,
            width,
            height,
            scale,
        }
    }

    /// `true` if something differs within a box in page pixels.
    fn within(&self, bbox: &[f32; 4]) -> bool {
        let [x1, y1, x2, y2] = bbox.map(|v| v * self.scale);
        let xs = pixels(x1 - self.left as f32, x2 - self.left as f32, self.width);
        let ys = pixels(y1 - self.top as f32, y2 - self.top as f32, self.height);
        let sum = |x: usize, y: usize| self.sums[y * (self.width + 1) + x];
        let (inside, around) = (
            sum(xs.end, ys.end) + sum(xs.start, ys.start),
            sum(xs.start, ys.end) + sum(xs.end, ys.start),
        );
        inside > around
    }
}

/// The verdicts, with those on text over ink: the layer of a scan is seen, a copy of other text is a double.
fn laid_over(
    content: &PdfPage,
    words: &[Word],
    verdicts: &[Option<HiddenReason>],
    look: &Look<'_>,
) -> Vec<Option<HiddenReason>> {
    use HiddenReason::{Covered, Double, Invisible, NoInk, Transparent};
    let mut found = verdicts.to_vec();
    let is_candidate = |at: &usize| {
        matches!(
            verdicts[*at],
            Some(Covered | Invisible | NoInk | Transparent)
        )
    };
    let candidates: Vec<usize> = (0..words.len()).filter(is_candidate).collect();
    if candidates.is_empty() {
        return found;
    }
    let seen = Seen::new(content, words, verdicts);
    let (mut layer, mut all) = (0usize, 0usize);
    for at in &candidates {
        let word = &words[*at];
        let is_mode = !content.runs[word.run].visible;
        all += if is_mode { word.chars.len() } else { 0 };
        let other = seen.within(content, &word.bbox);
        if !other.is_empty() {
            let own = letters(content, word.chars.clone());
            if is_mode && (other.contains(&own) || own.contains(&other)) {
                found[*at] = Some(Double);
            }
        } else if lies_on_ink(content, word, look) {
            layer += if is_mode { word.chars.len() } else { 0 };
            found[*at] = None;
        }
    }
    if layer as f32 >= LAYER_SHARE * all as f32 && layer > 0 {
        for at in candidates {
            let is_mode = !content.runs[words[at].run].visible;
            if is_mode && found[at] != Some(Double) {
                found[at] = None;
            }
        }
    }
    found
}

/// `true` if most characters of a word lie on marks.
fn lies_on_ink(content: &PdfPage, word: &Word, look: &Look<'_>) -> bool {
    let chars = &content.chars[word.chars.clone()];
    let on_ink = chars.iter().filter(|c| look.has_ink(&c.bbox)).count();
    on_ink * 2 > chars.len()
}

/// Letters and digits of characters, in small letters.
fn letters(content: &PdfPage, chars: Range<usize>) -> String {
    let chars = content.chars[chars].iter();
    let chars = chars.filter_map(|c| char::from_u32(c.code));
    let letters = chars.filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// Characters that are seen, by place.
struct Seen {
    /// Indices of characters by their square.
    squares: HashMap<(i32, i32), Vec<u32>>,
}

/// Side of a square in page pixels.
const SQUARE: f32 = 32.0;
/// Most characters of a square that are compared: more are printed over each other.
const MOST_IN_SQUARE: usize = 64;
/// Most squares of a word that are looked up.
const MOST_SQUARES: i32 = 256;

impl Seen {
    fn new(content: &PdfPage, words: &[Word], verdicts: &[Option<HiddenReason>]) -> Seen {
        let mut squares: HashMap<(i32, i32), Vec<u32>> = HashMap::new();
        let seen = words.iter().zip(verdicts);
        for (word, _) in seen.filter(|(_, verdict)| verdict.is_none()) {
            for at in word.chars.clone() {
                let (x, y) = center(&content.chars[at].bbox);
                let square = ((x / SQUARE) as i32, (y / SQUARE) as i32);
                let inside = squares.entry(square).or_default();
                if inside.len() < MOST_IN_SQUARE {
                    inside.push(at as u32);
                }
            }
        }
        Seen { squares }
    }

    /// Letters and digits whose middle lies within a box, in the order of the text layer.
    fn within(&self, content: &PdfPage, bbox: &[f32; 4]) -> String {
        if self.squares.is_empty() {
            return String::new();
        }
        let [x1, y1, x2, y2] = *bbox;
        let [left, top, right, bottom] = bbox.map(|v| (v / SQUARE) as i32);
        if (right - left + 1).saturating_mul(bottom - top + 1) > MOST_SQUARES {
            return String::new();
        }
        let mut found: Vec<u32> = Vec::new();
        for square in (top..=bottom).flat_map(|y| (left..=right).map(move |x| (x, y))) {
            let inside = self.squares.get(&square).into_iter().flatten();
            found.extend(inside.filter(|at| {
                let (x, y) = center(&content.chars[**at as usize].bbox);
                x >= x1 && x <= x2 && y >= y1 && y <= y2
            }));
        }
        found.sort_unstable();
        let pieces = found.iter().map(|at| {
            let at = *at as usize;
            letters(content, at..at + 1)
        });
        pieces.collect()
    }
}

fn center(&[x1, y1, x2, y2]: &[f32; 4]) -> (f32, f32) {
    ((x1 + x2) / 2.0, (y1 + y2) / 2.0)
}

/// Gives words runs with their verdicts.
fn apply(content: &mut PdfPage, words: &[Word], verdicts: &[Option<HiddenReason>]) {
    let mut runs: HashMap<(usize, Option<HiddenReason>), u32> = HashMap::new();
    for (word, verdict) in words.iter().zip(verdicts) {
        if content.runs[word.run].hidden == *verdict {
            continue;
        }
        let run = *runs.entry((word.run, *verdict)).or_insert_with(|| {
            let mut run = content.runs[word.run];
            run.hidden = *verdict;
            content.runs.push(run);
            content.runs.len() as u32 - 1
        });
        for c in &mut content.chars[word.chars.start..word.tail] {
            c.run = run;
        }
    }
}
