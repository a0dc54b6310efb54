import type { KubernetesObject } from '../../core/cluster.ts';
import type { AnalyzerIo, EvidenceDraft, Pointer, Target } from '../define.ts';
import { claimsOf } from '../reading/claims.ts';
import { eventsEvidence } from '../reading/events.ts';
import { listAt, textAt } from '../reading/fields.ts';
import { claimProblem } from '../storage/claim-cause.ts';
import type { Verdict } from './scheduler-message.ts';

/** What the claims of a pod say of why it has no node. */
export interface Volumes {
  readonly sentences: readonly string[];
  readonly evidence: readonly EvidenceDraft[];
  readonly pointers: readonly Pointer[];
}

export const noVolumes: Volumes = { sentences: [], evidence: [], pointers: [] };

/** What the claims say: those that can be read are pointed at, of others their events speak. */
export async function volumesOf(io: AnalyzerIo, target: Target, { reasons }: Verdict): Promise<Volumes> {
  const { object: pod, namespace } = target;
  const named = reasons.flatMap(({ kind, named: claim }) => (kind === 'claim' && claim !== '' ? [claim] : []));
  const names = named.length > 0 ? named : claimsOf(pod).map(({ claim }) => claim);
  const found = await Promise.all(names.slice(0, 6).map((name) => volumeOf(io, namespace, name)));
  return {
    sentences: found.flatMap(({ sentences }) => sentences),
    evidence: found.flatMap(({ evidence }) => evidence),
    pointers: found.flatMap(({ pointers }) => pointers),
  };
}

async function volumeOf(io: AnalyzerIo, namespace: string | null, name: string): Promise<Volumes> {
  const result = await io.get('persistentvolumeclaim', namespace, name);
  const kind = 'persistentvolumeclaim' as const;
  if (result.kind === 'ok' && result.value === null)
    return {
      ...noVolumes,
      sentences: [`Claim ${name} does not exist in namespace ${namespace ?? ''}.`],
      evidence: [{ read: { kind: 'object', of: kind, namespace, name }, excerpt: 'does not exist' }],
    };
  if (result.kind === 'ok' && result.value !== null) {
    const phase = textAt(result.value, 'status', 'phase');
    return phase === 'Bound' && result.value.metadata.deletionTimestamp === undefined
      ? zoneOf(io, result.value)
      : { ...noVolumes, pointers: [{ kind, namespace, name }] };
  }
  const events = await io.events({ kind, namespace, name });
  if (events.length === 0)
    return { ...noVolumes, sentences: [`Its claim ${name} could not be read, and no event tells of it.`] };
  const { words, evidence } = await claimProblem(io, { namespace, name, object: null, events });
  return {
    ...noVolumes,
    sentences: words === null ? [] : [`Of claim ${name} its events say: ${words}.`],
    evidence: [eventsEvidence({ kind, namespace, name }, events), ...evidence],
  };
}

/** Where the volume of a bound claim can be used. */
async function zoneOf(io: AnalyzerIo, claim: KubernetesObject): Promise<Volumes> {
  const name = textAt(claim, 'spec', 'volumeName');
  const result = name === '' ? null : await io.get('persistentvolume', null, name);
  if (result?.kind !== 'ok' || result.value === null) return noVolumes;
  const places = listAt(result.value, 'spec', 'nodeAffinity', 'required', 'nodeSelectorTerms').flatMap((term) =>
    listAt(term, 'matchExpressions').map((one) => `${textAt(one, 'key')}=${listAt(one, 'values').join('|')}`),
  );
  if (places.length === 0) return noVolumes;
  const text = `Volume ${name} of claim ${claim.metadata.name} can be used only where ${places.join(', ')}.`;
  return {
    ...noVolumes,
    sentences: [text],
    evidence: [{ read: { kind: 'object', of: 'persistentvolume', namespace: null, name }, excerpt: text }],
  };
}
