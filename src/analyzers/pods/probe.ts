import { toEpochMs } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import { capital } from '../../lib/words.ts';
import type { EventView } from '../define.ts';
import { at, listAt, numberAt, textAt } from '../reading/fields.ts';
import type { ContainerView, Ending } from './pod-status.ts';
import { quote } from '../reading/quote.ts';

export type ProbeKind = 'liveness' | 'startup' | 'readiness';

/** A probe as the pod's spec has it, with the defaults of the API. */
export interface Probe {
  /** `GET /healthz on port 8080`, `TCP port 6379`, `gRPC port 5050`, `command pg_isready`. */
  readonly what: string;
  readonly port: string | number | null;
  readonly path: string;
  readonly scheme: string;
  readonly timeout: number;
  readonly period: number;
  readonly failures: number;
  readonly delay: number;
}

/** The probe of a container; null where it has none of the kind. */
export function probeOf(spec: unknown, kind: ProbeKind): Probe | null {
  const probe = at(spec, `${kind}Probe`);
  if (probe === undefined || probe === null) return null;
  const http = at(probe, 'httpGet');
  const port = at(
    probe,
    ...(http === undefined ? (at(probe, 'grpc') === undefined ? ['tcpSocket'] : ['grpc']) : ['httpGet']),
    'port',
  );
  const command = listAt(probe, 'exec', 'command').filter((word) => typeof word === 'string');
  const path = textAt(http, 'path') || '/';
  const scheme = textAt(http, 'scheme') || 'HTTP';
  const what =
    http !== undefined
      ? `${scheme === 'HTTPS' ? 'HTTPS ' : ''}GET ${path} on port ${String(port)}`
      : command.length > 0
        ? `command ${quote(command.join(' '), 120)}`
        : `${at(probe, 'grpc') === undefined ? 'TCP' : 'gRPC'} port ${String(port)}`;
  return {
    what,
    port: typeof port === 'string' || typeof port === 'number' ? port : null,
    path,
    scheme,
    timeout: numberAt(probe, 'timeoutSeconds') ?? 1,
    period: numberAt(probe, 'periodSeconds') ?? 10,
    failures: numberAt(probe, 'failureThreshold') ?? 3,
    delay: numberAt(probe, 'initialDelaySeconds') ?? 0,
  };
}

/** `timeout 1s, every 10s, 3 failures allowed, first after 5s`. */
export function numbersOf({ timeout, period, failures, delay }: Probe): string {
  return `timeout ${timeout}s, every ${period}s, ${failures === 1 ? 'one failure is enough' : `${failures} failures in a row are enough`}, first ${delay === 0 ? 'at once' : `${delay}s after the start`}`;
}

/** The kubelet kills a container whose probe failed: since when, how often, and for which probe. */
export interface ProbeKill {
  readonly kind: ProbeKind;
  readonly count: number;
  readonly first: Timestamp | null;
  readonly last: Timestamp | null;
}

const killMessage =
  /(?:^Container (\S+) failed (liveness|startup) probe|:\/\/([^:\s]+):?Container failed (liveness) probe|Container failed (liveness|startup) probe)/i;
/** The kubelet writes the event before it stops the container, and waits for the grace period. */
const killTakesMs = 120_000;
/** Where most runs were ended by the probe, the last one was too, if events are not much older than its end. */
const sameSpellMs = 900_000;

/** The kill that ended a run; null where the kubelet's events tell of none. */
export function probeKillOf(
  events: readonly EventView[],
  container: ContainerView,
  ending: Ending | null,
  graceMs: number,
): ProbeKill | null {
  const kills = events.flatMap((event) => {
    if (event.reason !== 'Killing') return [];
    const found = killMessage.exec(event.message);
    // Kubelets of long ago wrote the name behind `docker://`, those before them the id.
    const said = found?.[1] ?? found?.[3] ?? '';
    const name = /^[\da-f]{64}$/.test(said) ? event.container : said || event.container;
    if (found === null || (name !== '' && name !== container.name)) return [];
    return [{ event, kind: (found[2] ?? found[4] ?? found[5] ?? 'liveness').toLowerCase() as ProbeKind }];
  });
  const last = kills.at(-1);
  if (last === undefined) return null;
  const count = kills.reduce((sum, { event }) => sum + event.count, 0);
  const at = last.event.last;
  const finished = ending?.finishedAt ?? null;
  const before = at === null || finished === null ? 0 : toEpochMs(finished) - toEpochMs(at);
  const ended =
    before <= graceMs + killTakesMs ||
    (before <= sameSpellMs && container.restarts > 0 && count * 2 >= container.restarts);
  return ended ? { kind: last.kind, count, first: kills[0]?.event.first ?? null, last: at } : null;
}

/** The failures of a probe of a container, oldest first. Where an event does not name its container, the port tells. */
export function failuresOf(
  events: readonly EventView[],
  container: ContainerView,
  kind: ProbeKind,
  alone: boolean,
): readonly EventView[] {
  const probe = probeOf(container.spec, kind);
  const prefix = `${capital(kind)} probe`;
  return events.filter((event) => {
    if (event.reason !== 'Unhealthy' || !event.message.startsWith(prefix)) return false;
    if (event.container !== '') return event.container === container.name;
    if (alone) return true;
    return (
      probe !== null &&
      (probe.port === null ||
        typeof probe.port === 'string' ||
        new RegExp(`:${probe.port}(?!\\d)`).test(event.message) ||
        !/:\d{2,5}\b/.test(event.message))
    );
  });
}
