import type { Plan } from './plan.ts';
import type { Timestamp } from './time.ts';

/** What a namespace may have data of, beside its objects in the cluster. */
export const dataKinds = ['metrics', 'logs', 'traces'] as const;
export type DataKind = (typeof dataKinds)[number];

/** What people say of it, by namespace. What they do not say is learned. */
export type Capabilities = Readonly<Record<string, { readonly [Kind in DataKind]?: boolean | undefined }>>;

/** A `namespace_data` row: what a server last answered when it was asked for anything at all of a namespace. */
export interface NamespaceData {
  /** Its address. */
  readonly server: string;
  readonly namespace: string;
  readonly kind: DataKind;
  readonly found: boolean;
  readonly at: Timestamp;
}

/** What was learned is forgotten after so long, so that data that are new are found. */
export const learnedForMs = 24 * 60 * 60_000;
/** Rows that are kept, the newest. */
export const mostNamespaceData = 2000;

/** What is known now. Pure. */
export function freshData(all: readonly NamespaceData[], nowMs: number): readonly NamespaceData[] {
  return all.filter(({ at }) => Math.abs(nowMs - Date.parse(at)) < learnedForMs);
}

/** Whether there are data of a kind of a namespace. */
export interface KnownNamespaceData {
  readonly namespace: string;
  readonly kind: DataKind;
  readonly found: boolean;
  /** People, or earlier runs. */
  readonly by: 'spec' | 'learned';
  /** Who answered earlier runs; null = people say so. */
  readonly server: string | null;
  readonly at: Timestamp | null;
}

export interface KnownData {
  /** What is known of what the agent steps of a Workflow read, by namespace; empty: nothing, or it has none. */
  of(plan: Plan): Promise<readonly KnownNamespaceData[]>;
}
