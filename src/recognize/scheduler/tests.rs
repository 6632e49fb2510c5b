//! Tests of the scheduler with a fake model that counts its steps.

use super::kv_cache::Bucket;
use super::*;

/// Generates a sequence determined by the prompt's number, and ends after the prompt's number of tokens.
struct Fake {
    cache_layout: CacheLayout,
    /// Pages or slots that were released.
    released: usize,
    /// Rows of every step.
    steps: Vec<usize>,
    /// Tokens that the model got in every step.
    tokens: Vec<usize>,
    /// Contents of each page or slot: sequence and position.
    cache: Vec<Vec<(usize, usize)>>,
    /// Prompts that always fail.
    broken: Vec<usize>,
    /// Reason with which they fail.
    reason: Reason,
    /// Steps that failed.
    failed: usize,
    /// Most rows of a step.
    room: usize,
}

const PAGE: usize = 4;
const EOS: u32 = 999;

#[derive(Clone)]
struct FakePrompt {
    number: usize,
    length: usize,
    answer: usize,
}

impl FakePrompt {
    fn token(&self, n: usize) -> u32 {
        if n == self.answer {
            EOS
        } else {
            ((self.number * 31 + n * 17) % 900) as u32
        }
    }
}

impl Fake {
    fn new(pages: usize) -> Fake {
        Fake::divided(CacheLayout::Pages {
            count: pages,
            tokens: PAGE,
        })
    }

    fn divided(cache_layout: CacheLayout) -> Fake {
        let sizes = match &cache_layout {
            CacheLayout::Pages { count, tokens } => vec![*tokens; *count],
            CacheLayout::Slots(buckets) => buckets
                .iter()
                .flat_map(|b| vec![b.tokens; b.slots])
                .collect(),
        };
        let cache = sizes
            .into_iter()
            .map(|tokens| vec![(usize::MAX, 0); tokens])
            .collect();
        let (steps, tokens, broken) = (vec![], vec![], vec![]);
        Fake {
            cache_layout,
            released: 0,
            steps,
            tokens,
            cache,
            broken,
            reason: Reason::Internal,
            failed: 0,
            room: usize::MAX,
        }
    }
}

impl Steps for Fake {
    type Prompt = FakePrompt;

    fn prompt_tokens(&self, prompt: &FakePrompt) -> usize {
        prompt.length
    }

    fn cache_layout(&self) -> CacheLayout {
        self.cache_layout.clone()
    }

    fn release(&mut self, pages: &[u32]) {
        self.released += pages.len();
    }

