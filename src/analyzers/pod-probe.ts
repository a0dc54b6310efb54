import type { FindingSeverity } from '../core/finding.ts';
import { describeCommand, look, podQuestions } from './advice.ts';
import { defineAnalyzer } from './define.ts';
import type { EventView, FindingDraft, Target } from './define.ts';
import { eventsEvidence, recentWarnings } from './events.ts';
import { plural, timeText } from './fields.ts';
import { containersOf, isReady, podEvidence, podFacts } from './pod-status.ts';
import { quote } from './quote.ts';

type Draft = FindingDraft<'probe-failure'>;

/** Probes that fail, from the kubelet's Unhealthy events: one finding for each kind of probe. */
export const podProbe = defineAnalyzer({
  name: 'pod-probe',
  kinds: ['pod'],
  explains: ['Unhealthy', 'ProbeWarning', 'Killing'],
  categories: {
    'probe-failure': {
      meaning: 'A probe of a container fails.',
      nearness: 60,
      answers: podQuestions,
      changes: /probe|^(?:image|command|environment|environment sources|ports|cpu limit|container)$/,
      advice: (draft, { namespace, pod, container }) => [
        look(
          `kubectl -n ${namespace} logs ${pod}${container === '' ? '' : ` -c ${container}`}`,
          'Shows what the process did while the probe failed.',
        ),
        look(describeCommand(draft), 'Shows the probe: path, port, time-out, threshold.'),
      ],
    },
  },
  async run(io, target) {
    const events = await io.events(target);
    const failures = recentWarnings(events, ['Unhealthy'], io.now);
    const kinds = ['Liveness', 'Startup', 'Readiness'] as const;
    return kinds.flatMap((kind) => {
      const last = failures.findLast((event) => event.message.startsWith(`${kind} probe`));
      return last === undefined ? [] : [probeFailure(target, events, kind, last)].flat();
    });
  },
});

type ProbeKind = 'Liveness' | 'Startup' | 'Readiness';

function probeFailure(
  target: Target,
  events: readonly EventView[],
  kind: ProbeKind,
  last: EventView,
): readonly Draft[] {
  const containers = containersOf(target.object);
  const ready = isReady(target.object);
  // A ready pod whose readiness probe failed while it started is well.
  if (kind === 'Readiness' && ready) return [];
  const ended = containers.some((container) => container.waiting !== null || container.terminated !== null);
  const killed = events.some(
    (event) => event.reason === 'Killing' && /failed (?:liveness|startup) probe/i.test(event.message),
  );
  const output = quote(last.message.replace(/^\w+ probe (?:failed|errored)[^:]*: ?/, ''), 250);
  const severity: FindingSeverity = ended && !killed ? 'low' : ready ? 'medium' : 'high';
  const consequence =
    killed && kind !== 'Readiness'
      ? ' The kubelet restarts the container for it.'
      : kind === 'Readiness'
        ? ' The pod gets no traffic.'
        : '';
  return [
    {
      category: 'probe-failure',
      severity,
      object: `pod/${target.namespace}/${target.name}`,
      description: `${kind} probe of pod ${target.name} fails (${plural(last.count, 'time')}, last at ${timeText(last.last)}): ${output}.${consequence}`,
      cause: ended && !killed ? null : `The ${kind.toLowerCase()} probe of pod ${target.name} fails: ${output}.`,
      decisive: false,
      when: { from: last.first, until: null, source: 'event Unhealthy' },
      facts: { ...podFacts(target.object), probe: kind.toLowerCase(), count: String(last.count), output },
      evidence: [eventsEvidence(target, events), podEvidence(target)],
    },
  ];
}
