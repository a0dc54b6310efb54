import { addMs, timeText } from '../core/time.ts';
import { plural } from '../lib/words.ts';
import { describeCommand, look } from './advice.ts';
import { defineAnalyzer, kindResources, nameOf } from './define.ts';
import type { EventView, FindingDraft, ObjectKind, Target } from './define.ts';
import { eventsEvidence } from './reading/events.ts';
import { quote } from './reading/quote.ts';

const recentMs = 3_600_000;

/** Warning events of the last hour. Those that another finding about the object explains are dropped afterwards. */
export const warningEvent = defineAnalyzer({
  name: 'warning-event',
  // A custom resource is known by its events alone: they are its findings.
  kinds: (Object.keys(kindResources) as ObjectKind[]).filter((kind) => kind !== 'customresource'),
  explains: [],
  categories: {
    'warning-event': {
      meaning: 'Kubernetes warned about the object within the last hour.',
      happened: 'got a warning',
      nearness: 20,
      answers: [],
      changes: null,
      givesWay: true,
      advice: (draft) => [look(describeCommand(draft), 'Shows the state and the events of the object.')],
    },
  },
  async run(io, target) {
    const events = await io.events(target);
    const since = addMs(io.now, -recentMs);
    const warnings = events.filter((event) => event.type === 'Warning' && event.last !== null && event.last >= since);
    const reasons = [...new Set(warnings.map((event) => event.reason))];
    return reasons.map((reason) =>
      finding(
        target,
        events,
        warnings.filter((event) => event.reason === reason),
      ),
    );
  },
});

function finding(
  target: Target,
  all: readonly EventView[],
  warnings: readonly EventView[],
): FindingDraft<'warning-event'> {
  const last = warnings.at(-1);
  const count = warnings.reduce((sum, event) => sum + event.count, 0);
  return {
    category: 'warning-event',
    severity: 'low',
    object: nameOf(target),
    description: `Warning event ${last?.reason ?? ''} of ${target.kind} ${target.name} (${plural(count, 'time')}, last at ${timeText(last?.last ?? null)}): ${quote(last?.message ?? '', 250)}`,
    cause: null,
    decisive: false,
    when: { from: warnings[0]?.first ?? null, until: null, source: `event ${last?.reason ?? ''}` },
    facts: { reason: last?.reason ?? '', count: String(count) },
    evidence: [eventsEvidence(target, all)],
  };
}
