import { addMs, timeText } from '../../core/time.ts';
import { plural } from '../../lib/words.ts';
import { describeCommand, look } from '../advice.ts';
import { defineAnalyzer } from '../define.ts';
import type { AnalyzerIo, EventView, FindingDraft, Question, Target } from '../define.ts';
import { eventsEvidence } from '../reading/events.ts';
import { conditionOf } from '../reading/fields.ts';
import { wasRead } from '../reading/owned.ts';
import { quote } from '../reading/quote.ts';

type Draft = FindingDraft<'node-was-not-ready' | 'node-removed'>;

/** A node that was not ready longer ago than this is ready again, and that is all. */
const recentMs = 2 * 3_600_000;
const everything: readonly Question[] = ['node', 'unready', 'exits', 'service', 'job'];

/** Events of those who take nodes away: the node controller, the cloud, autoscalers, Karpenter. */
const removals =
  /^(?:DeletingNode|RemovingNode|ScaleDown|ScaleDownEmpty|DisruptionTerminating|SpotInterrupted|SpotInterruption|TerminateInstance|PreemptScheduled|NodeShutdown|Shutdown|Drain)$/;

/** Of them those that say of themselves that the node is gone; after the others it may as well be there again. */
const ends = /^(?:DeletingNode|RemovingNode)$/;

/** Nodes that were not ready a while ago, and nodes that were taken away: what only their events tell. */
export const nodePast = defineAnalyzer({
  name: 'node-past',
  kinds: ['node'],
  explains: ['NodeNotReady', 'DeletingNode', 'RemovingNode'],
  categories: {
    'node-was-not-ready': {
      meaning: 'A node was not ready for some time, and is again.',
      happened: 'was not ready for some time',
      nearness: 76,
      answers: everything,
      changes: null,
      advice: (draft, { pod: name }) => [
        look(describeCommand(draft), 'Shows when the node was ready and when not.'),
        look(
          `On ${name}: journalctl -u kubelet -u containerd --since -3h.`,
          'Shows what the kubelet and the container runtime did at that time.',
        ),
      ],
    },
    'node-removed': {
      meaning: 'A node was taken away.',
      happened: 'was taken away',
      nearness: 95,
      answers: everything,
      changes: null,
      advice: (draft, { pod: name }) => [
        look(
          `kubectl get events -A --field-selector involvedObject.name=${name}`,
          `Shows who took the node away, and when; ${draft.facts['reason']} is the last word about it.`,
        ),
      ],
    },
  },
  async run(io, target) {
    const events = await io.events(target);
    if (!wasRead(target)) return removed(io, target, events);
    return wasNotReady(io, target, events);
  },
});

/** The last event by which somebody took a node away. */
export function removalOf(events: readonly EventView[]): EventView | null {
  return events.findLast(({ reason }) => removals.test(reason)) ?? null;
}

async function removed(io: AnalyzerIo, target: Target, events: readonly EventView[]): Promise<readonly Draft[]> {
  const read = await io.get('node', null, target.name);
  const isGone = read.kind === 'ok' && read.value === null;
  // Where nodes cannot be read, it may be there.
  const event = isGone ? removalOf(events) : events.findLast(({ reason }) => ends.test(reason));
  if (event === null || event === undefined) return [];
  const text = `Node ${target.name} was taken away at ${timeText(event.last)} (${event.reason}): ${quote(event.message, 200).replace(/\.$/, '')}.`;
  return [
    {
      category: 'node-removed',
      severity: 'critical',
      object: `node/${target.name}`,
      description: text,
      cause: text,
      decisive: true,
      when: { from: event.first, until: null, source: `event ${event.reason}` },
      facts: { reason: event.reason },
      evidence: [eventsEvidence(target, events)],
    },
  ];
}

function wasNotReady(io: AnalyzerIo, target: Target, events: readonly EventView[]): readonly Draft[] {
  const ready = conditionOf(target.object, 'Ready');
  const event = events.findLast(({ reason }) => reason === 'NodeNotReady');
  if (ready?.status !== 'True' || event === undefined || event.last === null) return [];
  if (event.last < addMs(io.now, -recentMs)) return [];
  const back = ready.since !== null && ready.since > event.last ? ready.since : null;
  const often = event.count > 1 ? ` (${plural(event.count, 'time')} since ${timeText(event.first)})` : '';
  const text = `Node ${target.name} was not ready at ${timeText(event.last)}${often}${back === null ? '' : `, and is again since ${timeText(back)}`}.`;
  return [
    {
      category: 'node-was-not-ready',
      severity: target.relation === 'alert' ? 'high' : 'medium',
      object: `node/${target.name}`,
      description: text,
      cause: text,
      // Of an alert about the node itself it only says again what the alert says.
      decisive: target.relation !== 'alert',
      when: { from: event.first, until: back ?? event.last, source: 'event NodeNotReady' },
      facts: { times: String(event.count) },
      evidence: [
        { read: { kind: 'object', of: 'node', namespace: null, name: target.name }, excerpt: 'condition Ready=True' },
        eventsEvidence(target, events),
      ],
    },
  ];
}
