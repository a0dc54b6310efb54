import type { KubernetesObject } from '../../core/cluster.ts';
import { addMs } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import { plural } from '../../lib/words.ts';
import type { EventView, EvidenceDraft, Period, Target } from '../define.ts';
import {
  at,
  between,
  conditionLine,
  conditionOf,
  controllerOf,
  listAt,
  mapAt,
  numberAt,
  textAt,
  timeAt,
} from '../reading/fields.ts';

/** How a container ended. */
export interface Ending {
  readonly reason: string;
  readonly exitCode: number | null;
  readonly message: string;
  readonly startedAt: Timestamp | null;
  readonly finishedAt: Timestamp | null;
}

/** A container of a pod: its spec and its status together. */
export interface ContainerView {
  readonly name: string;
  /** For people: `container web`, `init container migrate`. */
  readonly label: string;
  readonly init: boolean;
  readonly image: string;
  readonly ready: boolean;
  readonly restarts: number;
  readonly waiting: { readonly reason: string; readonly message: string } | null;
  readonly running: boolean;
  /** Start of the run that goes on; null where none does. */
  readonly runningSince: Timestamp | null;
  readonly terminated: Ending | null;
  readonly last: Ending | null;
  readonly limits: Readonly<Record<string, string>>;
  readonly requests: Readonly<Record<string, string>>;
  readonly spec: unknown;
}

/** The containers of a pod in the order of its spec, init containers first; those without a status included. */
export function containersOf(pod: KubernetesObject): readonly ContainerView[] {
  const view = (spec: unknown, init: boolean): ContainerView => {
    const name = textAt(spec, 'name');
    const status = listAt(pod, 'status', init ? 'initContainerStatuses' : 'containerStatuses').find(
      (item) => textAt(item, 'name') === name,
    );
    const waiting = at(status, 'state', 'waiting');
    return {
      name,
      label: `${init ? 'init container' : 'container'} ${name}`,
      init,
      image: textAt(spec, 'image'),
      ready: at(status, 'ready') === true,
      restarts: numberAt(status, 'restartCount') ?? 0,
      waiting:
        waiting === undefined || waiting === null
          ? null
          : { reason: textAt(waiting, 'reason'), message: textAt(waiting, 'message') },
      running: at(status, 'state', 'running') !== undefined,
      runningSince: timeAt(status, 'state', 'running', 'startedAt'),
      terminated: endingOf(at(status, 'state', 'terminated')),
      last: endingOf(at(status, 'lastState', 'terminated')),
      limits: mapAt(spec, 'resources', 'limits'),
      requests: mapAt(spec, 'resources', 'requests'),
      spec,
    };
  };
  return [
    ...listAt(pod, 'spec', 'initContainers').map((spec) => view(spec, true)),
    ...listAt(pod, 'spec', 'containers').map((spec) => view(spec, false)),
  ];
}

function endingOf(terminated: unknown): Ending | null {
  if (terminated === undefined || terminated === null) return null;
  return {
    reason: textAt(terminated, 'reason'),
    exitCode: numberAt(terminated, 'exitCode'),
    message: textAt(terminated, 'message'),
    startedAt: timeAt(terminated, 'startedAt'),
    finishedAt: timeAt(terminated, 'finishedAt'),
  };
}

/** An end longer ago than this says nothing about an alert of now, if the container has run since. */
const oldAfterMs = 24 * 3_600_000;

export function isOldEnding(container: ContainerView, ending: Ending, now: Timestamp): boolean {
  return container.running && ending.finishedAt !== null && ending.finishedAt < addMs(now, -oldAfterMs);
}

export function isReady(pod: KubernetesObject): boolean {
  return conditionOf(pod, 'Ready')?.status === 'True';
}

/** How unwell a pod is, to look at the worst first: 0 for a healthy or completed one. */
export function podTrouble(pod: KubernetesObject): number {
  const phase = textAt(pod, 'status', 'phase');
  if (phase === 'Succeeded') return 0;
  const containers = containersOf(pod);
  const restarts = Math.min(9, Math.max(0, ...containers.map((container) => container.restarts)));
  const waiting = containers.some(
    (container) =>
      container.waiting !== null && !['ContainerCreating', 'PodInitializing'].includes(container.waiting.reason),
  );
  if (waiting) return 40 + restarts;
  if (phase === 'Failed') return 30;
  if (phase === 'Pending') return 25;
  if (!isReady(pod)) return 20 + restarts;
  // One that is ready and is to end may hang there.
  if (pod.metadata.deletionTimestamp !== undefined) return 10 + restarts;
  return restarts > 0 ? 1 + restarts : 0;
}

