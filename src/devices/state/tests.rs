//! Requests, deaths and retries, with devices that are only numbers.

use super::*;
use crossbeam_channel::{Receiver, unbounded};

/// Devices with the channels that their processes would read.
struct World {
    state: State,
    orders: Vec<Receiver<Order>>,
    to: Sender<Answer>,
    answers: Receiver<Answer>,
}

fn fault() -> Fault {
    Fault::new(Reason::DeviceProcessDied, "killed")
}

impl World {
    /// Devices that are ready and take so many blocks.
    fn new(devices: usize, blocks: usize) -> World {
        let names = (0..devices).map(|number| format!("gpu:{number}")).collect();
        let (to, answers) = unbounded();
        let mut world = World {
            state: State::new(names),
            orders: vec![crossbeam_channel::never(); devices],
            to,
            answers,
        };
        (0..devices).for_each(|device| world.load(device, blocks));
        world
    }

    fn load(&mut self, device: usize, blocks: usize) {
        let (orders, written) = unbounded();
        let abilities = Abilities {
            layout_batch: 1,
            blocks,
        };
        self.state.started(device, 1000 + device as u32);
        self.state.loaded(device, abilities, orders);
        self.orders[device] = written;
    }

    fn ask(&mut self, work: Work, weight: u64) -> u64 {
        let request = Request {
            work,
            pictures: Vec::new(),
            weight,
        };
        self.state.ask(request, self.to.clone())
    }

    fn lines(&mut self, weight: u64) -> u64 {
        self.ask(Work::Lines, weight)
    }

    /// Numbers of the requests that were written to a device since the last call.
    fn given(&self, device: usize) -> Vec<u64> {
        let orders = self.orders[device].try_iter();
        orders
            .filter_map(|order| match order {
                Order::Work(id, _) => Some(id),
                Order::Cancel(_) => None,
            })
            .collect()
    }

    fn answer(&mut self, device: usize, id: u64) {
        let outcome = Outcome {
            output: Output::LinesLoaded,
            picture: None,
        };
        self.state.answered(device, id, Ok(outcome));
    }

    /// Answers since the last call: numbers, with the reasons of those that failed.
    fn answers(&self) -> Vec<(u64, Option<Reason>)> {
        let answers = self.answers.try_iter();
        answers
            .map(|(id, result)| (id, result.err().map(|fault| fault.reason)))
            .collect()
    }
}

fn block() -> Work {
    Work::Block(Box::new(super::super::messages::BlockWork {
        task: crate::plan::Task::Ocr,
        limits: crate::plan::PixelLimits { min: 1, max: 2 },
        max_new_tokens: 1,
        temperature: None,
        top_p: None,
        repetition_penalty: None,
        skip_special_tokens: true,
        seed: 0,
        draft: String::new(),
    }))
}

#[test]
fn requests_go_where_least_work_is() {
    let mut world = World::new(2, 1);
    let ids: Vec<u64> = [10, 3, 3, 3, 3].map(|weight| world.lines(weight)).to_vec();
    assert_eq!(world.given(0), [ids[0]]);
    assert_eq!(world.given(1), ids[1..]);
    world.answer(0, ids[0]);
    let next = world.lines(1);
    assert_eq!(world.given(0), [next]);
    assert_eq!(world.answers(), [(ids[0], None)]);
    // Answered once, whatever else is said.
    world.answer(0, ids[0]);
    world.answer(0, ids[1]);
    assert_eq!(world.answers(), []);
}

#[test]
fn blocks_wait_for_room_and_other_work_does_not() {
    let mut world = World::new(2, 2);
    let blocks: Vec<u64> = (0..6).map(|_| world.ask(block(), 1)).collect();
    assert_eq!((world.given(0), world.given(1)), (vec![0, 2], vec![1, 3]));
    assert!(world.state.is_waiting(blocks[4]));
    let lines = world.lines(1);
    assert_eq!(world.given(0), [lines]);
    world.answer(1, blocks[1]);
    assert_eq!(world.given(1), [blocks[4]]);
    assert!(world.state.is_waiting(blocks[5]));
}

#[test]
fn what_is_under_way_when_a_process_dies_goes_elsewhere_one_by_one() {
    let mut world = World::new(2, 8);
    let (a, b, c) = (world.lines(5), world.lines(1), world.lines(1));
    assert_eq!((world.given(0), world.given(1)), (vec![a], vec![b, c]));
    assert_eq!(world.state.died(1, &fault()), Some(Duration::ZERO));
    // The other one of them waits until the first has proved harmless.
    assert_eq!(world.given(0), [b]);
    assert!(world.state.is_waiting(c));
    world.answer(0, b);
    assert_eq!(world.given(0), [c]);
    world.answer(0, c);
    world.answer(0, a);
    assert_eq!(world.answers(), [(b, None), (c, None), (a, None)]);
}

