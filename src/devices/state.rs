//! Requests and the devices they are with: which device gets the next one, and what becomes of those whose process dies.
//!
//! * A request goes to the device with the least work under way, counted by weights. Blocks that are beyond what a device
//!   should have at once wait here, so that a slow device holds up no more than it has begun.
//! * When a process dies, its requests are asked once more: first, on another device if one is there, and no two of them
//!   at once on a device, so that the one that is at fault is found out. One with which a second process dies fails if it
//!   was alone there, and in any case with the third.
//! * A process that dies is started again, after a pause that grows. A device whose process dies [`MOST_DEATHS`] times
//!   in a row without having answered, and not through a request that fails for it, is given up; without any device left,
//!   everything fails.

use super::messages::{Abilities, Output, Work};
use crate::fault::{Fault, Reason};
use crate::raster::Pixels;
use crossbeam_channel::Sender;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Deaths of processes in a row without an answer, after which their device is given up.
const MOST_DEATHS: u32 = 4;
/// Time after which a process that dies has lived long: its death does not count with those before.
const LONG: Duration = Duration::from_secs(600);
/// Deaths with a request, after which it fails whatever was beside it.
const MOST_DEATHS_OF_A_REQUEST: u32 = 3;
/// Pause before the second of them; it doubles with each. The first start comes at once.
const PAUSE: Duration = Duration::from_millis(500);
/// Time that a process has to end work that nobody waits for.
const GRACE: Duration = Duration::from_secs(20);
/// Time for which a recognizer with blocks may neither take a step nor answer: on a slow CPU the pictures of all slots are
/// encoded before the first step.
const SILENCE: Duration = Duration::from_secs(1200);
/// Time that loading may take: the weights may come from a slow disk, and are quantized at the first start.
const LOADING: Duration = Duration::from_secs(1800);

/// A request, kept until it is answered.
#[derive(Debug)]
pub(super) struct Request {
    /// What is asked for.
    pub work: Work,
    /// Its pictures.
    pub pictures: Vec<Arc<Pixels>>,
    /// How much work it is: about as many pixels as the networks look at.
    pub weight: u64,
}

impl Request {
    fn is_block(&self) -> bool {
        matches!(self.work, Work::Block(_))
    }

    /// Pixels of its pictures together.
    fn pixels(&self) -> u64 {
        let pixels = |picture: &Arc<Pixels>| (picture.width * picture.height) as u64;
        self.pictures.iter().map(pixels).sum()
    }
}

/// What a request brought.
#[derive(Debug)]
pub(super) struct Outcome {
    /// The output.
    pub output: Output,
    /// The picture that belongs to it.
    pub picture: Option<Pixels>,
}

/// A number of a request, with its outcome.
pub(super) type Answer = (u64, Result<Outcome, Fault>);

/// What is written to a process.
#[derive(Debug)]
pub(super) enum Order {
    /// Do this.
    Work(u64, Arc<Request>),
    /// Leave this.
    Cancel(u64),
}

/// A request that is not answered.
struct Asked {
    request: Arc<Request>,
    to: Sender<Answer>,
    /// The device it is with.
    device: Option<usize>,
    /// The device whose process died with it last.
    died_on: Option<usize>,
    /// Number of processes that died with it.
    deaths: u32,
    /// Since when nobody waits for it.
    cancelled: Option<Instant>,
}

/// A device and its process.
struct Device {
    /// Its name, as in `gpu:1`.
    name: String,
    /// The process, from its start to its death.
    process: Option<u32>,
    /// Since when it loads.
    loads_since: Option<Instant>,
    /// Where to write, once it is loaded.
    orders: Option<Sender<Order>>,
    /// What it can do.
    abilities: Abilities,
    /// Sum of the weights of its requests.
    load: u64,
    /// Number of its blocks.
    blocks: usize,
    /// Since when its recognizer has blocks, and has taken no step and answered none.
    silent_since: Instant,
    /// Since when its process is loaded.
    loaded_since: Option<Instant>,
    /// Deaths of its processes since its last answer.
    deaths: u32,
    /// Why it is given up.
    given_up: Option<Fault>,
}

/// All requests and devices.
pub(super) struct State {
    devices: Vec<Device>,
    asked: BTreeMap<u64, Asked>,
    /// Requests that are with no device, in the order in which they go.
    waiting: VecDeque<u64>,
    next: u64,
    /// The run is over: nothing is started any more.
    is_over: bool,
}

impl State {
    /// Devices of these names, none of them ready.
    pub(super) fn new(names: Vec<String>) -> State {
        let device = |name| Device {
            name,
            process: None,
            loads_since: None,
            orders: None,
            abilities: Abilities {
                layout_batch: 0,
                blocks: 0,
            },
            load: 0,
            blocks: 0,
            silent_since: Instant::now(),
            loaded_since: None,
            deaths: 0,
            given_up: None,
        };
        State {
            devices: names.into_iter().map(device).collect(),
            asked: BTreeMap::new(),
            waiting: VecDeque::new(),
            next: 0,
            is_over: false,
        }
    }

