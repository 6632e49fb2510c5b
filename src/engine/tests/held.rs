//! Pages in doubt: they are read in their order, whichever reader is faster, and wait for no page that is gone.

use super::living::{receive, submission, whole};
use super::*;
use crate::input::pdf::page::{PdfChar, PdfPage, PdfRun};
use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex};

/// Document and page.
type Place = (usize, usize);

/// A signal that the test gives.
const OPEN: Place = (usize::MAX, 0);

/// What has happened: pages that were read, by their places, and what the test says.
#[derive(Default)]
struct Signals(Mutex<BTreeSet<Place>>, Condvar);

impl Signals {
    fn give(&self, place: Place) {
        self.0.lock().unwrap().insert(place);
        self.1.notify_all();
    }

    /// Waits for a signal, and a little longer, in which the page that gave it comes to the line reader.
    fn wait(&self, place: Place) {
        let mut given = self.0.lock().unwrap();
        while !given.contains(&place) {
            given = self.1.wait(given).unwrap();
        }
        drop(given);
        std::thread::sleep(Duration::from_millis(30));
    }
}

/// A document all of whose pages are in doubt, as their characters have no meaning.
struct Doubted {
    id: usize,
    pages: usize,
    signals: Arc<Signals>,
    /// What a page waits for before it is read.
    after: fn(Place) -> Option<Place>,
    /// A page that cannot be read.
    fails: Option<usize>,
}

impl PageSource for Doubted {
    fn page_count(&self) -> usize {
        self.pages
    }

    fn page_pixels(&self, _: usize) -> u64 {
        16
    }

    fn fingerprint(&self) -> u64 {
        0
    }

    fn is_paged(&self) -> bool {
        true
    }

    fn read_page(&self, page_index: usize, _: PixelsWanted) -> Result<SourcePage, PageError> {
        let place = (self.id, page_index);
        if let Some(other) = (self.after)(place) {
            self.signals.wait(other);
        }
        self.signals.give(place);
        let (width, height) = (0.0, 0.0);
        if self.fails == Some(page_index) {
            return Err(PageError::Size { width, height });
        }
        let char = PdfChar {
            code: 0xF0001,
            bbox: [0.0, 0.0, 4.0, 4.0],
            run: 0,
            unmapped: true,
        };
        let content = PdfPage {
            chars: vec![char; 20],
            runs: vec![PdfRun::PLAIN],
            fonts: vec!["Font".into()],
            embedded: vec![true],
            ..PdfPage::default()
        };
        Ok(SourcePage {
            page_index,
            // Tells the line reader which document it is.
            width: 4 + self.id,
            height: 4,
            size_points: (2.0, 2.0),
            pixels: Some(Pixels::white(4 + self.id, 4)),
            preview: None,
            missing_rows: 0,
            content: Some(content),
        })
    }

    fn render_page(&self, _: usize) -> Result<Pixels, PageError> {
        Ok(Pixels::white(4, 4))
    }
}

/// Remembers the order in which pages come, and how often it rested.
#[derive(Clone, Default)]
struct Order(Arc<Mutex<Vec<Place>>>, Arc<(Mutex<usize>, Condvar)>);

impl Order {
    /// Waits until it has rested so often; returns how often it has.
    fn rests(&self, count: usize) -> usize {
        let (rests, rested) = &*self.1;
        let patience = Duration::from_secs(60);
        let rests = rests.lock().unwrap();
        let (rests, _) = rested
            .wait_timeout_while(rests, patience, |rests| *rests < count)
            .unwrap();
        *rests
    }
}

impl LinePreparer for Order {
    fn prepare(
        &mut self,
        _: &dyn PageSource,
        page: SourcePage,
        verdict: Verdict,
        _: &JobSettings,
        _: &mut Readings,
    ) -> Result<PreparedPage, PrepareError> {
        assert!(verdict.is_doubted());
        self.0
            .lock()
            .unwrap()
            .push((page.width - 4, page.page_index));
        Ok(PreparedPage {
            pixels: page.pixels,
            decision: verdict.decision,
            ..PreparedPage::blank(page.page_index, page.width, 4)
        })
    }

    fn rest(&mut self) {
        let (rests, rested) = &*self.1;
        *rests.lock().unwrap() += 1;
        rested.notify_all();
    }
}

