import type { ObjectReference } from '../../core/cluster.ts';
import type { Clock } from '../../core/ports.ts';
import { toTimestamp } from '../../core/time.ts';
import { createRateLimiter } from '../../lib/rate-limit.ts';
import type { RateLimiter } from '../../lib/rate-limit.ts';
import { eventName, fitText, objectKey, seriesKey } from './event-series.ts';
import type { EventText } from './event-series.ts';
import { eventObject } from './events.ts';
import { KubeFailure } from '../connection/failure.ts';
import { kinds } from '../kinds/kinds.ts';
import { microTime } from '../kinds/micro-time.ts';
import type { KubeWriter } from '../connection/writer.ts';

const mostTries = 8;
const requestMs = 10_000;
/** New Events about one object: as client-go has it. */
const perObject = { requestsPerMinute: 0.2, burst: 25 } as const;
const mostObjects = 1000;

/** What was said about an object, once or again and again. */
export interface Series {
  readonly regarding: ObjectReference;
  readonly event: EventText;
  readonly beganMs: number;
  /** null = nothing is there yet. */
  name: string | null;
  count: number;
  told: number;
  lastMs: number;
  lastWallMs: number;
  writtenMs: number;
  tries: number;
  /** The API server does not want it. */
  isRefused: boolean;
}

export function newSeries(regarding: ObjectReference, event: EventText, clock: Clock): Series {
  return {
    regarding,
    event: fitText(event),
    beganMs: clock.now(),
    name: null,
    count: 0,
    told: 0,
    lastMs: clock.monotonic(),
    lastWallMs: clock.now(),
    writtenMs: Number.NEGATIVE_INFINITY,
    tries: 0,
    isRefused: false,
  };
}

/** Whether one more Event about an object may begin. */
export function createObjectLimits(clock: Clock): (regarding: ObjectReference) => boolean {
  const limiters = new Map<string, RateLimiter>();
  return (regarding) => {
    const key = objectKey(regarding);
    const limiter = limiters.get(key) ?? createRateLimiter(perObject);
    limiters.delete(key);
    limiters.set(key, limiter);
    if (limiters.size > mostObjects) limiters.delete(limiters.keys().next().value ?? '');
    if (limiter.waitMs(clock.monotonic()) > 0) return false;
    limiter.take(clock.monotonic());
    return true;
  };
}

/** Makes the Event, or says how often it was. */
export async function writeSeries(
  writer: Pick<KubeWriter, 'create' | 'patch'>,
  instance: string,
  series: Series,
): Promise<void> {
  const { regarding, event, beganMs, count, lastWallMs } = series;
  const limits = { timeoutMs: requestMs };
  const told = count > 1 ? { series: { count, lastObservedTime: microTime(lastWallMs) } } : {};
  const namespace = regarding.namespace ?? 'default';
  const isThere = series.name !== null || !(await create());
  if (isThere && series.name !== null && count > 1)
    await writer.patch(kinds.event, { namespace, name: series.name }, told, limits);
  series.told = count;

  /** False: a try whose answer was lost has made it, for its name is of this series alone. */
  async function create(): Promise<boolean> {
    const name = eventName(regarding, JSON.stringify([instance, beganMs, seriesKey(regarding, event)]));
    const object = eventObject({ name, regarding, at: toTimestamp(beganMs), ...event, instance }, namespace);
    const desired = { ...object, ...told, metadata: { ...object.metadata } };
    const isMade = await writer.create(kinds.event, desired, limits).then(() => true, unlessThere);
    series.name = name;
    return isMade;
  }
}

function unlessThere(error: unknown): false {
  if (error instanceof KubeFailure && error.reason === 'AlreadyExists') return false;
  throw error;
}

/** Why what could not be written is lost; null = it is tried again. */
export function afterFailure(series: Series, error: unknown): 'Refused' | 'Unreachable' | null {
  const isGone = error instanceof KubeFailure && error.reason === 'NotFound' && series.name !== null;
  // Events are kept for an hour.
  if (isGone) series.name = null;
  series.isRefused = error instanceof KubeFailure && !error.retryable && !isGone;
  if (series.isRefused) return 'Refused';
  series.tries += 1;
  if (series.tries < mostTries) return null;
  series.tries = 0;
  return 'Unreachable';
}
