import {
  JOB_BIN,
  JOB_FOREST,
  JOB_GRADIENTS,
  JOB_LOG_SUM,
  JOB_QUANTISE,
  JOB_ROOT,
  JOB_SETTLE,
  JOB_SKETCH,
  JOB_SPLIT,
  JOB_TRAVERSE,
  JOB_UPDATE,
} from "./layout";
import { binTask, sketchTask } from "./binning";
import { forestTask } from "./forest";
import { gradientsTask, logSumTask, quantiseTask } from "./gradients";
import { traverseTask, updateTask } from "./apply-tree";
import { rootTask, settleTask, splitTask } from "./grow";

/** Runs one task of a job on a thread of the team. */
export function runTask(job: i32, task: i32, thread: i32): void {
  switch (job) {
    case JOB_SPLIT:
      splitTask(task, thread);
      break;
    case JOB_SETTLE:
      settleTask(task, thread);
      break;
    case JOB_GRADIENTS:
      gradientsTask(task);
      break;
    case JOB_QUANTISE:
      quantiseTask(task);
      break;
    case JOB_ROOT:
      rootTask(task, thread);
      break;
    case JOB_UPDATE:
      updateTask(task);
      break;
    case JOB_TRAVERSE:
      traverseTask(task);
      break;
    case JOB_SKETCH:
      sketchTask(task);
      break;
    case JOB_BIN:
      binTask(task);
      break;
    case JOB_FOREST:
      forestTask(task, thread);
      break;
    case JOB_LOG_SUM:
      logSumTask(task);
      break;
  }
}
