import type { KubernetesObject } from '../../core/cluster.ts';
import type { Clock } from '../../core/ports.ts';
import { backOffMs } from '../../lib/back-off.ts';
import { explainFailure } from '../connection/failure.ts';
import type { KubeFailure } from '../connection/failure.ts';
import { hasEnded } from './job-state.ts';
import { kinds, objectPath } from '../kinds/kinds.ts';
import { createLogStream, logStart } from '../live/log-stream.ts';
import type { LogPosition } from '../live/log-stream.ts';
import type { KubeTransport, OpenAnswer } from '../connection/transport.ts';
import { unlessSilent } from '../watch/watch-bytes.ts';
import type { KubeWriter } from '../connection/writer.ts';

export interface LogRequest {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** What comes after it is not read. */
  readonly mostBytes: number;
  /** Takes the bytes of whole lines, without times. The log is read no faster than this ends. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
  /** Where an earlier read has ended; absent: from the beginning. */
  readonly from?: LogPosition;
  readonly signal: AbortSignal;
}

/** Why there is no more of it. */
export interface LogEnd {
  /**
   * `ended`: the container has, and all was read. `limit`: there is more. `gone`: the pod is, and with it what was not read.
   * `unreadable`: the container has ended, and its node does not give the log. `aborted`: by the signal.
   */
  readonly kind: 'ended' | 'limit' | 'gone' | 'unreadable' | 'aborted';
  readonly bytes: number;
  readonly position: LogPosition;
}

export interface PodLogsIo {
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
}

const pause = { firstMs: 500, mostMs: 10_000 } as const;
/** Whether the container has ended is looked at so often where its log says nothing: a node may be away. */
const silentMs = 30_000;
/** In a row, once the container has ended. */
const mostFailures = 5;
const maxStatusBytes = 64 * 1024;

interface Reading {
  readonly request: LogRequest;
  readonly transport: KubeTransport;
  readonly io: PodLogsIo;
  position: LogPosition;
  bytes: number;
  failures: number;
}

/**
 * Follows the log of a container of a pod to its end: waits until it starts, and goes on where it was after a connection that broke or
 * fell silent. Throws KubeFailure where it may not be read.
 */
export async function followLog(
  transport: KubeTransport,
  writer: Pick<KubeWriter, 'get'>,
  request: LogRequest,
  io: PodLogsIo,
): Promise<LogEnd> {
  const { namespace, pod: name, container, signal } = request;
  const reading: Reading = { request, transport, io, position: request.from ?? logStart, bytes: 0, failures: 0 };
  const end = (kind: LogEnd['kind']): LogEnd => ({ kind, bytes: reading.bytes, position: reading.position });
  // The pod is looked at before its log is read: a log that ends after its container has is whole.
  let pod: KubernetesObject | null | undefined;
  let isKnownOver = false;
  while (!signal.aborted) {
    pod = await writer
      .get(kinds.pod, { namespace, name }, { signal })
      .catch((error: unknown) => unlessAway(error, signal));
    if (pod === null) return end('gone');
    const isOver = pod !== undefined && hasEnded(pod, container);
    // What failed while it ran says nothing of whether the rest can be read.
    if (isOver && !isKnownOver) reading.failures = 0;
    isKnownOver ||= isOver;
    const came = await read(reading, !isOver);
    if (signal.aborted) break;
    if (came === 'limit') return end('limit');
    if (isOver && came !== 'broken') return end('ended');
    reading.failures = came === 'end' ? 0 : reading.failures + 1;
    if (isOver && reading.failures > mostFailures) return end('unreadable');
    await io.clock.sleep(backOffMs(pause, reading.failures + 1, io.random()), signal).catch(() => undefined);
  }
  return end('aborted');
}

/** undefined = nobody knows just now. */
function unlessAway(error: unknown, signal: AbortSignal): undefined {
  const { code } = error as { readonly code?: unknown };
  if (signal.aborted || code === 'ClusterUnavailable') return undefined;
  throw error;
}

async function read(reading: Reading, isFollowed: boolean): Promise<'end' | 'broken' | 'limit' | 'not started'> {
  const { request, io } = reading;
  const ending = new AbortController();
  const stream = createLogStream(reading.position, async (bytes) => {
    const room = request.mostBytes - reading.bytes;
    const part = bytes.length > room ? bytes.subarray(0, room) : bytes;
    reading.bytes += part.length;
    if (part.length > 0) await request.write(part);
  });
  try {
    const answer = await openLog(reading, isFollowed, AbortSignal.any([request.signal, ending.signal]));
    if (answer.status !== 200) return await refused(reading, answer);
    let isWhole = false;
    for await (const piece of unlessSilent(answer.body, io.clock, silentMs, () => (isWhole = true))) {
      reading.failures = 0;
      await stream.add(piece);
      if (reading.bytes >= request.mostBytes) return 'limit';
    }
    if (!isWhole) return 'broken';
    await stream.finish();
    return reading.bytes >= request.mostBytes ? 'limit' : 'end';
  } catch (error) {
    unlessAway(error, request.signal);
    return 'broken';
  } finally {
    ending.abort();
    reading.position = stream.position();
  }
}

function openLog(
  { request, transport, position }: Reading,
  isFollowed: boolean,
  signal: AbortSignal,
): Promise<OpenAnswer> {
  const { namespace, pod, container } = request;
  const query = {
    container,
    timestamps: 'true',
    ...(isFollowed ? { follow: 'true' } : {}),
    ...(position.at === '' ? {} : { sinceTime: position.at.replace(/\.\d+/, '') }),
  };
  return transport.open(`${objectPath(kinds.pod, namespace, pod)}/log`, query, signal);
}

async function refused(reading: Reading, answer: OpenAnswer): Promise<'broken' | 'not started'> {
  const { request, transport } = reading;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > maxStatusBytes) break;
  }
  const { namespace, pod: name } = request;
  const tried = { verb: 'get', kind: kinds.pod, namespace, name, subresource: 'log' };
  const failure: KubeFailure = explainFailure(transport, tried, {
    status: answer.status,
    body: Buffer.concat(chunks).toString('utf8'),
    truncated: false,
    retryAfter: answer.retryAfter ?? undefined,
    date: undefined,
  });
  // 204 while it is on no node, 400 while its image is pulled; 404 once the pod is gone, which the next look tells.
  if (answer.status === 204 || answer.status === 400) return 'not started';
  if (answer.status === 404 || failure.code === 'ClusterUnavailable') return 'broken';
  throw failure;
}
