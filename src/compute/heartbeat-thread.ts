/**
 * A thread of a worker process that says every second that the process lives, also while its main thread computes. When
 * nobody listens any more, the parent is gone, and the whole process group ends.
 */
import { writeSync } from 'node:fs';

const HEARTBEAT_MS = 1000;
/** The pipe to the parent; see `WorkerProcess`. */
const HEARTBEAT_FILE = 4;

function beat(): void {
  try {
    writeSync(HEARTBEAT_FILE, '.');
  } catch {
    try {
      process.kill(-process.pid, 'SIGKILL');
    } catch {
      process.kill(process.pid, 'SIGKILL');
    }
  }
}

beat();
setInterval(beat, HEARTBEAT_MS);