/** What every finding about a pod carries, so that it can be matched with its rollout and its owner. */
export function podFacts(pod: KubernetesObject): Record<string, string> {
  const owner = controllerOf(pod);
  const hash = pod.metadata.labels?.['pod-template-hash'];
  return {
    ...(owner === null ? {} : { owner: `${owner.kind}/${owner.name}` }),
    ...(hash === undefined ? {} : { pod_template_hash: hash }),
  };
}

/** {@link podFacts}, and how a container of the pod ended. */
export function endingFacts(pod: KubernetesObject, container: ContainerView, ending: Ending): Record<string, string> {
  return {
    ...podFacts(pod),
    container: container.name,
    reason: ending.reason,
    ...(ending.exitCode === null ? {} : { exit_code: String(ending.exitCode) }),
    restarts: String(container.restarts),
  };
}

/** Since when a container cannot come up: one that never ran, from the beginning; another, since the event that tells of it. */
export function downSince(pod: KubernetesObject, { restarts, last }: ContainerView, event: EventView | null): Period {
  if (restarts === 0 && last === null)
    return { from: timeAt(pod, 'metadata', 'creationTimestamp'), until: null, source: 'creation of the pod' };
  return { from: event?.first ?? null, until: null, source: event === null ? '' : `event ${event.reason}` };
}

/** Evidence of a pod: phase, conditions that are not met, and each container's state. The same for every finding. */
export function podEvidence(target: Target): EvidenceDraft {
  const pod = target.object;
  const lines = [
    `phase: ${textAt(pod, 'status', 'phase') || 'unknown'}`,
    ...optional('reason', textAt(pod, 'status', 'reason')),
    ...optional('message', textAt(pod, 'status', 'message')),
    ...optional('node', textAt(pod, 'spec', 'nodeName')),
    ...optional('created', pod.metadata.creationTimestamp ?? ''),
    ...listAt(pod, 'status', 'conditions').flatMap((condition) =>
      textAt(condition, 'status') === 'True' ? [] : [conditionLine(condition)],
    ),
    ...containersOf(pod).flatMap(containerLines),
  ];
  return {
    read: { kind: 'object', of: 'pod', namespace: target.namespace, name: target.name },
    excerpt: lines.join('\n'),
  };
}

const optional = (name: string, value: string): readonly string[] => (value === '' ? [] : [`${name}: ${value}`]);

function containerLines(container: ContainerView): readonly string[] {
  const state =
    container.waiting !== null
      ? `waiting, ${container.waiting.reason}${container.waiting.message === '' ? '' : `: ${container.waiting.message}`}`
      : container.terminated !== null
        ? `ended, ${endingText(container.terminated)}`
        : container.running
          ? `running, ${container.ready ? 'ready' : 'not ready'}`
          : 'not started';
  const resources = [...resourceText('requests', container.requests), ...resourceText('limits', container.limits)].join(
    '; ',
  );
  return [
    `${container.label}: ${state}; ${plural(container.restarts, 'restart')}`,
    ...(container.last === null ? [] : [`  last run: ${endingText(container.last)}`]),
    `  image: ${container.image}`,
    `  ${resources === '' ? 'no requests and no limits' : resources}`,
  ];
}

function resourceText(name: string, values: Readonly<Record<string, string>>): readonly string[] {
  const entries = Object.entries(values);
  return entries.length === 0
    ? []
    : [`${name} ${entries.map(([resource, amount]) => `${resource}=${amount}`).join(' ')}`];
}

/** `OOMKilled, exit code 137, at 2026-01-01T00:00:00.000Z after 1m34s`. */
function endingText(ending: Ending): string {
  const ran = between(ending.startedAt, ending.finishedAt);
  return [
    ending.reason || 'ended',
    ...(ending.exitCode === null ? [] : [`exit code ${ending.exitCode}`]),
    ...(ending.finishedAt === null ? [] : [`at ${ending.finishedAt}${ran === null ? '' : ` after ${ran}`}`]),
    ...(ending.message === '' ? [] : [ending.message]),
  ].join(', ');
}
