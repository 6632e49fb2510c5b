//! The library's door: what it parses is what the command line writes.

use super::support::{Folder, example};
use docparse::engine::{Event, JobFault, Submission, SubmitError, events};
use docparse::{ParseError, Parser, ParserError, ParserOptions};
use std::path::PathBuf;
use std::time::Duration;

fn options() -> ParserOptions {
    ParserOptions {
        worker: Some(env!("CARGO_BIN_EXE_docparse").into()),
        ..ParserOptions::default()
    }
}

#[test]
fn a_parser_gives_what_the_command_line_writes() {
    let folder = Folder::new();
    let report = example("report.pdf");
    folder.write("text.txt", "no document");
    let parser = Parser::load(options()).unwrap();
    // Several at once, one of which cannot be opened.
    let parse = || parser.parse(&report).unwrap();
    let (one, other, bad) = std::thread::scope(|scope| {
        let (one, other) = (scope.spawn(parse), scope.spawn(parse));
        let bad = parser.parse(folder.path().join("text.txt"));
        (one.join().unwrap(), other.join().unwrap(), bad)
    });
    let arguments = [
        report.to_str().unwrap(),
        "-o",
        "out",
        "--formats",
        "md,html,json,docx",
    ];
    // The default, which the other tests do not take.
    let default = [("DOCPARSE_REC_PRECISION", "auto")];
    folder.run_with(&arguments, &default, "").expect(0);
    assert_eq!(one.to_markdown(), folder.text("out/report.md"));
    assert_eq!(other.to_markdown(), one.to_markdown());
    assert_eq!(one.to_html(), folder.text("out/report.html"));
    let mut json = Vec::new();
    one.write_json(&mut json).unwrap();
    assert_eq!(
        String::from_utf8(json).unwrap(),
        folder.text("out/report.json")
    );
    let docx = std::fs::read(folder.path().join("out/report.docx")).unwrap();
    assert!(one.to_docx().unwrap() == docx);
    for (path, jpeg) in one.pictures() {
        assert_eq!(
            std::fs::read(folder.path().join("out").join(path)).unwrap(),
            jpeg,
            "{path}"
        );
    }
    assert!(one.pictures().count() > 0);
    assert!(
        matches!(
            bad,
            Err(ParseError::GivenUp {
                fault: JobFault::Open(_),
                ..
            })
        ),
        "{bad:?}"
    );
}

#[test]
fn jobs_of_a_service_have_pages_as_events_and_are_bounded() {
    let parser = Parser::load(ParserOptions {
        documents_at_once: 1,
        ..options()
    })
    .unwrap();
    let (sender, receiver) = events();
    let job = || Submission {
        events: sender.clone(),
        ..parser.submission(&example("report.pdf"))
    };
    parser.engine().submit(job()).unwrap();
    assert_eq!(
        parser.engine().submit(job()),
        Err(SubmitError::Overloaded { jobs: 1 })
    );
    let mut pages = 0;
    loop {
        let Some(delivery) = receiver.receive(Duration::from_secs(60)).unwrap() else {
            panic!("nothing comes")
        };
        match delivery.event {
            Event::Page { is_final, page } => {
                // Without networks the whole document still changes labels.
                assert_eq!((is_final, page.page.page_index), (false, pages));
                pages += 1;
            }
            Event::Finished => break,
            Event::GivenUp(fault) => panic!("{fault}"),
            Event::Opened { .. } | Event::AllStarted => {}
        }
    }
    assert!(pages > 0);
}

#[test]
fn names_and_settings_are_those_of_the_command_line() {
    let mut request = docparse::RunRequest::default();
    request.parameters.set("relevel_titles", false);
    request.parameters.set("merge_tables", false);
    let parser = Parser::load(ParserOptions {
        request,
        ..options()
    })
    .unwrap();
    let folder = Folder::new();
    // Of the folder's name nothing may lead out of the pictures' folder.
    std::fs::copy(example("report.pdf"), folder.path().join("...pdf")).unwrap();
    let parsed = parser.parse(folder.path().join("...pdf")).unwrap();
    folder
        .run(&[
            "...pdf",
            "-o",
            "out",
            "--formats",
            "md",
            "--relevel_titles",
            "false",
            "--merge_tables",
            "false",
        ])
        .expect(0);
    let written = std::fs::read_dir(folder.path().join("out"))
        .unwrap()
        .filter_map(|entry| {
            let path = entry.unwrap().path();
            path.extension()
                .is_some_and(|ending| ending == "md")
                .then(|| std::fs::read_to_string(path).unwrap())
        });
    assert_eq!(written.collect::<Vec<_>>(), [parsed.to_markdown()]);
    assert!(parsed.pictures().all(|(path, _)| !path.contains("..")));
}

#[test]
fn what_a_parser_lacks_is_told() {
    let missing = ParserOptions {
        worker: Some(PathBuf::from("/nowhere/docparse")),
        ..options()
    };
    let error = Parser::load(missing).err().unwrap();
    assert!(
        matches!(error, ParserError::NoWorker(_))
            && error.to_string().contains("/nowhere/docparse")
    );
    // It would start itself for ever.
    let own = ParserOptions {
        worker: std::env::current_exe().ok(),
        ..options()
    };
    assert!(matches!(
        Parser::load(own),
        Err(ParserError::WorkerIsSelf(_))
    ));
    let error = Parser::load(ParserOptions {
        memory_limit: Some(1 << 20),
        ..options()
    })
    .err()
    .unwrap();
    assert!(
        error
            .to_string()
            .contains("the memory limit of 1 MB is too little"),
        "{error}"
    );
}