    /// A device's process was started.
    pub(super) fn started(&mut self, device: usize, process: u32) {
        self.devices[device].process = Some(process);
        self.devices[device].loads_since = Some(Instant::now());
    }

    /// A device's networks are loaded.
    pub(super) fn loaded(&mut self, device: usize, abilities: Abilities, orders: Sender<Order>) {
        let device = &mut self.devices[device];
        (device.abilities, device.orders, device.loads_since) = (abilities, Some(orders), None);
        device.loaded_since = Some(Instant::now());
        self.dispatch();
    }

    /// Takes a request; its answer goes to `to`.
    pub(super) fn ask(&mut self, request: Request, to: Sender<Answer>) -> u64 {
        let id = self.next;
        self.next += 1;
        if let Some(fault) = self.lost() {
            drop(to.send((id, Err(fault))));
            return id;
        }
        let asked = Asked {
            request: Arc::new(request),
            to,
            device: None,
            died_on: None,
            deaths: 0,
            cancelled: None,
        };
        self.asked.insert(id, asked);
        self.waiting.push_back(id);
        self.dispatch();
        id
    }

    /// `true` if a request is with no device yet.
    pub(super) fn is_waiting(&self, id: u64) -> bool {
        self.asked
            .get(&id)
            .is_some_and(|asked| asked.device.is_none())
    }

    /// Most pixels that the picture of an answer may have; `None` if the device was not asked for it.
    pub(super) fn most_pixels(&self, device: usize, id: u64) -> Option<u64> {
        let asked = self.asked.get(&id)?;
        (asked.device == Some(device)).then(|| asked.request.pixels())
    }

    /// A device answered a request.
    pub(super) fn answered(&mut self, device: usize, id: u64, result: Result<Outcome, Fault>) {
        if self.most_pixels(device, id).is_none() {
            return;
        }
        let Some(asked) = self.release(id) else {
            return;
        };
        self.devices[device].deaths = 0;
        // Nobody may wait for it any more.
        drop(asked.to.send((id, result)));
        self.dispatch();
    }

    /// The recognizer of a device goes on.
    pub(super) fn goes_on(&mut self, device: usize) {
        self.devices[device].silent_since = Instant::now();
    }

    /// Nobody waits for a request any more.
    pub(super) fn cancel(&mut self, id: u64) {
        let Some(asked) = self.asked.get_mut(&id) else {
            return;
        };
        match asked.device {
            None => {
                self.asked.remove(&id);
                self.waiting.retain(|waiting| *waiting != id);
            }
            Some(device) => {
                asked.cancelled.get_or_insert_with(Instant::now);
                if let Some(orders) = &self.devices[device].orders {
                    // Its process is gone: that is noticed where its answers are read.
                    drop(orders.send(Order::Cancel(id)));
                }
            }
        }
    }

    /// The process of a device ends: it gets no signal and no request any more.
    pub(super) fn ended(&mut self, device: usize) {
        let own = &mut self.devices[device];
        (own.process, own.orders, own.loads_since) = (None, None, None);
    }

    /// The process of a device has died. Returns the pause before another one is started; `None` if none is.
    pub(super) fn died(&mut self, device: usize, fault: &Fault) -> Option<Duration> {
        self.ended(device);
        let is_at_fault = self.take_back(device, fault);
        if self.is_over {
            return None;
        }
        let own = &mut self.devices[device];
        let lived = own.loaded_since.take().map(|since| since.elapsed());
        if lived.is_some_and(|lived| lived >= LONG) {
            own.deaths = 0;
        }
        // The death was the request's doing, which is gone.
        if !is_at_fault {
            own.deaths += 1;
        }
        if own.deaths >= MOST_DEATHS {
            tracing::error!(
                "{} is given up, its process does not stay: {fault}",
                own.name
            );
            own.given_up = Some(fault.clone());
            if let Some(lost) = self.lost() {
                self.waiting.clear();
                for (id, asked) in std::mem::take(&mut self.asked) {
                    drop(asked.to.send((id, Err(lost.clone()))));
                }
            }
            // What it was asked for goes to those that are left.
            self.dispatch();
            return None;
        }
        let pause = match own.deaths {
            0 | 1 => Duration::ZERO,
            deaths => PAUSE * 2u32.pow(deaths - 2),
        };
        tracing::warn!(
            "the process of {} died ({fault}) and is started again",
            own.name
        );
        self.dispatch();
        Some(pause)
    }