/// An engine with three readers, and what its line reader is given.
fn engine(pages_in_flight: usize) -> (Engine, Order) {
    let order = Order::default();
    let stages = Stages {
        lines: vec![Box::new(order.clone())],
        ..fake_stages(|_| Trouble::None, 1)
    };
    let engine = Engine::start(stages, limits(3, pages_in_flight)).unwrap();
    (engine, order)
}

fn document(place: Place, signals: &Arc<Signals>, after: fn(Place) -> Option<Place>) -> Doubted {
    let (id, pages) = place;
    Doubted {
        id,
        pages,
        signals: signals.clone(),
        after,
        fails: None,
    }
}

/// Readers finish the pages of a document of three in reverse.
fn in_reverse((id, page): Place) -> Option<Place> {
    (page < 2).then_some((id, page + 1))
}

/// The first page of the first document waits for the test.
fn first_waits(place: Place) -> Option<Place> {
    (place == (0, 0)).then_some(OPEN)
}

#[test]
fn pages_are_read_in_their_order_though_readers_finish_in_reverse() {
    let (engine, order) = engine(3);
    let (sender, receiver) = events();
    let source = Arc::new(document((0, 3), &Arc::default(), in_reverse));
    engine.submit(submission(0, source, &sender)).unwrap();
    assert_eq!(receive(&receiver, 1)[&0], whole(3));
    assert_eq!(*order.0.lock().unwrap(), [(0, 0), (0, 1), (0, 2)]);
}

#[test]
fn no_page_waits_for_one_that_failed() {
    for fails in 0..2 {
        let (engine, order) = engine(3);
        let (sender, receiver) = events();
        let source = Arc::new(Doubted {
            fails: Some(fails),
            ..document((0, 3), &Arc::default(), in_reverse)
        });
        engine.submit(submission(0, source, &sender)).unwrap();
        let heard = receive(&receiver, 1);
        let pages: Vec<usize> = heard[&0].pages.iter().map(|(page, _)| *page).collect();
        assert_eq!(pages, [0, 1, 2]);
        let read: Vec<Place> = (0..3)
            .filter(|page| *page != fails)
            .map(|page| (0, page))
            .collect();
        assert_eq!(*order.0.lock().unwrap(), read);
    }
}

#[test]
fn a_held_page_of_a_cancelled_job_makes_room_for_others() {
    let (engine, order) = engine(2);
    let signals = Arc::default();
    let (sender, receiver) = events();
    let held = Arc::new(document((0, 2), &signals, first_waits));
    let held = submission(0, held, &sender);
    let cancel = held.cancel.clone();
    engine.submit(held).unwrap();
    signals.wait((0, 1));
    cancel.store(true, Ordering::Relaxed);
    assert!(matches!(receive(&receiver, 1)[&0].end, Some(Err(_))));
    // The first page is still being read, and has one of the two places.
    let other = Arc::new(document((1, 3), &signals, first_waits));
    engine.submit(submission(1, other, &sender)).unwrap();
    assert_eq!(receive(&receiver, 1)[&1], whole(3));
    assert_eq!(*order.0.lock().unwrap(), [(1, 0), (1, 1), (1, 2)]);
    signals.give(OPEN);
}

#[test]
fn pages_wait_for_those_of_their_own_job_only() {
    let (engine, order) = engine(4);
    let signals = Arc::default();
    let (sender, receiver) = events();
    let held = Arc::new(document((0, 2), &signals, first_waits));
    engine.submit(submission(0, held, &sender)).unwrap();
    signals.wait((0, 1));
    let other = Arc::new(document((1, 2), &signals, first_waits));
    engine.submit(submission(1, other, &sender)).unwrap();
    assert_eq!(receive(&receiver, 1)[&1], whole(2));
    signals.give(OPEN);
    assert_eq!(receive(&receiver, 1)[&0], whole(2));
    assert_eq!(*order.0.lock().unwrap(), [(1, 0), (1, 1), (0, 0), (0, 1)]);
}

#[test]
fn the_line_reader_rests_once_after_pages_that_no_other_follows() {
    let (engine, order) = engine(3);
    let (sender, receiver) = events();
    for round in 1..=2 {
        let source = Arc::new(document((0, 2), &Arc::default(), |_| None));
        engine.submit(submission(0, source, &sender)).unwrap();
        assert_eq!(receive(&receiver, 1)[&0], whole(2));
        assert_eq!(order.rests(round), round);
    }
    drop(engine);
    assert_eq!(order.rests(0), 2);
}
