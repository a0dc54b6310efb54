import type { KubernetesObject } from '../../core/cluster.ts';
import { canonicalJson } from '../../lib/hash.ts';
import { microTime } from '../kinds/micro-time.ts';

/** Milliseconds; those of client-go. */
export interface LeaseTimings {
  /** Nobody takes it from a holder before the Lease has been seen unchanged for so long. */
  readonly durationMs: number;
  /** A holder that could not renew it for so long leads no more: well before anybody else may. */
  readonly renewDeadlineMs: number;
  /** Between two tries. */
  readonly retryMs: number;
}

export const standardTimings: LeaseTimings = { durationMs: 15_000, renewDeadlineMs: 10_000, retryMs: 2000 };

/** A Lease as this process has last seen it. */
export interface SeenLease {
  /** Whoever writes must name it, so that only one of two writes counts; null = somebody has deleted it. */
  readonly resourceVersion: string | null;
  /** Empty: nobody. */
  readonly holder: string;
  readonly durationMs: number;
  readonly acquireTime: string | null;
  readonly renewTime: string | null;
  /** How often the holder has changed. */
  readonly transitions: number;
  /** What was seen, to know a change by. */
  readonly content: string;
  /** Monotonic milliseconds: since when it has been seen like this. No clock but this process's own says whether it has expired. */
  readonly sinceMs: number;
}

/** Reads a Lease; what is as it was before keeps its time. */
export function seeLease(lease: KubernetesObject, before: SeenLease | null, nowMs: number): SeenLease {
  const { holderIdentity, leaseDurationSeconds, leaseTransitions, acquireTime, renewTime } = lease.spec ?? {};
  const content = canonicalJson(lease.spec ?? {});
  return {
    resourceVersion: lease.metadata.resourceVersion ?? '',
    holder: typeof holderIdentity === 'string' ? holderIdentity : '',
    durationMs: typeof leaseDurationSeconds === 'number' ? leaseDurationSeconds * 1000 : 0,
    acquireTime: typeof acquireTime === 'string' ? acquireTime : null,
    renewTime: typeof renewTime === 'string' ? renewTime : null,
    transitions: typeof leaseTransitions === 'number' ? leaseTransitions : 0,
    content,
    sinceMs: before !== null && before.content === content ? before.sinceMs : nowMs,
  };
}

/** What to do about a Lease, and why. */
export type LeaseMove =
  | { readonly action: 'take'; readonly reason: 'Absent' | 'Held' | 'Released' | 'Expired'; readonly message: string }
  | { readonly action: 'wait'; readonly reason: 'HeldByAnother'; readonly message: string };

/** The longest duration of somebody else that is believed. */
const mostDurationMs = 60 * 60_000;

/**
 * The rule of client-go's leader election: a Lease is free where nobody holds it, or where it has not changed before our eyes for
 * its duration. `identity` is of this process alone, so a Lease that names it is ours, whatever became of the answer. Beyond it: who has
 * seen a holder does not believe that it is gone because somebody deletes the Lease.
 */
export function decideLease(
  seen: SeenLease | null,
  identity: string,
  nowMs: number,
  { durationMs }: Pick<LeaseTimings, 'durationMs'>,
): LeaseMove {
  if (seen === null) return { action: 'take', reason: 'Absent', message: 'there is no Lease yet' };
  if (seen.holder === identity) return { action: 'take', reason: 'Held', message: 'this process holds it' };
  if (seen.holder === '') return { action: 'take', reason: 'Released', message: 'nobody holds it' };
  const expiresMs = seen.sinceMs + Math.max(durationMs, Math.min(seen.durationMs, mostDurationMs));
  if (nowMs >= expiresMs)
    return { action: 'take', reason: 'Expired', message: `${seen.holder} has not renewed it for its duration` };
  return { action: 'wait', reason: 'HeldByAnother', message: `${seen.holder} holds it` };
}

/** What is written to hold it from now on: with the number of a new term, or to go on with the old one. `wallMs` is for people only. */
export function heldSpec(
  seen: SeenLease | null,
  identity: string,
  wallMs: number,
  durationMs: number,
  isNew: boolean,
): LeaseSpec {
  const renewTime = changedTime(wallMs, seen?.renewTime ?? null);
  return {
    holderIdentity: identity,
    leaseDurationSeconds: Math.ceil(durationMs / 1000),
    acquireTime: isNew ? renewTime : (seen?.acquireTime ?? renewTime),
    renewTime,
    leaseTransitions: seen === null ? 0 : seen.transitions + (isNew ? 1 : 0),
  };
}

/** `spec` of coordination.k8s.io/v1 Lease. */
export interface LeaseSpec {
  readonly holderIdentity: string;
  readonly leaseDurationSeconds: number;
  readonly acquireTime: string;
  readonly renewTime: string;
  readonly leaseTransitions: number;
}

/** What is written so that the next one need not wait. */
export function releasedSpec(seen: SeenLease, wallMs: number): LeaseSpec {
  const renewTime = changedTime(wallMs, seen.renewTime);
  return {
    holderIdentity: '',
    leaseDurationSeconds: 1,
    acquireTime: renewTime,
    renewTime,
    leaseTransitions: seen.transitions,
  };
}

/**
 * Never the same twice in a row: where a clock stands still, or was put back, the server would take the write for none, and nobody
 * would see that the holder lives.
 */
function changedTime(wallMs: number, before: string | null): string {
  const time = microTime(wallMs);
  return time === before ? microTime(wallMs, 1) : time;
}
