//! Runs jobs side by side: one that computes, since it takes every processor itself, and beside it some that wait.

use crate::process::interrupted;
use std::sync::mpsc;
use std::thread;

/// Something to run.
pub(crate) struct Job<'a> {
    /// Two jobs of one name never run at once.
    pub(crate) name: String,
    /// It spends its time waiting, not computing.
    pub(crate) waits: bool,
    /// Places in the list of the jobs that must have ended before; they come before it in the list.
    pub(crate) after: Vec<usize>,
    /// What it does. A failure is its own matter.
    pub(crate) run: Box<dyn FnOnce() + Send + 'a>,
}

/// How many jobs of each kind run at once.
pub(crate) struct Lanes {
    pub(crate) computing: usize,
    pub(crate) waiting: usize,
}

impl Lanes {
    /// For this machine.
    pub(crate) fn of_this_machine() -> Lanes {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        Lanes { computing: 1, waiting: processors.max(2) }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    Pending,
    Running,
    Ended,
}

/// Runs every job, each as soon as it may, in the order of the list. After an interrupt none is begun any more.
pub(crate) fn run(jobs: Vec<Job<'_>>, lanes: &Lanes) {
    let (sender, ended) = mpsc::channel();
    let mut states = vec![State::Pending; jobs.len()];
    let facts: Vec<_> = jobs.iter().map(|job| (job.name.clone(), job.waits, job.after.clone())).collect();
    let mut runs: Vec<_> = jobs.into_iter().map(|job| Some(job.run)).collect();
    thread::scope(|scope| {
        loop {
            while let Some(next) = (!interrupted()).then(|| next(&facts, &states, lanes)).flatten() {
                states[next] = State::Running;
                let (run, sender) = (runs[next].take(), sender.clone());
                scope.spawn(move || {
                    // Told when this thread ends, whether by return or by panic.
                    let _told = Told(next, sender);
                    run.into_iter().for_each(|run| run());
                });
            }
            if !states.contains(&State::Running) {
                break;
            }
            if let Ok(index) = ended.recv() {
                states[index] = State::Ended;
            }
        }
    });
}

/// The first job that may begin now.
fn next(facts: &[(String, bool, Vec<usize>)], states: &[State], lanes: &Lanes) -> Option<usize> {
    let running = || (0..states.len()).filter(|index| states[*index] == State::Running);
    let may = |index: &usize| {
        let (name, waits, after) = &facts[*index];
        let beside = running().filter(|other| facts[*other].1 == *waits).count();
        states[*index] == State::Pending
            && after.iter().all(|other| states[*other] == State::Ended)
            && beside < if *waits { lanes.waiting } else { lanes.computing }
            && running().all(|other| facts[other].0 != *name)
    };
    (0..states.len()).find(may)
}

struct Told(usize, mpsc::Sender<usize>);

impl Drop for Told {
    fn drop(&mut self) {
        // The other end lives as long as any job does.
        let _ = self.1.send(self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use std::time::Duration;

    /// Fails if: two jobs compute at once, more wait at once than may, one begins before what it needs has ended or
    /// beside one of its name, the order is not kept where it could be, or a job is forgotten.
    #[test]
    fn keeps_to_the_rules() {
        let rows: [(&str, bool, &[usize]); 8] = [
            ("compile", false, &[]),
            ("unit", true, &[0]),
            ("words", true, &[]),
            ("build", false, &[]),
            ("judge", true, &[3]),
            ("judge", true, &[3]),
            ("last", false, &[4, 5]),
            ("more", true, &[]),
        ];
        let log = Mutex::new(Vec::new());
        let jobs = rows.iter().enumerate().map(|(index, (name, waits, after))| Job {
            name: (*name).to_owned(),
            waits: *waits,
            after: after.to_vec(),
            run: Box::new({
                let log = &log;
                move || {
                    log.lock().unwrap().push((index, true));
                    thread::sleep(Duration::from_millis(20));
                    log.lock().unwrap().push((index, false));
                }
            }),
        });
        run(jobs.collect(), &Lanes { computing: 1, waiting: 2 });
        let log = log.into_inner().unwrap();
        assert_eq!(log.len(), 2 * rows.len());
        let (mut running, mut ended) = (Vec::<usize>::new(), Vec::new());
        for (index, begins) in &log {
            if !begins {
                running.retain(|other| other != index);
                ended.push(*index);
                continue;
            }
            let (name, waits, after) = rows[*index];
            assert!(after.iter().all(|other| ended.contains(other)), "{name} began too early: {log:?}");
            assert!(running.iter().all(|other| rows[*other].0 != name), "twice {name}: {log:?}");
            running.push(*index);
            let beside = running.iter().filter(|other| rows[**other].1 == waits).count();
            assert!(beside <= if waits { 2 } else { 1 }, "too many: {log:?}");
        }
        let began = |index| log.iter().position(|entry| *entry == (index, true));
        assert!(began(0) < began(3) && began(4) < began(5), "{log:?}");
    }
}
