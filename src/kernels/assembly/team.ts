// A team of threads: the caller posts a job of numbered tasks and takes part; workers that are awake help, workers
// that are not are never waited for.
import {
  CONTROL,
  CONTROL_CALLER_WAITS,
  CONTROL_GENERATION,
  CONTROL_INSIDE,
  CONTROL_JOB,
  CONTROL_NEXT_TASK,
  CONTROL_OPEN,
  CONTROL_SHUTDOWN,
  CONTROL_SLEEPERS,
  CONTROL_TASKS,
  CONTROL_WORKERS,
} from "./layout";
import { runTask } from "./tasks";

/** Loads before a thread with nothing to do goes to sleep: some ten microseconds. */
const SPINS: i32 = 12000;

function work(thread: i32): void {
  const job = load<i32>(CONTROL + CONTROL_JOB);
  const tasks = load<i32>(CONTROL + CONTROL_TASKS);
  for (;;) {
    const task = atomic.add<i32>(CONTROL + CONTROL_NEXT_TASK, 1);
    if (task >= tasks) return;
    runTask(job, task, thread);
  }
}

/** Runs tasks 0 … tasks − 1 of a job and returns when all are done. Called by the caller's thread only. */
export function runJob(job: i32, tasks: i32): void {
  if (tasks <= 1 || atomic.load<i32>(CONTROL + CONTROL_WORKERS) == 0) {
    for (let task = 0; task < tasks; task++) runTask(job, task, 0);
    return;
  }
  store<i32>(CONTROL + CONTROL_JOB, job);
  store<i32>(CONTROL + CONTROL_TASKS, tasks);
  atomic.store<i32>(CONTROL + CONTROL_NEXT_TASK, 0);
  atomic.store<i32>(CONTROL + CONTROL_OPEN, 1);
  atomic.add<i32>(CONTROL + CONTROL_GENERATION, 1);
  if (atomic.load<i32>(CONTROL + CONTROL_SLEEPERS) > 0) {
    atomic.notify(CONTROL + CONTROL_GENERATION, -1);
  }
  work(0);
  atomic.store<i32>(CONTROL + CONTROL_OPEN, 0);
  let spins = 0;
  for (;;) {
    const inside = atomic.load<i32>(CONTROL + CONTROL_INSIDE);
    if (inside == 0) return;
    if (++spins > SPINS) {
      atomic.store<i32>(CONTROL + CONTROL_CALLER_WAITS, 1);
      atomic.wait<i32>(CONTROL + CONTROL_INSIDE, inside, 1000000);
      atomic.store<i32>(CONTROL + CONTROL_CALLER_WAITS, 0);
    }
  }
}

/** The life of a worker thread (1, 2, …): helps with every job until `CONTROL_SHUTDOWN` is set. */
export function workerLoop(thread: i32): void {
  let seen = atomic.load<i32>(CONTROL + CONTROL_GENERATION) - 1;
  for (;;) {
    let spins = 0;
    for (;;) {
      if (atomic.load<i32>(CONTROL + CONTROL_SHUTDOWN) != 0) return;
      const generation = atomic.load<i32>(CONTROL + CONTROL_GENERATION);
      if (generation != seen) {
        seen = generation;
        break;
      }
      if (++spins > SPINS) {
        atomic.add<i32>(CONTROL + CONTROL_SLEEPERS, 1);
        atomic.wait<i32>(CONTROL + CONTROL_GENERATION, generation, -1);
        atomic.sub<i32>(CONTROL + CONTROL_SLEEPERS, 1);
      }
    }
    atomic.add<i32>(CONTROL + CONTROL_INSIDE, 1);
    if (atomic.load<i32>(CONTROL + CONTROL_OPEN) != 0) work(thread);
    const before = atomic.sub<i32>(CONTROL + CONTROL_INSIDE, 1);
    if (before == 1 && atomic.load<i32>(CONTROL + CONTROL_CALLER_WAITS) != 0) {
      atomic.notify(CONTROL + CONTROL_INSIDE, 1);
    }
  }
}
