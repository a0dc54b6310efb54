import { addMs } from '../../core/time.ts';
import { plural } from '../../lib/words.ts';
import { describeCommand, look } from '../advice.ts';
import { defineAnalyzer, nameOf, objectName } from '../define.ts';
import type { EventView, FindingDraft, Target } from '../define.ts';
import { eventsEvidence } from '../reading/events.ts';
import { between, listAt, textAt, timeAt } from '../reading/fields.ts';
import { quote } from '../reading/quote.ts';

type Draft = FindingDraft<'address-failed' | 'address-missing'>;

/** A controller that cannot do its work says so again within this time. */
const recentMs = 3_600_000;
/** Two writers met: the controller tries again at once. */
const isTriedAgain = /the object has been modified|please apply your changes to the latest version|is being deleted/;
/** A load balancer takes some minutes to be made. */
const patienceMs = 15 * 60_000;

/** Warnings of the controllers that make addresses and routes; anybody may write others about a Service. */
const known: readonly string[] = [
  'SyncLoadBalancerFailed',
  'AllocationFailed',
  'UnAvailableLoadBalancer',
  'FailedBuildModel',
  'FailedDeployModel',
  'FailedToUpdateEndpoint',
  'FailedToUpdateEndpointSlices',
  'Sync',
  'Translate',
];

/** Services and Ingresses for which a controller cannot make endpoints, an address or routes. */
export const externalAddress = defineAnalyzer({
  name: 'external-address',
  kinds: ['service', 'ingress'],
  explains: known,
  categories: {
    'address-failed': {
      meaning: 'A controller cannot give a Service or an Ingress its load balancer, its address or its routes.',
      happened: 'got no address or route',
      nearness: 76,
      answers: ['service', 'unready'],
      changes: null,
      advice: (draft) => [look(describeCommand(draft), 'Shows what the controller said, and how often.')],
    },
    'address-missing': {
      meaning: 'A Service of type LoadBalancer has no address.',
      happened: 'got no address',
      nearness: 60,
      answers: ['service', 'unready'],
      changes: null,
      advice: (draft) => [
        look(describeCommand(draft), 'Shows whether any controller has taken the service up (its events).'),
        look(
          'kubectl get pods -A | grep -i -E "load-?balancer|cloud-controller|metallb|cilium|kube-vip"',
          'Shows which controller could give it one.',
        ),
      ],
    },
  },
  async run(io, target) {
    const events = await io.events(target);
    const since = addMs(io.now, -recentMs);
    const warning = events.findLast(
      ({ type, last, message }) =>
        type === 'Warning' && (last === null || last >= since) && !isTriedAgain.test(message),
    );
    if (warning !== undefined && !isOver(events, warning)) return [failed(target, warning, events)];
    const created = timeAt(target.object, 'metadata', 'creationTimestamp');
    const waits = created !== null && created < addMs(io.now, -patienceMs);
    return waits && isWithoutAddress(target) ? [missing(target, between(created, io.now) ?? '')] : [];
  },
});

/** Whether the controller told of a success after it. */
function isOver(events: readonly EventView[], warning: EventView): boolean {
  return events.some(
    ({ type, reason, last }) =>
      type === 'Normal' &&
      /^(?:EnsuredLoadBalancer|UpdatedLoadBalancer|SuccessfullyReconciled|IPAllocated|nodeAssigned|Sync|UpdatedEndpoint)/.test(
        reason,
      ) &&
      last !== null &&
      warning.last !== null &&
      last > warning.last,
  );
}

function failed(target: Target, warning: EventView, events: readonly EventView[]): Draft {
  const word = target.kind === 'ingress' ? 'Ingress' : 'Service';
  const text = `The controller of ${word} ${target.name} fails (${warning.reason}, ${plural(warning.count, 'time')}): ${quote(warning.message, 300).replace(/\.$/, '')}.`;
  return {
    category: 'address-failed',
    severity: 'high',
    object: nameOf(target),
    description: text,
    cause: text,
    decisive: known.includes(warning.reason),
    when: { from: warning.first, until: null, source: `event ${warning.reason}` },
    facts: { reason: warning.reason },
    evidence: [eventsEvidence(target, events)],
  };
}

const isWithoutAddress = ({ relation, object }: Target): boolean =>
  relation === 'alert' &&
  textAt(object, 'spec', 'type') === 'LoadBalancer' &&
  listAt(object, 'status', 'loadBalancer', 'ingress').length === 0;

function missing(target: Target, waited: string): Draft {
  const text = `Service ${target.name} of type LoadBalancer has no address, ${waited} after it was made, and no controller says why: none seems to serve it.`;
  return {
    category: 'address-missing',
    severity: 'medium',
    object: objectName('service', target.namespace, target.name),
    description: text,
    cause: text,
    decisive: false,
    when: {
      from: timeAt(target.object, 'metadata', 'creationTimestamp'),
      until: null,
      source: 'creation of the service',
    },
    facts: {},
    evidence: [
      {
        read: { kind: 'object', of: 'service', namespace: target.namespace, name: target.name },
        excerpt: `type: LoadBalancer\nclass: ${textAt(target.object, 'spec', 'loadBalancerClass') || 'none'}\nno address in its status`,
      },
    ],
  };
}
