import { toEpochMs } from '../../core/time.ts';
import type { AnalyzerIo, EventView, EvidenceDraft, Target } from '../define.ts';
import { aboutOf, eventsEvidence, eventView } from '../reading/events.ts';
import { textAt } from '../reading/fields.ts';
import { quote } from '../reading/quote.ts';
import type { Ending } from './pod-status.ts';

/** The kernel's report and the end of the container are seconds apart. */
const sameMomentMs = 120_000;

/** What the kernel said of a kill: an event OOMKilling or SystemOOM about the pod or its node. */
export interface KernelReport {
  readonly event: EventView;
  /** The name of the process; empty where it is not told. */
  readonly process: string;
  /** Of the whole machine, not of a control group. */
  readonly system: boolean;
  /** At the moment of the end, not only at some time of a row of reports. */
  readonly same: boolean;
  readonly evidence: EvidenceDraft;
}

/** The kernel's report of the moment in which a container ended; null where there is none. */
export async function kernelReport(
  io: AnalyzerIo,
  target: Target,
  events: readonly EventView[],
  ending: Ending,
): Promise<KernelReport | null> {
  const node = textAt(target.object, 'spec', 'nodeName');
  const [ofNode, near] = await Promise.all([
    node === '' ? Promise.resolve<readonly EventView[]>([]) : io.events({ kind: 'node', namespace: null, name: node }),
    io.list('events', target.namespace),
  ]);
  const beside =
    near.kind === 'ok' ? near.value.filter((event) => textAt(aboutOf(event), 'name') === node).map(eventView) : [];
  const reports = [...events, ...ofNode, ...beside].filter(
    ({ reason, first, last }) =>
      (reason === 'OOMKilling' || reason === 'SystemOOM') &&
      ending.finishedAt !== null &&
      last !== null &&
      toEpochMs(last) >= toEpochMs(ending.finishedAt) - sameMomentMs &&
      toEpochMs(first ?? last) <= toEpochMs(ending.finishedAt) + sameMomentMs,
  );
  // A control group that was full was reported as such, whatever else the kubelet says of the machine.
  const event = reports.findLast(isOfGroup) ?? reports.at(-1);
  if (event === undefined) return null;
  const process =
    /Killed process \d+ \(([^)]{1,64})\)/.exec(event.message)?.[1] ??
    /victim process: ([^,\s]{1,64})/.exec(event.message)?.[1] ??
    '';
  const system = !isOfGroup(event);
  const same = [event.first, event.last].some(
    (moment) =>
      moment !== null &&
      ending.finishedAt !== null &&
      Math.abs(toEpochMs(moment) - toEpochMs(ending.finishedAt)) <= sameMomentMs,
  );
  const read = events.includes(event)
    ? eventsEvidence(target, events).read
    : ofNode.includes(event)
      ? ({ kind: 'events', of: 'node', namespace: null, name: node } as const)
      : ({ kind: 'list', resource: 'events', namespace: target.namespace } as const);
  return {
    event,
    process,
    system,
    same,
    evidence: { read, excerpt: `${event.last}  ${event.reason}  x${event.count}  ${quote(event.message, 300)}` },
  };
}

const isOfGroup = ({ reason, message }: EventView): boolean =>
  reason === 'OOMKilling' && /memory cgroup|memcg/i.test(message);
