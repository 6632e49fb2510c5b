//! The engine with fakes: random work, failures, panics, cancellation, a crashing recognizer, a slow sink, pages in doubt.

mod batches;
mod fakes;
mod held;
mod living;
mod stuck;

use super::*;
use crate::document::{Code, Label, Severity, TextSource};
use crate::fault::{Fault, Reason};
use crate::geometry::Rect;
use crate::input::{InputError, InputFile, PageError, PixelsWanted};
use crate::layout::postprocess::LayoutOptions;
use crate::layout::{LayoutError, Region};
use crate::lines::TextLayerMode;
use crate::preprocess::PreprocessOptions;
use crate::raster::Pixels;
use crate::recognize::{BlockAnswer, BlockRequest, Recognition, RecognizeError};
use crossbeam_channel::{Receiver, Sender};
use fakes::*;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

#[test]
fn a_thousand_random_runs_lose_no_page() {
    quiet_panics();
    let trouble = troubles;
    for seed in 0..1000 {
        let mut dice = Dice(seed);
        let lengths: Vec<usize> = (0..1 + dice.roll(4))
            .map(|_| dice.roll(14) as usize)
            .collect();
        let in_flight = 1 + dice.roll(6) as usize;
        let options = options(1 + dice.roll(3) as usize, in_flight);
        let record = Record {
            slow: seed % 50 == 0,
            ..Record::default()
        };
        let run = run_fakes(&lengths, trouble, seed, record, options);
        check_pages(&run, &lengths, trouble);
        assert!(
            run.most_in_flight <= in_flight,
            "{} of {in_flight}",
            run.most_in_flight
        );
        let opened = lengths.iter().filter(|n| **n > 0).count();
        assert_eq!(run.outcome.done + run.outcome.partial, opened);
        assert_eq!(run.outcome.failed, lengths.len() - opened);
        for page in run.record.pages.iter().flatten() {
            // A page without blocks cannot have a failing one.
            let hurt = trouble(page.page_index) != Trouble::None
                && !(trouble(page.page_index) == Trouble::BlockFails && page.page_index % 4 == 0);
            assert_eq!(page.has_error(), hurt, "{}", page.page_index);
            for told in &page.diagnostics {
                let expected = match trouble(page.page_index) {
                    Trouble::BlockFails => (Code::BlockFailed, Some(Reason::Server)),
                    Trouble::ReadFails => (Code::PageFailed, Some(Reason::Damaged)),
                    _ => (Code::PageFailed, Some(Reason::Internal)),
                };
                assert_eq!((told.code, told.reason), expected, "{}", told.message);
            }
        }
    }
}

#[test]
fn a_recognizer_that_dies_is_started_again_and_only_what_it_dies_of_fails() {
    quiet_panics();
    for (trouble, message, reason) in [
        (
            (|page| {
                if page == 5 {
                    Trouble::RecognizerDies
                } else {
                    Trouble::None
                }
            }) as fn(usize) -> Trouble,
            "device is lost",
            Reason::Device,
        ),
        (
            |page| {
                if page == 5 {
                    Trouble::RecognizerPanics
                } else {
                    Trouble::None
                }
            },
            "recognizer panics",
            Reason::Internal,
        ),
    ] {
        for seed in 0..100 {
            let run = run_fakes(&[9, 7], trouble, seed, Record::default(), options(2, 3));
            check_pages(&run, &[9, 7], trouble);
            for page in run
                .record
                .pages
                .iter()
                .flatten()
                .filter(|page| page.page_index == 5)
            {
                let [told] = page.diagnostics.as_slice() else {
                    panic!("{:?}", page.diagnostics)
                };
                assert!(told.message.contains(message) && told.severity == Severity::Error);
                assert_eq!((told.code, told.reason), (Code::BlockFailed, Some(reason)));
            }
            assert_eq!(run.outcome.partial, 2);
        }
    }
}

#[test]
fn a_recognizer_that_never_answers_is_not_started_for_ever() {
    for seed in 0..50 {
        let run = run_fakes(
            &[9, 7],
            |_| Trouble::RecognizerDies,
            seed,
            Record::default(),
            options(2, 3),
        );
        assert_eq!(
            run.record.pages.iter().map(Vec::len).collect::<Vec<_>>(),
            [9, 7]
        );
        for page in run.record.pages.iter().flatten() {
            assert_eq!(page.diagnostics.len(), page.page_index % 4);
            assert!(
                page.diagnostics
                    .iter()
                    .all(|told| told.message.contains("device is lost"))
            );
        }
    }
}

#[test]
fn cancelling_gives_up_what_is_not_finished() {
    for seed in 0..200 {
        let record = Record {
            cancel_at: Some((12, Arc::default())),
            ..Record::default()
        };
        let run = run_fakes(&[8, 40, 8], |_| Trouble::None, seed, record, options(2, 4));
        assert!(run.outcome.cancelled);
        assert_eq!(
            run.record
                .events
                .iter()
                .filter(|e| *e == "finish 0")
                .count(),
            1
        );
        assert!(
            run.record
                .events
                .contains(&"failed 1 cancelled".to_string()),
            "{:?}",
            run.record.events
        );
        assert_eq!(run.outcome.done + run.outcome.failed, 3);
    }
}

