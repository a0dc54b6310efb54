import { describeCommand, look } from '../advice.ts';
import { defineAnalyzer, objectName } from '../define.ts';
import type { FindingDraft } from '../define.ts';
import { eventsEvidence } from '../reading/events.ts';
import { textAt, timeAt } from '../reading/fields.ts';
import { ownWords } from '../pods/runtime-words.ts';

/** Persistent volumes that failed: they could not be reclaimed, deleted or made. */
export const volume = defineAnalyzer({
  name: 'volume',
  kinds: ['persistentvolume'],
  explains: ['VolumeFailedDelete', 'VolumeFailedRecycle', 'VolumeDelete'],
  categories: {
    'volume-failed': {
      meaning: 'A persistent volume is in the phase Failed, or cannot be deleted.',
      happened: 'failed',
      nearness: 80,
      answers: ['claim'],
      changes: null,
      advice: (draft) => [look(describeCommand(draft), 'Shows the phase of the volume and what its storage answers.')],
    },
  },
  async run(io, target) {
    const { object, name } = target;
    const phase = textAt(object, 'status', 'phase');
    const events = await io.events(target);
    const failure = events.findLast(({ reason }) => /^VolumeFailed(?:Delete|Recycle)$/.test(reason));
    if (phase !== 'Failed' && (failure === undefined || phase === 'Bound' || phase === 'Available')) return [];
    const message = textAt(object, 'status', 'message') || (failure?.message ?? '');
    const holder = `${textAt(object, 'spec', 'claimRef', 'namespace')}/${textAt(object, 'spec', 'claimRef', 'name')}`;
    const was = holder === '/' ? '' : `, which claim ${holder} had,`;
    const text = `Volume ${name}${was} is in the phase ${phase}`;
    const finding: FindingDraft<'volume-failed'> = {
      category: 'volume-failed',
      severity: 'high',
      object: objectName('persistentvolume', null, name),
      description: `${text}${message === '' ? '' : `: ${ownWords(message)}`}.`,
      cause: message === '' ? null : `${text}: ${ownWords(message)}.`,
      decisive: message !== '',
      when: {
        from: timeAt(object, 'status', 'lastPhaseTransitionTime') ?? failure?.first ?? null,
        until: null,
        source: 'status of the volume',
      },
      facts: { phase, policy: textAt(object, 'spec', 'persistentVolumeReclaimPolicy') },
      evidence: [
        {
          read: { kind: 'object', of: 'persistentvolume', namespace: null, name },
          excerpt: `phase: ${phase}\nreason: ${textAt(object, 'status', 'reason')}\nmessage: ${textAt(object, 'status', 'message')}\nreclaim policy: ${textAt(object, 'spec', 'persistentVolumeReclaimPolicy')}`,
        },
        ...(events.length > 0 ? [eventsEvidence(target, events)] : []),
      ],
    };
    return [finding];
  },
});