    fn step(&mut self, rows: &[StepRow<'_, FakePrompt>]) -> Result<Vec<Predictions>, Fault> {
        if rows.len() > self.room
            || rows
                .iter()
                .any(|row| self.broken.contains(&row.prompt.number))
        {
            self.failed += 1;
            return Err(Fault::new(self.reason, "no"));
        }
        self.steps.push(rows.len());
        self.tokens.push(
            rows.iter()
                .map(|r| r.prompt.length + r.tokens.len() - r.past)
                .sum(),
        );
        let mut all = Vec::new();
        for row in rows {
            let length = row.prompt.length + row.tokens.len();
            assert!(row.past < length);
            for position in 0..length {
                let (page, at) = match self.cache_layout {
                    CacheLayout::Pages { tokens, .. } => {
                        (row.pages[position / tokens], position % tokens)
                    }
                    CacheLayout::Slots(_) => (row.pages[0], position),
                };
                let place = &mut self.cache[page as usize][at];
                if position >= row.past {
                    *place = (row.prompt.number, position);
                }
                // Tokens that the row does not contain must be in the cache, written by this sequence.
                assert_eq!(*place, (row.prompt.number, position));
            }
            let first = row.tokens.len() + 1 - row.wanted;
            let follower = |n: usize| {
                // After a wrong draft token nothing is known.
                let is_right = (0..n).all(|i| row.tokens[i] == row.prompt.token(i));
                (if is_right { row.prompt.token(n) } else { 998 }, -0.5)
            };
            all.push(Predictions {
                next: (first..=row.tokens.len()).map(follower).collect(),
                logits: vec![],
            });
        }
        Ok(all)
    }
}

fn task(number: usize, length: usize, answer: usize) -> GenerationTask<FakePrompt, usize> {
    GenerationTask {
        tag: number,
        prompt: FakePrompt {
            number,
            length,
            answer,
        },
        max_new_tokens: 1000,
        eos: vec![EOS],
        sampling: None,
        early_end: None,
        draft: Draft::default(),
        started: Instant::now(),
        timeout: None,
        cancel: CancelToken::default(),
    }
}

#[test]
fn a_cancelled_sequence_frees_its_slot_in_the_next_step() {
    let mut scheduler = Scheduler::new(Fake::new(100), 2);
    let tokens: Vec<CancelToken> = (0..4).map(|_| CancelToken::default()).collect();
    for (number, cancel) in tokens.iter().enumerate() {
        scheduler.push(GenerationTask {
            cancel: cancel.clone(),
            ..task(number, 5, 50)
        });
    }
    assert!(scheduler.step().is_empty());
    // One in a slot, and one waiting.
    tokens[0].cancel();
    tokens[2].cancel();
    let done = scheduler.step();
    assert_eq!(done, [(0, Err(cancelled())), (2, Err(cancelled()))]);
    let rest = run(&mut scheduler);
    assert_eq!(
        rest.iter()
            .map(|(number, result)| (*number, result.is_ok()))
            .collect::<Vec<_>>(),
        [(1, true), (3, true)]
    );
}

/// Runs to the end; answers sorted by number.
fn run(scheduler: &mut Scheduler<Fake, usize>) -> Vec<(usize, Result<Answer, Fault>)> {
    let mut done = Vec::new();
    for _ in 0..100_000 {
        if scheduler.load() == 0 {
            break;
        }
        done.extend(scheduler.step());
    }
    assert_eq!(scheduler.load(), 0, "it hangs");
    assert_eq!(
        scheduler.cache.free(),
        scheduler.steps.cache.len(),
        "pages were lost"
    );
    assert!(scheduler.steps.released > 0);
    done.sort_by_key(|(number, _)| *number);
    done
}

fn right_answer(prompt: &FakePrompt) -> Vec<u32> {
    (0..prompt.answer).map(|n| prompt.token(n)).collect()
}

#[test]
fn steps_are_as_many_as_the_slots_allow() {
    // Two slots; answers of 3, 5 and 2 tokens, each with one more step for the end token.
    let mut scheduler = Scheduler::new(Fake::new(100), 2);
    for (number, answer) in [3, 5, 2].into_iter().enumerate() {
        scheduler.push(task(number, 6, answer));
    }
    let done = run(&mut scheduler);
    // 4 steps of the first two; the third takes over in the next step, beside the second's last two.
    assert_eq!(scheduler.steps.steps, [2, 2, 2, 2, 2, 2, 1]);
    // Prompts of 6 tokens when a sequence starts, then one token each.
    assert_eq!(scheduler.steps.tokens, [12, 2, 2, 2, 7, 2, 1]);
    for (number, result) in done {
        let answer = result.unwrap();
        assert_eq!(
            answer.ids,
            right_answer(&task(number, 6, [3, 5, 2][number]).prompt)
        );
        assert_eq!(answer.generation.finish_reason, FinishReason::Eos);
        assert_eq!(answer.generation.token_count, answer.ids.len() + 1);
        assert_eq!(answer.generation.mean_log_probability, Some(-0.5));
    }
}

#[test]
fn steps_and_cache_in_use_are_counted() {
    let counters = Arc::<RecognizerCounters>::default();
    // Five pages of four tokens for two sequences that both grow to 14: one is preempted on the way.
    let mut scheduler = Scheduler::new(Fake::new(5), 2).counted(counters.clone());
    let before = counters.read();
    assert_eq!(
        (before.slots, before.cache_tokens, before.steps),
        (2, 20, 0)
    );
    for number in 0..3 {
        scheduler.push(task(number, 3, 10));
    }
    assert!(scheduler.step().is_empty());
    let first = counters.read();
    assert_eq!((first.steps, first.step_rows, first.step_slots), (1, 2, 2));
    assert_eq!((first.active, first.waiting), (2, 1));
    // A page each for prompt and next token.
    assert_eq!(first.used_cache_tokens, 8);
    run(&mut scheduler);
    let end = counters.read();
    let rows: usize = scheduler.steps.steps.iter().sum();
    assert_eq!(end.steps, scheduler.steps.steps.len() as u64);
    assert_eq!(
        (end.step_rows, end.step_slots),
        (rows as u64, 2 * end.steps)
    );
    assert!(
        end.preemptions > 0 && end.step_rows < end.step_slots,
        "{end:?}"
    );
    assert_eq!((end.active, end.waiting, end.used_cache_tokens), (0, 0, 0));
    assert!((9..=20).contains(&end.peak_cache_tokens), "{end:?}");
}

#[test]
fn a_scheduler_that_is_dropped_holds_nothing() {
    let counters = Arc::<RecognizerCounters>::default();
    let slots = CacheLayout::Slots(vec![
        Bucket {
            slots: 1,
            tokens: 8,
        },
        Bucket {
            slots: 1,
            tokens: 30,
        },
    ]);
    let mut scheduler = Scheduler::new(Fake::divided(slots), 2).counted(counters.clone());
    scheduler.push(task(0, 20, 5));
    scheduler.step();
    let held = counters.read();
    assert_eq!((held.cache_tokens, held.used_cache_tokens), (38, 30));
    drop(scheduler);
    let left = counters.read();
    assert_eq!((left.active, left.used_cache_tokens), (0, 0));
    assert_eq!((left.steps, left.peak_cache_tokens), (1, 30));
}

#[test]
fn any_mix_in_any_number_of_slots_gives_the_same() {
    let tasks: Vec<(usize, usize)> = (0..40).map(|i| (1 + i * 7 % 23, i * 13 % 37)).collect();
    for slots in [1, 2, 3, 7, 64] {
        // Down to memory for little more than the longest sequence.
        for pages in [15, 16, 30, 1000] {
            let mut scheduler = Scheduler::new(Fake::new(pages), slots);
            for (number, (length, answer)) in tasks.iter().enumerate() {
                scheduler.push(task(number, *length, *answer));
            }
            for (number, result) in run(&mut scheduler) {
                let (length, answer) = tasks[number];
                let expected = right_answer(&task(number, length, answer).prompt);
                assert_eq!(
                    result.unwrap().ids,
                    expected,
                    "{slots} slots, {pages} pages"
                );
            }
            assert!(scheduler.steps.steps.iter().all(|rows| *rows <= slots));
        }
    }
}

#[test]
fn slots_of_fixed_lengths_give_the_same() {
    let tasks: Vec<(usize, usize)> = (0..40).map(|i| (1 + i * 7 % 23, i * 13 % 37)).collect();
    for [short, long] in [[3, 2], [0, 1], [5, 1], [1, 8]] {
        let buckets = [
            Bucket {
                slots: short,
                tokens: 24,
            },
            Bucket {
                slots: long,
                tokens: 61,
            },
        ];
        let mut scheduler = Scheduler::new(Fake::divided(CacheLayout::Slots(buckets.to_vec())), 6);
        for (number, (length, answer)) in tasks.iter().enumerate() {
            scheduler.push(task(number, *length, *answer));
        }
        for (number, result) in run(&mut scheduler) {
            let (length, answer) = tasks[number];
            let expected = right_answer(&task(number, length, answer).prompt);
            assert_eq!(
                result.unwrap().ids,
                expected,
                "{short} short slots, {long} long ones"
            );
        }
    }
    // A bucket with room for no other: the answer ends at the length of the longest slot.
    let slots = CacheLayout::Slots(vec![
        Bucket {
            slots: 2,
            tokens: 10,
        },
        Bucket {
            slots: 1,
            tokens: 20,
        },
    ]);
    let mut scheduler = Scheduler::new(Fake::divided(slots), 3);
    (0..3).for_each(|number| scheduler.push(task(number, 6, 500)));
    scheduler.push(task(3, 30, 1));
    let done = run(&mut scheduler);
    for (_, result) in &done[..3] {
        let cut = result.as_ref().unwrap();
        assert_eq!(
            (cut.ids.len(), cut.generation.finish_reason),
            (15, FinishReason::Length)
        );
    }
    assert!(
        done[3]
            .1
            .as_ref()
            .unwrap_err()
            .message
            .contains("30 tokens")
    );
}

#[test]
fn what_does_not_fit_is_told_or_cut() {
    let mut scheduler = Scheduler::new(Fake::new(5), 4);
    scheduler.push(task(0, 30, 1));
    scheduler.push(task(1, 6, 500));
    scheduler.push(task(2, 3, 2));
    let done = run(&mut scheduler);
    assert!(
        done[0]
            .1
            .as_ref()
            .unwrap_err()
            .message
            .contains("30 tokens")
    );
    // Five pages of four hold 20 tokens; the last generated token needs no place.
    let cut = done[1].1.as_ref().unwrap();
    assert_eq!(
        (cut.ids.len(), cut.generation.finish_reason),
        (15, FinishReason::Length)
    );
    assert_eq!(done[2].1.as_ref().unwrap().ids.len(), 2);
}

#[test]
fn one_that_fails_costs_no_other() {
    let mut scheduler = Scheduler::new(
        Fake {
            broken: vec![2],
            room: 3,
            ..Fake::new(100)
        },
        5,
    );
    (0..5).for_each(|number| scheduler.push(task(number, 5, 4)));
    let done = run(&mut scheduler);
    assert_eq!(
        done.iter()
            .map(|(_, result)| result.is_ok())
            .collect::<Vec<_>>(),
        [true, true, false, true, true]
    );
}

#[test]
fn on_a_lost_device_nothing_is_tried_again() {
    let fake = Fake {
        broken: vec![2],
        reason: Reason::DeviceLost,
        ..Fake::new(100)
    };
    let mut scheduler = Scheduler::new(fake, 5);
    (0..5).for_each(|number| scheduler.push(task(number, 5, 4)));
    let done = scheduler.step();
    assert_eq!((done.len(), scheduler.steps.failed), (5, 1));
    let is_lost = |(_, result): &Done<usize>| matches!(result, Err(fault) if fault.reason == Reason::DeviceLost);
    assert!(done.iter().all(is_lost));
}

#[test]
fn limits_time_and_early_ends() {
    let mut scheduler = Scheduler::new(Fake::new(200), 4);
    scheduler.push(GenerationTask {
        max_new_tokens: 7,
        ..task(0, 5, 100)
    });
    scheduler.push(GenerationTask {
        timeout: Some(Duration::ZERO),
        ..task(1, 5, 100)
    });
    let early_end: EarlyEnd = Box::new(|ids| (ids.len() >= 128).then(|| "so on".to_string()));
    scheduler.push(GenerationTask {
        early_end: Some(early_end),
        ..task(2, 5, 500)
    });
    let done = run(&mut scheduler);
    let ends: Vec<_> = done
        .iter()
        .map(|(_, result)| {
            let answer = result.as_ref().unwrap();
            (answer.ids.len(), answer.generation.finish_reason)
        })
        .collect();
    assert_eq!(
        ends,
        [
            (7, FinishReason::Length),
            (1, FinishReason::Timeout),
            (128, FinishReason::Repetition)
        ]
    );
    assert_eq!(done[2].1.as_ref().unwrap().text.as_deref(), Some("so on"));
}

#[test]
fn drafts_change_the_steps_and_not_the_answers() {
    let answer = right_answer(&task(3, 9, 300).prompt);
    let noisy: Vec<u32> = answer
        .iter()
        .enumerate()
        .map(|(i, id)| if i % 40 == 39 { 5 } else { *id })
        .collect();
    let shifted = [&[1, 2, 3], &answer[..100], &[7], &answer[104..]].concat();
    let too_long = [&answer[..], &answer[..]].concat();
    let hostile: Vec<u32> = answer.iter().map(|id| (id + 1) % 900).collect();
    for (name, draft, most) in [
        ("none", vec![], 301),
        ("right", answer.clone(), 25),
        ("noisy", noisy, 45),
        ("shifted", shifted, 45),
        ("too long", too_long, 25),
        ("hostile", hostile, 301),
        ("ends", vec![EOS; 50], 301),
    ] {
        let mut scheduler = Scheduler::new(Fake::new(200), 2);
        scheduler.push(GenerationTask {
            draft: Draft::new(draft),
            ..task(3, 9, 300)
        });
        let done = run(&mut scheduler).remove(0).1.unwrap();
        assert_eq!(done.ids, answer, "{name}");
        let steps = scheduler.steps.steps.len();
        assert!(steps <= most, "{name}: {steps} steps");
        assert_eq!(done.generation.drafted_share.is_some(), name != "none");
    }
    // Also if the limit cuts a proposal, and if memory does.
    for (pages, limit) in [(200, 50), (20, 300)] {
        let mut scheduler = Scheduler::new(Fake::new(pages), 2);
        scheduler.push(GenerationTask {
            max_new_tokens: limit,
            draft: Draft::new(answer.clone()),
            ..task(3, 9, 300)
        });
        let done = run(&mut scheduler).remove(0).1.unwrap();
        let expected = limit.min(pages * PAGE - 9 + 1);
        assert_eq!(done.ids, answer[..expected]);
    }
}

#[test]
fn in_slots_only_a_sequence_alone_is_drafted() {
    let slots = || {
        Fake::divided(CacheLayout::Slots(vec![Bucket {
            slots: 4,
            tokens: 400,
        }]))
    };
    let drafted = |number| {
        let own = task(number, 9, 200);
        GenerationTask {
            draft: Draft::new(right_answer(&own.prompt)),
            ..own
        }
    };
    let mut alone = Scheduler::new(slots(), 4);
    alone.push(drafted(3));
    run(&mut alone);
    assert!(alone.steps.steps.len() < 30, "{:?}", alone.steps.steps);

    let mut both = Scheduler::new(slots(), 4);
    both.push(drafted(3));
    both.push(drafted(5));
    for (_, done) in run(&mut both) {
        assert_eq!(done.unwrap().ids.len(), 200);
    }
    // One token of each in every step after the prompts, as without drafts.
    assert_eq!(both.steps.steps, vec![2; 201]);
    assert_eq!(both.steps.tokens[1..], vec![2; 200]);
}

#[test]
fn in_slots_prompts_wait_for_each_other_while_others_decode() {
    let slots = CacheLayout::Slots(vec![Bucket {
        slots: 16,
        tokens: 400,
    }]);
    let mut scheduler = Scheduler::new(Fake::divided(slots), 16);
    // Answers of different lengths: without waiting, nearly every prompt would run alone.
    let count = 48;
    for number in 0..count {
        scheduler.push(task(number, 20, 30 + 7 * number));
    }
    let done = run(&mut scheduler);
    assert_eq!(done.len(), count);
    for (tag, result) in done {
        assert_eq!(result.unwrap().ids.len(), 30 + 7 * tag, "{tag}");
    }
    let Fake { steps, tokens, .. } = &scheduler.steps;
    // A step's tokens are one for each row, and 19 more for each prompt.
    let prompts: Vec<usize> = steps
        .iter()
        .zip(tokens)
        .map(|(rows, tokens)| (tokens - rows) / 19)
        .filter(|prompts| *prompts > 0)
        .collect();
    assert_eq!(prompts.iter().sum::<usize>(), count);
    // None waits for very long, so a few run alone.
    let alone = prompts.iter().filter(|prompts| **prompts == 1).count();
    assert!(alone * 4 <= prompts.len(), "{prompts:?}");
}

#[test]
fn a_prompt_waits_for_others_for_some_steps_only() {
    let slots = CacheLayout::Slots(vec![Bucket {
        slots: 16,
        tokens: 1100,
    }]);
    let mut scheduler = Scheduler::new(Fake::divided(slots), 16);
    for number in 0..15 {
        scheduler.push(task(number, 20, 900));
    }
    assert!(scheduler.step().is_empty());
    scheduler.push(task(15, 20, 10));
    let mut steps = 0;
    while scheduler.step().is_empty() {
        steps += 1;
        assert!(steps < 800, "it waits for the long ones");
    }
    assert!(steps <= MOST_HELD + 12, "{steps}");
}