#[test]
fn pages_that_repeat_earlier_ones_too_often_are_one() {
    let with = |most_repeats| EngineOptions {
        settings: JobSettings {
            most_repeats,
            ..settings()
        },
        ..options(2, 3)
    };
    let shown = |options: EngineOptions| -> Vec<(usize, usize, usize)> {
        let run = run_fakes(&[60, 2], |_| Trouble::None, 3, Record::default(), options);
        assert_eq!((run.outcome.done, run.record.pages[1].len()), (2, 2));
        let pages = run.record.pages[0].iter();
        pages
            .map(|page| (page.page_index, page.stands_for(), page.blocks.len()))
            .collect()
    };
    // From page 20 on the source repeats pages 0 to 3.
    let all = shown(options(2, 3));
    assert_eq!(all.len(), 60);
    let some = shown(with(Some(3)));
    assert_eq!(some[..23], all[..23]);
    assert_eq!(some[23..], [(23, 37, 0)]);
    let run = run_fakes(
        &[60],
        |_| Trouble::None,
        3,
        Record::default(),
        EngineOptions {
            pages: PageSelection(vec![20..=24, 31..=31, 33..=33, 46..=60]),
            ..with(Some(0))
        },
    );
    let pages: Vec<_> = run.record.pages[0]
        .iter()
        .map(|p| (p.page_index, p.stands_for()))
        .collect();
    // The first selected page of each object is parsed.
    assert_eq!(
        pages,
        [
            (19, 1),
            (20, 1),
            (21, 1),
            (22, 1),
            (23, 1),
            (30, 1),
            (32, 1),
            (45, 15)
        ]
    );
    let message = &run.record.pages[0].last().unwrap().diagnostics[0].message;
    assert_eq!(
        message,
        "pages 46 to 60 are the same in the file as pages 21, 22, 23, 24, and not parsed again"
    );
}

#[test]
fn a_sink_that_fails_costs_its_document_only() {
    let record = Record {
        fail_at: Some((0, 3)),
        ..Record::default()
    };
    let run = run_fakes(&[9, 5], |_| Trouble::None, 1, record, options(2, 3));
    assert_eq!((run.outcome.done, run.outcome.failed), (1, 1));
    assert!(
        run.record
            .events
            .contains(&"failed 0 disk full".to_string())
    );
    assert_eq!(run.record.pages[0].len(), 3);
}

#[test]
fn a_sink_that_panics_costs_its_document_only() {
    quiet_panics();
    for (call, told) in [
        ("begin", true),
        ("page", true),
        ("finish", true),
        ("failed", false),
    ] {
        let record = Record {
            panic_at: Some((1, call)),
            ..Record::default()
        };
        // The last document cannot be opened; with `failed`, neither can the second.
        let lengths = [4, if call == "failed" { 0 } else { 5 }, 6, 0];
        let run = run_fakes(&lengths, |_| Trouble::None, 1, record, options(2, 3));
        assert_eq!((run.outcome.done, run.outcome.failed), (2, 2), "{call}");
        let failed = run
            .record
            .events
            .iter()
            .filter(|event| event.starts_with("failed 1 "))
            .collect::<Vec<_>>();
        assert_eq!(failed.len(), 1, "{call}: {:?}", run.record.events);
        let is_told = failed[0].contains("internal error while writing the document");
        assert_eq!(
            (is_told, run.record.pages[0].len()),
            (told, 4),
            "{failed:?}"
        );
        assert!(
            run.record
                .events
                .contains(&"failed 3 cannot be opened".to_string())
        );
    }
}

#[test]
fn fail_fast_stops_the_run() {
    let options = EngineOptions {
        fail_fast: true,
        ..options(1, 1)
    };
    let run = run_fakes(
        &[3, 300],
        |page| {
            if page == 2 {
                Trouble::ReadFails
            } else {
                Trouble::None
            }
        },
        1,
        Record::default(),
        options,
    );
    assert_eq!((run.outcome.partial, run.outcome.failed), (1, 1));
    assert!(run.record.pages[1].len() < 300);
}

#[test]
fn a_lost_device_ends_the_run_and_what_is_done_is_kept() {
    let trouble = |page| match page {
        21 => Trouble::DeviceLost,
        _ => Trouble::None,
    };
    let run = run_fakes(&[6, 400, 5], trouble, 1, Record::default(), options(2, 2));
    let outcome = &run.outcome;
    assert_eq!((outcome.done, outcome.partial, outcome.failed), (1, 1, 1));
    let failed: Vec<bool> = run.record.pages[1].iter().map(Page::has_error).collect();
    assert_eq!(failed.len(), 400);
    // Those before are whole, but for the few that were under way; all later ones fail without being read.
    assert!(failed[..12].iter().all(|failed| !failed), "{failed:?}");
    assert!(failed[30..].iter().all(|failed| *failed), "{failed:?}");
    assert!(
        run.record
            .events
            .contains(&"failed 2 the GPU is lost".to_string()),
        "{:?}",
        run.record.events
    );
}

#[test]
fn selected_pages_come_in_order_and_once() {
    assert_eq!(
        PageSelection(vec![4..=9, 1..=2, 2..=2]).of(6),
        [0, 1, 3, 4, 5]
    );
    assert_eq!(PageSelection::default().of(2), [0, 1]);
    let options = EngineOptions {
        pages: PageSelection(vec![2..=2, 5..=usize::MAX]),
        ..options(2, 2)
    };
    let run = run_fakes(&[6, 1], |_| Trouble::None, 1, Record::default(), options);
    let indices: Vec<usize> = run.record.pages[0].iter().map(|p| p.page_index).collect();
    assert_eq!(indices, [1, 4, 5]);
    assert!(
        run.record
            .events
            .contains(&"failed 1 none of the 1 pages was asked for".to_string())
    );
}
