import type { KubernetesObject } from '../core/cluster.ts';
import { addMs, timeText } from '../core/time.ts';
import { plural } from '../lib/words.ts';
import { look } from './advice.ts';
import { defineAnalyzer, kindOf, kindResources, nameOf } from './define.ts';
import type { AnalyzerIo, EventView, FindingDraft, Target } from './define.ts';
import { aboutOf, eventsEvidence, eventView } from './reading/events.ts';
import { textAt } from './reading/fields.ts';
import { quote } from './reading/quote.ts';

const freshMs = 24 * 3_600_000;
/** Reasons of normal events by which controllers tell of a failure all the same. */
const failing = /fail|error|abort|denied|invalid|notfound|notready|rejected|unable|expired|timeout/i;
/** Reasons that tell of the end of it. */
const well =
  /^(?:ready|issued|updated|synced|succeeded|completed|upgradesucceeded|installsucceeded|reconciliationsucceeded|rolloutcompleted|kedascalersstarted|created)$/i;

/** Objects of kinds that are not read, by what their controllers said of them last. */
export const customResource = defineAnalyzer({
  name: 'custom-resource',
  kinds: ['customresource'],
  explains: [],
  categories: {
    'controller-failure': {
      meaning:
        'The controller of a custom resource (a Certificate, an ExternalSecret, a HelmRelease) says that it failed.',
      happened: 'failed at its controller',
      nearness: 92,
      answers: ['certificate', 'service', 'unready', 'exits', 'job', 'autoscaler', 'claim'],
      changes: null,
      advice: (draft, { namespace }) => [
        look(
          `kubectl -n ${namespace} describe ${draft.facts['kind'] ?? ''} ${draft.object.split('/').at(-1)}`,
          'Shows the conditions of the object and what its controller says.',
        ),
      ],
    },
  },
  async run(io, target) {
    const events = await io.events(target);
    const last = events.findLast((event) => isFailure(event));
    if (last === undefined || last.last === null || last.last < addMs(io.now, -freshMs)) return [];
    if (events.some((event) => well.test(event.reason) && (event.last ?? '') > (last.last ?? ''))) return [];
    return [finding(target, events, last)];
  },
});

const isFailure = ({ type, reason }: Pick<EventView, 'type' | 'reason'>): boolean =>
  type === 'Warning' || failing.test(reason);

function finding(target: Target, events: readonly EventView[], last: EventView): FindingDraft<'controller-failure'> {
  const kind = kindOf(target);
  const words = `${target.object.kind ?? 'Object'} ${target.name}: its controller says ${last.reason}: "${quote(last.message, 400)}"`;
  return {
    category: 'controller-failure',
    severity: 'high',
    object: nameOf(target),
    description: `${words} (${plural(last.count, 'time')}, last at ${timeText(last.last)}).`,
    cause: `${words}.`,
    decisive: true,
    // It may have failed long before this event, which is only its newest word.
    when: { from: null, until: null, source: `event ${last.reason}` },
    facts: { kind, reason: last.reason, message: quote(last.message, 400) },
    evidence: [eventsEvidence(target, events)],
  };
}

/**
 * An object of a kind that is not read, with this name or one that begins with it and a dash (`web-tls-1`, the request of
 * `web-tls`), about which its controller said last that it failed; null where there is none. Its kind is that of the events.
 */
export async function failedCustomResource(
  io: Pick<AnalyzerIo, 'list'>,
  namespace: string,
  name: string,
): Promise<KubernetesObject | null> {
  const result = await io.list('events', namespace);
  if (result.kind !== 'ok') return null;
  const found = result.value.flatMap((event) => {
    const about = aboutOf(event);
    const [kind, called] = [textAt(about, 'kind'), textAt(about, 'name')];
    const isNamed = called === name || called.startsWith(`${name}-`);
    const isRead = Object.hasOwn(kindResources, kind.toLowerCase()) || kind === '';
    const reason = textAt(event, 'reason');
    return isNamed && !isRead && isFailure({ type: textAt(event, 'type'), reason })
      ? [{ kind, called, last: eventView(event).last ?? '' }]
      : [];
  });
  const newest = found.toSorted((one, other) => (one.last < other.last ? -1 : one.last > other.last ? 1 : 0)).at(-1);
  // The object itself speaks for what it made.
  const best = found.find(({ called }) => called === name) ?? newest;
  return best === undefined ? null : { kind: best.kind, metadata: { name: best.called, namespace } };
}
