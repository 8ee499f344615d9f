//! Tables side by side: first those on which the longest way to the end depends, but none before what it needs itself.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::Error;

/// Work on one table.
pub(crate) struct Job<'a, T> {
    pub id: usize,
    /// Jobs that must have ended; ids that no job has do not count.
    pub after: Vec<usize>,
    pub cost: u64,
    pub work: Work<'a, T>,
}

/// What a job does; it looks at the flag now and then, and stops when it is set.
pub(crate) type Work<'a, T> = Box<dyn FnOnce(&AtomicBool) -> Result<T, Error> + Send + 'a>;

struct Queue<'a, T> {
    waiting: Vec<Job<'a, T>>,
    unfinished: HashSet<usize>,
    results: Vec<T>,
    error: Option<Error>,
}

/// Runs all jobs on so many threads; the first error stops the others.
pub(crate) fn run<T: Send>(mut jobs: Vec<Job<'_, T>>, threads: usize) -> Result<Vec<T>, Error> {
    let ways: HashMap<usize, u64> = jobs.iter().map(|j| (j.id, way(j, &jobs))).collect();
    jobs.sort_by_key(|j| std::cmp::Reverse((ways[&j.id], j.id)));
    let unfinished = jobs.iter().map(|j| j.id).collect();
    let queue = Mutex::new(Queue { waiting: jobs, unfinished, results: Vec::new(), error: None });
    let (changed, stop) = (Condvar::new(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                let mut guard = Guard { queue: &queue, changed: &changed, stop: &stop, ended: false };
                while let Some(job) = next(&queue, &changed, &stop) {
                    let result = (job.work)(&stop);
                    let mut queue = lock(&queue);
                    queue.unfinished.remove(&job.id);
                    match result {
                        Ok(result) => queue.results.push(result),
                        Err(error) => {
                            stop.store(true, Ordering::Relaxed);
                            queue.error.get_or_insert(error);
                        }
                    }
                    changed.notify_all();
                }
                guard.ended = true;
            });
        }
    });
    let queue = queue.into_inner().unwrap_or_else(PoisonError::into_inner);
    queue.error.map_or(Ok(queue.results), Err)
}

/// The cost of a job, and of the costliest chain of jobs that wait for it.
fn way<T>(job: &Job<'_, T>, jobs: &[Job<'_, T>]) -> u64 {
    let waiting = jobs.iter().filter(|j| j.after.contains(&job.id));
    job.cost + waiting.map(|j| way(j, jobs)).max().unwrap_or(0)
}

fn lock<'l, 'a, T>(queue: &'l Mutex<Queue<'a, T>>) -> MutexGuard<'l, Queue<'a, T>> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The largest job that depends on nothing unfinished; waits until there is one, or none is left.
fn next<'a, T>(queue: &Mutex<Queue<'a, T>>, changed: &Condvar, stop: &AtomicBool) -> Option<Job<'a, T>> {
    let mut queue = lock(queue);
    loop {
        if queue.waiting.is_empty() || stop.load(Ordering::Relaxed) {
            return None;
        }
        let ready = |job: &Job<'_, T>| !job.after.iter().any(|id| queue.unfinished.contains(id));
        if let Some(at) = queue.waiting.iter().position(ready) {
            return Some(queue.waiting.remove(at));
        }
        queue = changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
    }
}

/// Wakes the others when a thread dies, so that none waits for it for ever.
struct Guard<'l, 'a, T> {
    queue: &'l Mutex<Queue<'a, T>>,
    changed: &'l Condvar,
    stop: &'l AtomicBool,
    ended: bool,
}

impl<T> Drop for Guard<'_, '_, T> {
    fn drop(&mut self) {
        if !self.ended {
            self.stop.store(true, Ordering::Relaxed);
            lock(self.queue).error.get_or_insert_with(|| Error::Died("while a table was merged".to_owned()));
            self.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job<'a>(
        id: usize,
        after: &[usize],
        cost: u64,
        work: impl FnOnce() -> Result<usize, Error> + Send + 'a,
    ) -> Job<'a, usize> {
        Job { id, after: after.to_vec(), cost, work: Box::new(|_| work()) }
    }

    #[test]
    fn nothing_starts_before_what_it_needs() {
        let order = Mutex::new(Vec::new());
        let note = |id| {
            order.lock().unwrap().push(id);
            Ok(id)
        };
        let jobs = vec![job(1, &[2, 99], 100, || note(1)), job(2, &[3], 50, || note(2)), job(3, &[], 1, || note(3))];
        assert_eq!(run(jobs, 4).unwrap().len(), 3);
        assert_eq!(*order.lock().unwrap(), [3, 2, 1]);
    }

    #[test]
    fn what_the_costliest_waits_for_comes_first() {
        let order = Mutex::new(Vec::new());
        let note = |id| {
            order.lock().unwrap().push(id);
            Ok(id)
        };
        let jobs = vec![job(1, &[], 50, || note(1)), job(2, &[3], 100, || note(2)), job(3, &[], 1, || note(3))];
        run(jobs, 1).unwrap();
        assert_eq!(*order.lock().unwrap(), [3, 2, 1]);
    }

    #[test]
    fn the_first_error_stops_the_rest() {
        let jobs =
            vec![job(1, &[], 9, || Err(Error::Incomplete("x".to_owned()))), job(2, &[1], 1, || panic!("must not run"))];
        assert!(matches!(run(jobs, 1), Err(Error::Incomplete(_))));
    }
}
