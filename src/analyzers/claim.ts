import { look } from './advice.ts';
import { defineAnalyzer, objectName } from './define.ts';
import type { FindingDraft } from './define.ts';
import { eventsEvidence, recentWarnings } from './events.ts';
import { between, textAt } from './fields.ts';
import { quote } from './quote.ts';

/** Persistent volume claims that are not bound, with the provisioner's reason. */
export const claim = defineAnalyzer({
  name: 'claim',
  kinds: ['persistentvolumeclaim'],
  explains: ['ProvisioningFailed', 'FailedBinding'],
  categories: {
    'claim-pending': {
      meaning: 'A claim is bound to no volume.',
      nearness: 94,
      answers: ['claim', 'unready', 'service', 'job'],
      changes: null,
      advice: (_, { namespace }) => [
        look(`kubectl -n ${namespace} describe persistentvolumeclaims`, 'Shows the answer of the provisioner.'),
        look('kubectl get storageclasses', 'Shows which storage classes exist, and which is the default.'),
      ],
    },
  },
  async run(io, target) {
    const phase = textAt(target.object, 'status', 'phase');
    if (phase === 'Bound' || phase === '') return [];
    const events = await io.events(target);
    const warning =
      recentWarnings(events, ['ProvisioningFailed', 'FailedBinding'], io.now, 24 * 3_600_000).at(-1) ??
      events.findLast((event) => event.reason === 'FailedBinding');
    const message = warning === undefined ? '' : quote(warning.message, 300);
    const storageClass = textAt(target.object, 'spec', 'storageClassName') || 'the default';
    const waited = between(target.object.metadata.creationTimestamp ?? null, io.now);
    const finding: FindingDraft<'claim-pending'> = {
      category: 'claim-pending',
      severity: 'high',
      object: objectName('persistentvolumeclaim', target.namespace, target.name),
      description: `Claim ${target.name} is ${phase}${waited === null ? '' : ` for ${waited}`} (storage class: ${storageClass})${message === '' ? '' : `: ${message}`}`,
      cause: message === '' ? null : `Claim ${target.name} is not bound: ${message}`,
      decisive: message !== '',
      when: { from: target.object.metadata.creationTimestamp ?? null, until: null, source: 'creation of the claim' },
      facts: { phase, storage_class: storageClass, ...(message === '' ? {} : { message }) },
      evidence: [
        {
          read: { kind: 'object', of: 'persistentvolumeclaim', namespace: target.namespace, name: target.name },
          excerpt: `phase: ${phase}\nstorage class: ${storageClass}\nvolume: ${textAt(target.object, 'spec', 'volumeName') || 'none'}`,
        },
        ...(events.length > 0 ? [eventsEvidence(target, events)] : []),
      ],
    };
    return [finding];
  },
});
