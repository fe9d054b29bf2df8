//! What has become of every event.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The books, kept by all threads of the torturer.
pub(crate) struct Ledger {
    begun: Instant,
    rate: u64,
    next: AtomicU64,
    over: AtomicBool,
    pub(crate) kills: AtomicU64,
    /// What was said to be recorded, by number.
    acknowledged: Mutex<Marks>,
    problems: Mutex<Vec<String>>,
}

/// Marks of events, by number.
#[derive(Default, Clone)]
pub(crate) struct Marks(Vec<bool>);

impl Marks {
    /// False: it was marked before.
    pub(crate) fn set(&mut self, number: u64) -> bool {
        let place = usize::try_from(number).expect("there is memory for as many");
        if place >= self.0.len() {
            self.0.resize(place + 1, false);
        }
        !std::mem::replace(&mut self.0[place], true)
    }

    pub(crate) fn has(&self, number: u64) -> bool {
        usize::try_from(number).is_ok_and(|place| self.0.get(place) == Some(&true))
    }

    pub(crate) fn numbers(&self) -> impl Iterator<Item = u64> {
        self.0.iter().enumerate().filter(|(_, marked)| **marked).map(|(place, _)| place as u64)
    }
}

impl Ledger {
    /// Empty books, for no more events in a second than this.
    pub(crate) fn new(rate: u64) -> Self {
        Self {
            begun: Instant::now(),
            rate,
            next: AtomicU64::default(),
            over: AtomicBool::default(),
            kills: AtomicU64::default(),
            acknowledged: Mutex::default(),
            problems: Mutex::default(),
        }
    }

    /// Numbers for so many events that there were not yet; the first of them. Takes its time.
    pub(crate) fn take_numbers(&self, count: u64) -> u64 {
        while self.begun() > (self.begun.elapsed().as_secs_f64() * self.rate as f64) as u64 && !self.is_over()
        {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.next.fetch_add(count, Ordering::Relaxed)
    }

    /// How many numbers were given out.
    pub(crate) fn begun(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    pub(crate) fn acknowledge(&self, number: u64) {
        self.acknowledged.lock().expect("nobody panics with it").set(number);
    }

    pub(crate) fn acknowledged(&self) -> Marks {
        self.acknowledged.lock().expect("nobody panics with it").clone()
    }

    /// Notes what must not be.
    pub(crate) fn complain(&self, problem: String) {
        self.problems.lock().expect("nobody panics with it").push(problem);
    }

    pub(crate) fn problems(&self) -> Vec<String> {
        self.problems.lock().expect("nobody panics with it").clone()
    }

    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}

/// What one consumer was given.
#[derive(Default)]
pub(crate) struct Given {
    pub(crate) events: Marks,
    pub(crate) again: u64,
}