#[test]
fn a_request_with_which_processes_die_fails_and_costs_no_other() {
    let mut world = World::new(2, 8);
    let (bad, good) = (world.lines(1), world.lines(1));
    world.state.died(0, &fault());
    // It goes to the other device, beside what is there.
    assert_eq!(
        (world.given(0), world.given(1)),
        (vec![bad], vec![good, bad])
    );
    world.load(0, 8);
    world.state.died(1, &fault());
    // Either of them may have been at fault: they are kept apart.
    assert_eq!(world.answers(), []);
    assert_eq!(world.given(0), [bad]);
    world.load(1, 8);
    assert_eq!(world.given(1), [good]);
    let new = world.lines(1);
    world.answer(1, good);
    world.state.died(0, &fault());
    assert_eq!(
        world.answers(),
        [(good, None), (bad, Some(Reason::DeviceProcessDied))]
    );
    let mut given = world.given(1);
    given.extend(world.given(0));
    assert!(given.contains(&new));
}

#[test]
fn requests_that_end_processes_do_not_end_the_run() {
    let mut world = World::new(2, 8);
    for _ in 0..3 * MOST_DEATHS {
        let bad = world.lines(1);
        assert_eq!(world.given(0), [bad]);
        assert!(world.state.died(0, &fault()).is_some());
        assert_eq!(world.given(1), [bad]);
        assert!(world.state.died(1, &fault()).is_some());
        assert_eq!(world.answers(), [(bad, Some(Reason::DeviceProcessDied))]);
        world.load(0, 8);
        world.load(1, 8);
        let good = world.lines(1);
        world.given(0);
        world.answer(0, good);
        world.answers();
    }
}

#[test]
fn what_a_device_was_asked_for_when_it_is_given_up_goes_to_another_one() {
    let mut world = World::new(2, 8);
    for _ in 1..MOST_DEATHS {
        assert!(world.state.died(0, &fault()).is_some());
        world.load(0, 8);
    }
    let id = world.lines(1);
    assert_eq!(world.given(0), [id]);
    assert_eq!(world.state.died(0, &fault()), None);
    assert_eq!(world.given(1), [id]);
    world.answer(1, id);
    assert_eq!(world.answers(), [(id, None)]);
}

#[test]
fn a_device_that_does_not_stay_is_given_up_and_the_last_one_ends_all() {
    let mut world = World::new(2, 8);
    let mut pauses = Vec::new();
    while let Some(pause) = world.state.died(0, &fault()) {
        pauses.push(pause);
        world.load(0, 8);
    }
    assert_eq!(pauses, [Duration::ZERO, PAUSE, PAUSE * 2]);
    let kept = world.lines(1);
    assert_eq!(world.given(1), [kept]);
    // An answer says that the device is alive.
    for _ in 0..3 * MOST_DEATHS {
        assert!(world.state.died(1, &fault()).is_some());
        world.load(1, 8);
        let id = world.lines(0);
        world.answer(1, id);
    }
    world.answers();
    let left = world.lines(1);
    while world.state.died(1, &fault()).is_some() {}
    assert_eq!(world.answers(), [(left, Some(Reason::DeviceLost))]);
    let late = world.lines(1);
    assert_eq!(world.answers(), [(late, Some(Reason::DeviceLost))]);
}

#[test]
fn what_nobody_waits_for_is_left_and_what_hangs_with_it_is_ended() {
    let mut world = World::new(1, 1);
    let (first, second) = (world.ask(block(), 1), world.ask(block(), 1));
    world.state.cancel(second);
    world.state.cancel(first);
    let told: Vec<Order> = world.orders[0].try_iter().collect();
    assert!(
        matches!(told[..], [Order::Work(0, _), Order::Cancel(0)]),
        "{told:?}"
    );
    let now = Instant::now();
    assert!(world.state.hanging(now).is_empty());
    assert_eq!(world.state.hanging(now + GRACE * 2), [1000]);
    // It is not asked again, nor does anybody hear of it.
    world.state.died(0, &fault());
    world.load(0, 1);
    assert_eq!((world.given(0), world.answers()), (vec![], vec![]));
}

#[test]
fn a_recognizer_that_does_not_go_on_hangs() {
    let mut world = World::new(2, 1);
    let id = world.ask(block(), 1);
    let late = Instant::now() + SILENCE + Duration::from_millis(1);
    assert_eq!(world.state.hanging(late), [1000]);
    world.state.goes_on(0);
    assert!(
        world
            .state
            .hanging(late - Duration::from_millis(1))
            .is_empty()
    );
    let late = late + SILENCE;
    assert_eq!(world.state.hanging(late), [1000]);
    world.answer(0, id);
    assert!(world.state.hanging(late).is_empty());
    world.state.ended(0);
    world.state.started(0, 7);
    assert_eq!(world.state.hanging(Instant::now() + LOADING * 2), [7]);
    assert_eq!(world.state.end(), [7, 1001]);
    assert_eq!(world.state.died(0, &fault()), None);
}
