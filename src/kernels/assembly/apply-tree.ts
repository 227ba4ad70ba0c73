// Adding a grown tree to the scores.
import {
  ARG_0,
  ARG_1,
  ARG_2,
  ARG_3,
  ARG_4,
  BAG_ROWS,
  IN_BAG,
  JOB_TRAVERSE,
  JOB_UPDATE,
  NODES,
  NODE_BYTES,
  ORDER,
  OUTPUT,
  PADDED_ROWS,
  PANELS,
  ROWS,
  SCORES,
  STREAM_CHUNK,
} from "./layout";
import { int, pointer, setInt } from "./context";
import { leafAt, nodeAt, treeLeaves } from "./grow";
import { runJob } from "./team";

/** Adds the finished tree to the scores of output OUTPUT: by its leaves' rows, and by traversal for rows outside the sample. */
export function applyTree(): void {
  setInt(ARG_0, treeLeaves());
  const scores = pointer(SCORES) + (<usize>int(OUTPUT) * <usize>int(PADDED_ROWS) << 2);
  setInt(ARG_1, <i32>scores);
  runJob(JOB_UPDATE, (int(BAG_ROWS) + STREAM_CHUNK - 1) / STREAM_CHUNK);
  if (int(IN_BAG) != 0) traverse(pointer(PANELS), int(ROWS), scores, pointer(IN_BAG));
}

/** Adds the tree to the scores of binned rows, given their panels; rows marked in `skip` are left out. */
export function traverse(panels: usize, rows: i32, scores: usize, skip: usize): void {
  setInt(ARG_0, <i32>panels);
  setInt(ARG_2, rows);
  setInt(ARG_3, <i32>scores);
  setInt(ARG_4, <i32>skip);
  runJob(JOB_TRAVERSE, (rows + STREAM_CHUNK - 1) / STREAM_CHUNK);
}

export function updateTask(task: i32): void {
  const leaves = int(ARG_0);
  const scores = <usize>int(ARG_1);
  const from = task * STREAM_CHUNK;
  const to = min<i32>(from + STREAM_CHUNK, int(BAG_ROWS));
  const order = pointer(ORDER);
  for (let i = 0; i < leaves; i++) {
    const leaf = leafAt(i);
    const start = load<i32>(leaf, 0);
    const first = max<i32>(from, start);
    const last = min<i32>(to, start + load<i32>(leaf, 4));
    if (first >= last) continue;
    const value = <f32>load<f64>(nodeAt(load<i32>(leaf, 12)), 24);
    const end = order + (<usize>last << 2);
    for (let at = order + (<usize>first << 2); at < end; at += 4) {
      const score = scores + (<usize>load<u32>(at) << 2);
      store<f32>(score, load<f32>(score) + value);
    }
  }
}

export function traverseTask(task: i32): void {
  const panels = <usize>int(ARG_0);
  const scores = <usize>int(ARG_3);
  const skip = <usize>int(ARG_4);
  const nodes = pointer(NODES);
  const from = task * STREAM_CHUNK;
  const to = min<i32>(from + STREAM_CHUNK, int(ARG_2));
  for (let row = from; row < to; row++) {
    if (skip != 0 && load<u8>(skip + <usize>row) != 0) continue;
    let node = nodes;
    let feature = load<i32>(node);
    while (feature >= 0) {
      const panel = panels + (<usize>(feature >> 4) << 3);
      const bin = <i32>load<u8>(
        <usize>load<u32>(panel) + <usize>row * <usize>load<u32>(panel, 4) + <usize>(feature & 15),
      );
      let left: bool;
      if (load<i32>(node, 20) != 0) left = ((load<u32>(node + (<usize>(bin >> 5) << 2), 32) >>> (bin & 31)) & 1) != 0;
      else left = (bin <= load<i32>(node, 4)) || bin == load<i32>(node, 16);
      node = nodes + <usize>(left ? load<i32>(node, 8) : load<i32>(node, 12)) * NODE_BYTES;
      feature = load<i32>(node);
    }
    const score = scores + (<usize>row << 2);
    store<f32>(score, load<f32>(score) + <f32>load<f64>(node, 24));
  }
}