    /// Takes back the requests of a device whose process has died: they wait to be asked once more, or fail. `true` if one
    /// fails because processes died with it.
    fn take_back(&mut self, device: usize, fault: &Fault) -> bool {
        let ids: Vec<u64> = self
            .asked
            .iter()
            .filter(|(_, asked)| asked.device == Some(device))
            .map(|(id, _)| *id)
            .collect();
        let is_alone = ids.len() == 1;
        let mut is_at_fault = false;
        for id in ids.into_iter().rev() {
            let Some(mut asked) = self.release(id) else {
                continue;
            };
            if asked.cancelled.is_some() {
                continue;
            }
            asked.deaths += 1;
            if asked.deaths >= MOST_DEATHS_OF_A_REQUEST || asked.deaths > 1 && is_alone {
                let message = format!(
                    "{} processes that run networks died in the middle of it, the last of them on {} ({fault})",
                    asked.deaths, self.devices[device].name
                );
                let fault = Fault::new(Reason::DeviceProcessDied, message);
                drop(asked.to.send((id, Err(fault))));
                is_at_fault = true;
                continue;
            }
            (asked.device, asked.died_on) = (None, Some(device));
            self.asked.insert(id, asked);
            self.waiting.push_front(id);
        }
        is_at_fault
    }

    /// Processes that hang, at this moment.
    pub(super) fn hanging(&self, now: Instant) -> Vec<u32> {
        let is_over =
            |since: Instant, limit: Duration| now.saturating_duration_since(since) > limit;
        let hangs = |number: usize, device: &Device| {
            let loads = device
                .loads_since
                .is_some_and(|since| is_over(since, LOADING));
            let is_silent = device.blocks > 0 && is_over(device.silent_since, SILENCE);
            let mut own = self.asked.values().filter(|a| a.device == Some(number));
            loads
                || is_silent
                || own.any(|a| a.cancelled.is_some_and(|since| is_over(since, GRACE)))
        };
        let devices = self.devices.iter().enumerate();
        devices
            .filter(|(number, device)| hangs(*number, device))
            .filter_map(|(_, device)| device.process)
            .collect()
    }

    /// Ends everything; returns the processes that run.
    pub(super) fn end(&mut self) -> Vec<u32> {
        self.is_over = true;
        self.devices
            .iter()
            .filter_map(|device| device.process)
            .collect()
    }

    /// `true` if the run is over.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// The reason why nothing can be done any more, if all devices are given up.
    fn lost(&self) -> Option<Fault> {
        let faults: Option<Vec<String>> = self
            .devices
            .iter()
            .map(|device| Some(format!("{}: {}", device.name, device.given_up.as_ref()?)))
            .collect();
        let message = format!("no device is left ({})", faults?.join("; "));
        Some(Fault::new(Reason::DeviceLost, message))
    }

    /// Takes a request from its device.
    fn release(&mut self, id: u64) -> Option<Asked> {
        let asked = self.asked.remove(&id)?;
        if let Some(number) = asked.device {
            let device = &mut self.devices[number];
            device.load = device.load.saturating_sub(asked.request.weight);
            if asked.request.is_block() {
                device.blocks = device.blocks.saturating_sub(1);
                device.silent_since = Instant::now();
            }
        }
        Some(asked)
    }

    /// Gives waiting requests to devices that have room for them.
    fn dispatch(&mut self) {
        for id in std::mem::take(&mut self.waiting) {
            match self.device_for(id) {
                Some(device) => self.give(id, device),
                None => self.waiting.push_back(id),
            }
        }
    }

    fn device_for(&self, id: u64) -> Option<usize> {
        let asked = self.asked.get(&id)?;
        let has_suspect = |number: usize| {
            let mut own = self.asked.values().filter(|a| a.device == Some(number));
            own.any(|a| a.died_on.is_some())
        };
        let ready = self.devices.iter().enumerate().filter(|(number, device)| {
            device.orders.is_some()
                && (!asked.request.is_block() || device.blocks < device.abilities.blocks.max(1))
                && (asked.died_on.is_none() || !has_suspect(*number))
        });
        // What is new keeps away from a request that a process died with, if it can.
        ready
            .min_by_key(|(number, device)| {
                let is_unfit = match asked.died_on {
                    Some(died_on) => died_on == *number,
                    None => has_suspect(*number),
                };
                (is_unfit, device.load)
            })
            .map(|(number, _)| number)
    }

    fn give(&mut self, id: u64, number: usize) {
        let (Some(asked), device) = (self.asked.get_mut(&id), &mut self.devices[number]) else {
            return;
        };
        asked.device = Some(number);
        device.load += asked.request.weight;
        if asked.request.is_block() {
            if device.blocks == 0 {
                device.silent_since = Instant::now();
            }
            device.blocks += 1;
        }
        if let Some(orders) = &device.orders {
            // Its process is gone: that is noticed where its answers are read.
            drop(orders.send(Order::Work(id, asked.request.clone())));
        }
    }
}

#[cfg(test)]
mod tests;
