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
    const finding: FindingDraft = {
      category: 'claim-pending',
      severity: 'high',
      object: objectName('persistentvolumeclaim', target.namespace, target.name),
      description: `Claim ${target.name} is ${phase}${waited === null ? '' : ` for ${waited}`} (storage class: ${storageClass})${message === '' ? '' : `: ${message}`}`,
      cause: message === '' ? null : `Claim ${target.name} is not bound: ${message}`,
      decisive: message !== '',
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
