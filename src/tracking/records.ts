import type { ProcessOwner } from '#core';
import type { RunState } from './run-state.ts';

/** Any value that JSON can hold. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json | undefined };

/** Labels of a record: both sides are free text, kept as given. */
export type Tags = Readonly<Record<string, string>>;

/** One page of a list; `next` goes into the next query's `cursor`, and is absent on the last page. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next?: string;
}

export interface PageQuery {
  /** Records at most, 1 to 1000; default 50. */
  readonly limit?: number;
  /** `next` of the page before. */
  readonly cursor?: string;
}

/** Times are ISO 8601 in UTC, for people; the order of records comes from their sequence, which no clock can turn. */
export interface ExperimentRecord {
  readonly id: string;
  /** Unique among the experiments that are not deleted. */
  readonly name: string;
  readonly description: string;
  readonly tags: Tags;
  readonly createdAt: string;
}

/** What a run is: a whole pipeline, one step, one AutoML trial, or anything a user logs by hand. */
export type RunKind = 'run' | 'pipeline' | 'step' | 'automl' | 'trial';

/** The process that drives a run. Another process of the same host asks the system whether it is still there. */
export type RunOwner = ProcessOwner;

export interface RunRecord {
  readonly id: string;
  readonly experimentId: string;
  readonly experimentName: string;
  readonly parentId: string | null;
  /** The topmost run above this one, or itself. */
  readonly rootId: string;
  readonly kind: RunKind;
  /** Shown to people; a step's name, a trial's algorithm. */
  readonly name: string;
  readonly description: string;
  readonly state: RunState;
  readonly tags: Tags;
  readonly params: Readonly<Record<string, Json>>;
  /** What the program needs to continue or explain the run: pipeline graph, reuse key, iteration. */
  readonly properties: Readonly<Record<string, Json>>;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  /** Why it failed or was cancelled: one sentence. */
  readonly error: string | null;
  readonly owner: RunOwner | null;
  /** Grows with every heartbeat of the owner. */
  readonly heartbeat: number;
}

export interface NewRun {
  /** Unique over all runs; made when absent (UUID). AutoML's children are called `<parent>_<iteration>`. */
  readonly id?: string;
  /** Made when it does not exist. */
  readonly experimentName: string;
  readonly parentId?: string;
  readonly kind?: RunKind;
  readonly name?: string;
  readonly description?: string;
  /** Default `NotStarted`. */
  readonly state?: RunState;
  readonly tags?: Tags;
  readonly params?: Readonly<Record<string, Json>>;
  readonly properties?: Readonly<Record<string, Json>>;
}

export interface RunQuery extends PageQuery {
  readonly experimentName?: string;
  /** `null`: only runs without a parent. */
  readonly parentId?: string | null;
  readonly states?: readonly RunState[];
  readonly kinds?: readonly RunKind[];
  /** Runs that carry all of these. */
  readonly tags?: Tags;
  /** Latest metrics come with every run; history never does. */
  readonly withMetrics?: boolean;
  /** Default `newest`. */
  readonly order?: 'newest' | 'oldest';
}

export interface RunSummary extends RunRecord {
  /** The value of the highest step of every metric, where it was asked for. */
  readonly metrics?: Readonly<Record<string, number>>;
}

/** One point of a metric's history; a second one of the same key and step replaces the first. */
export interface MetricPoint {
  readonly key: string;
  /** NaN and infinities are kept as they are. */
  readonly value: number;
  /** Whole number from 0; default 0. */
  readonly step?: number;
}

export interface StoredPoint {
  readonly step: number;
  readonly value: number;
  readonly time: string;
}

/** Something that happened to a run or one of its descendants, for those who watch. */
export interface RunEvent {
  /** Grows over the whole store, without regard to clocks; what `Last-Event-ID` carries. */
  readonly seq: number;
  readonly runId: string;
  readonly rootId: string;
  /** `created`, `state`, `metrics`, `log`, `progress`, `artifact`, `child`, or a program's own. */
  readonly type: string;
  readonly data: Json;
  readonly time: string;
}

export interface ArtifactRecord {
  /** Relative, with `/`, without `.`, `..`, empty parts, NUL or backslash. */
  readonly path: string;
  readonly size: number;
  /** Hexadecimal. */
  readonly sha256: string;
  readonly createdAt: string;
}

/** A version of a registered dataset. Registering the same content again gives the version that exists. */
export interface DatasetRecord {
  readonly name: string;
  /** From 1. */
  readonly version: number;
  readonly description: string;
  readonly tags: Tags;
  /** Digest of the content, hexadecimal. */
  readonly fingerprint: string;
  /** How to read it: type, path or address, read options. */
  readonly source: Readonly<Record<string, Json>>;
  readonly createdAt: string;
}

export interface ModelRecord {
  readonly name: string;
  /** From 1. */
  readonly version: number;
  readonly description: string;
  readonly tags: Tags;
  /** The run that made it. */
  readonly runId: string | null;
  readonly metrics: Readonly<Record<string, number>>;
  readonly size: number;
  readonly sha256: string;
  /** Aliases that point at this version. */
  readonly aliases: readonly string[];
  readonly createdAt: string;
}

/** One line of the append-only log of a model's aliases. */
export interface PromotionRecord {
  readonly seq: number;
  readonly name: string;
  readonly alias: string;
  /** `null` when the alias did not exist, or was removed. */
  readonly fromVersion: number | null;
  readonly toVersion: number | null;
  readonly by: string;
  readonly reason: string;
  readonly time: string;
}

export type PublishedStatus = 'Active' | 'Disabled';

export interface PublishedPipelineRecord {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  /** The user's text, e.g. `1.0`. */
  readonly version: string;
  readonly status: PublishedStatus;
  /** The graph: steps, parameters with defaults. */
  readonly definition: Json;
  /** The run it was published from. */
  readonly runId: string | null;
  readonly createdAt: string;
}

export type TokenScope = 'read' | 'submit' | 'score' | 'admin';

export interface TokenRecord {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly TokenScope[];
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
}

/** Outputs of a finished step under its reuse key. */
export interface ReuseRecord {
  /** Digest of the components. */
  readonly key: string;
  readonly stepName: string;
  readonly runId: string;
  /** Each part of the key by name, as digest or plain value, to explain a difference. */
  readonly components: Readonly<Record<string, Json>>;
  /** Output name → artefact of `runId`. */
  readonly outputs: Readonly<Record<string, ArtifactRecord>>;
  readonly createdAt: string;
}
