import type { Clock } from '../../core/ports.ts';
import { KubeFailure } from '../connection/failure.ts';
import { kinds } from '../kinds/kinds.ts';
import { decideLease, heldSpec, releasedSpec, seeLease } from './lease-decision.ts';
import type { LeaseMove, LeaseSpec, LeaseTimings, SeenLease } from './lease-decision.ts';
import type { RequestLimits } from '../connection/transport.ts';
import type { KubeWriter } from '../connection/writer.ts';

export interface LeaseRecordOptions {
  readonly writer: Pick<KubeWriter, 'get' | 'create' | 'replace'>;
  readonly namespace: string;
  /** Of the Lease. */
  readonly name: string;
  /** Of this process alone: `pod name_random`. */
  readonly identity: string;
  readonly timings: LeaseTimings;
  readonly clock: Clock;
}

/** A Lease as this process knows it, and its writes: of several that have seen the same only one can write. */
export interface LeaseRecord {
  /** Throws what {@link KubeWriter} throws; so do the others. */
  look(limits: Partial<RequestLimits>): Promise<void>;
  /** As last seen; null = nobody. */
  holder(): string | null;
  decide(): LeaseMove;
  /** Answers the number of the term, which is a new one or goes on. */
  hold(isNew: boolean, limits: Partial<RequestLimits>): Promise<number>;
  /** Looks, and gives it up where it is ours. */
  release(limits: Partial<RequestLimits>): Promise<void>;
}

export function createLeaseRecord(options: LeaseRecordOptions): LeaseRecord {
  const { writer, namespace, name, identity, timings, clock } = options;
  const place = { namespace, name };
  let seen: SeenLease | null = null;

  const look: LeaseRecord['look'] = async (limits) => {
    const lease = await writer.get(kinds.lease, place, limits);
    if (lease !== null) seen = seeLease(lease, seen, clock.monotonic());
    else if (seen !== null) seen = { ...seen, resourceVersion: null };
  };

  async function write(spec: LeaseSpec, limits: Partial<RequestLimits>): Promise<number> {
    const version = seen?.resourceVersion ?? null;
    const written =
      version === null
        ? await writer.create(kinds.lease, { metadata: place, spec }, limits)
        : await writer.replace(kinds.lease, { metadata: { ...place, resourceVersion: version }, spec }, limits);
    seen = seeLease(written, seen, clock.monotonic());
    return seen.transitions;
  }

  return {
    look,
    holder: () => (seen === null || seen.holder === '' ? null : seen.holder),
    decide: () => decideLease(seen, identity, clock.monotonic(), timings),
    hold: (isNew, limits) => write(heldSpec(seen, identity, clock.now(), timings.durationMs, isNew), limits),
    async release(limits) {
      await look(limits);
      if (seen?.holder === identity && seen.resourceVersion !== null)
        await write(releasedSpec(seen, clock.now()), limits);
    },
  };
}

/** What was seen of the Lease is not what is there. */
export function isOvertaken(thrown: unknown): boolean {
  return thrown instanceof KubeFailure && (thrown.code === 'Conflict' || thrown.reason === 'NotFound');
}
