import type { Generated } from 'kysely';

/**
 * The tables, as both databases have them. `seq` numbers give the order of records, because clocks may jump; times are
 * ISO 8601 text for people. Columns named after JSON hold its text, not a database's own JSON type: PostgreSQL's
 * refuses NUL and SQLite's has none.
 */
export interface Schema {
  experiments: {
    seq: Generated<number>;
    id: string;
    name: string;
    description: string;
    tags_json: string;
    created_at: string;
  };
  runs: {
    seq: Generated<number>;
    id: string;
    experiment_seq: number;
    parent_id: string | null;
    root_id: string;
    kind: string;
    name: string;
    description: string;
    state: string;
    /** What the run was doing when its owner was lost, so that an owner that comes back goes on with it. */
    lost_state: string | null;
    tags_json: string;
    params_json: string;
    properties_json: string;
    created_at: string;
    started_at: string | null;
    ended_at: string | null;
    error: string | null;
    owner_host: string | null;
    owner_pid: number | null;
    owner_start: string | null;
    heartbeat: number;
  };
  /** The tags of runs once more, for queries. */
  run_tags: { run_seq: number; key: string; value: string };
  metric_keys: { id: Generated<number>; name: string };
  experiment_metrics: { experiment_seq: number; key_id: number };
  /** `value` null is NaN, which SQLite cannot hold; `time` in milliseconds since 1970. */
  metric_points: { run_seq: number; key_id: number; step: number; value: number | null; time: number };
  /** The point of the highest step of every metric, so that lists never touch the history. */
  latest_metrics: { run_seq: number; key_id: number; step: number; value: number | null };
  events: {
    seq: Generated<number>;
    run_id: string;
    root_id: string;
    type: string;
    data_json: string;
    time: string;
  };
  artifacts: { run_id: string; path: string; size: number; sha256: string; created_at: string };
  /** The highest version that a name ever had, so that a deleted one does not come back as another. */
  versions: { family: string; name: string; last_version: number };
  datasets: {
    name: string;
    version: number;
    description: string;
    tags_json: string;
    fingerprint: string;
    source_json: string;
    created_at: string;
  };
  models: {
    name: string;
    version: number;
    /** Folder of the file. */
    file_key: string;
    description: string;
    tags_json: string;
    run_id: string | null;
    metrics_json: string;
    size: number;
    sha256: string;
    created_at: string;
  };
  model_aliases: { name: string; alias: string; version: number };
  promotions: {
    seq: Generated<number>;
    name: string;
    alias: string;
    from_version: number | null;
    to_version: number | null;
    made_by: string;
    reason: string;
    time: string;
  };
  published_pipelines: {
    seq: Generated<number>;
    id: string;
    name: string;
    description: string;
    version: string;
    status: string;
    definition_json: string;
    run_id: string | null;
    created_at: string;
  };
  tokens: {
    seq: Generated<number>;
    id: string;
    name: string;
    hash: string;
    scopes_json: string;
    created_at: string;
    expires_at: string | null;
    revoked_at: string | null;
  };
  reuse: {
    seq: Generated<number>;
    key: string;
    step_name: string;
    run_id: string;
    components_json: string;
    outputs_json: string;
    created_at: string;
  };
  schema_version: { version: number };
}
