import type { KubernetesObject } from '../../core/cluster.ts';
import { change, describeCommand, look } from '../advice.ts';
import { claimProblem } from './claim-cause.ts';
import type { ClaimCategory } from './claim-cause.ts';
import { defineAnalyzer, lasting, objectName } from '../define.ts';
import type { AnalyzerIo, Category, EventView, EvidenceDraft, FindingDraft, Target } from '../define.ts';
import { eventsEvidence } from '../reading/events.ts';
import { usesClaim } from '../reading/claims.ts';
import { between, conditionOf, listAt, textAt, timeAt } from '../reading/fields.ts';
import { quantityOf } from '../reading/quantity.ts';
import { ownWords } from '../pods/runtime-words.ts';

type Name = ClaimCategory | 'claim-resize' | 'claim-ending';
type Draft = FindingDraft<Name>;

const unbound = (meaning: string, happened: string, advice: Category['advice']): Category => ({
  meaning,
  happened,
  nearness: 95,
  answers: ['claim', 'unready', 'service', 'job'],
  changes: null,
  advice,
});
const describe = (draft: FindingDraft) => look(describeCommand(draft), 'Shows the claim and what is said about it.');
const classes = look('kubectl get storageclasses', 'Shows which storage classes exist, and which is the default.');

const categories: Readonly<Record<Name, Category>> = {
  'claim-class-missing': unbound(
    'A claim asks for a storage class that does not exist.',
    'was not bound',
    (draft, { namespace }) => [
      classes,
      change(
        `Create storage class ${draft.facts['storage_class'] ?? ''}, or make claim ${draft.object.split('/').at(-1)} in namespace ${namespace} anew with a class that exists.`,
        'The class of a claim cannot be changed; the claim has no data yet, because it was never bound.',
      ),
    ],
  ),
  'claim-no-default-class': unbound(
    'A claim names no storage class, and none is the default.',
    'was not bound',
    (draft, { namespace }) => [
      classes,
      change(
        `Mark a storage class as the default, or give claim ${draft.object.split('/').at(-1)} in namespace ${namespace} a class.`,
        'A claim without a class takes the default one as soon as there is one.',
      ),
    ],
  ),
  'claim-no-volume': unbound('No volume fits a claim, and nobody makes one.', 'was not bound', (draft) => [
    look('kubectl get persistentvolumes', 'Shows the volumes, their sizes, classes and who has them.'),
    describe(draft),
  ]),
  'claim-volume-missing': unbound(
    'The volume of a claim does not exist or belongs to another.',
    'lost its volume',
    (draft) => [look('kubectl get persistentvolumes', 'Shows the volumes and who has them.'), describe(draft)],
  ),
  'claim-provisioning': unbound('The volume of a claim cannot be provisioned.', 'was not bound', (draft) => [
    describe(draft),
    look(
      `kubectl describe storageclass ${draft.facts['storage_class'] ?? ''}`.trimEnd(),
      'Shows the provisioner and its parameters; the log of its pods says more.',
    ),
  ]),
  'claim-waiting': {
    ...unbound('A claim waits for the first pod that uses it.', 'was not bound', (draft) => [describe(draft)]),
    answers: ['claim'],
  },
  'claim-pending': unbound('A claim is bound to no volume.', 'was not bound', (draft) => [describe(draft), classes]),
  'claim-resize': {
    ...unbound('A volume cannot be made larger.', 'could not grow', (draft) => [describe(draft)]),
    answers: ['claim', 'volume-filling'],
    nearness: 80,
  },
  'claim-ending': {
    ...unbound('A claim is being deleted and is still in use.', 'was deleted while in use', (draft) => [
      describe(draft),
    ]),
    nearness: 70,
  },
};

/** Claims that are not bound, and why: class, volumes, provisioner; those that cannot grow or end. */
export const claim = defineAnalyzer({
  name: 'claim',
  kinds: ['persistentvolumeclaim'],
  explains: ['ProvisioningFailed', 'FailedBinding', 'VolumeMismatch', 'VolumeResizeFailed', 'FileSystemResizeFailed'],
  categories,
  async run(io, target) {
    const phase = textAt(target.object, 'status', 'phase');
    const events = await io.events(target);
    if (phase === 'Bound') return [...resize(target, events), ...ending(target, events)];
    return phase === '' && target.object.spec !== undefined ? [] : [await notBound(io, target, phase, events)];
  },
});

function evidenceOf(target: Target, events: readonly EventView[]): readonly EvidenceDraft[] {
  const text = (...path: readonly string[]): string => textAt(target.object, ...path);
  const lines = [
    `phase: ${text('status', 'phase') || 'unknown'}`,
    `storage class: ${text('spec', 'storageClassName') || 'none named'}`,
    `volume: ${text('spec', 'volumeName') || 'none'}`,
    `asks for: ${text('spec', 'resources', 'requests', 'storage')} ${listAt(target.object, 'spec', 'accessModes').join(',')}`,
  ];
  const wasRead = target.object.spec !== undefined;
  return [
    ...(wasRead
      ? [
          {
            read: {
              kind: 'object',
              of: 'persistentvolumeclaim',
              namespace: target.namespace,
              name: target.name,
            } as const,
            excerpt: lines.join('\n'),
          },
        ]
      : []),
    ...(events.length > 0 || !wasRead ? [eventsEvidence(target, events)] : []),
  ];
}

async function notBound(io: AnalyzerIo, target: Target, phase: string, events: readonly EventView[]): Promise<Draft> {
  const { object, namespace, name } = target;
  const wasRead = object.spec !== undefined;
  const problem = await claimProblem(io, { namespace, name, object: wasRead ? object : null, events });
  const created = timeAt(object, 'metadata', 'creationTimestamp') ?? events[0]?.first ?? null;
  const waited = between(created, io.now);
  const users = problem.category === 'claim-waiting' ? await usersOf(io, target) : null;
  const words = users?.length === 0 ? 'it waits for its first consumer, and no pod uses it' : problem.words;
  const state = `Claim ${name} is ${phase || 'not bound'}${waited === null ? '' : ` for ${waited}`}`;
  const waits =
    problem.category === 'claim-waiting'
      ? 'it waits for its pod to be scheduled (WaitForFirstConsumer)'
      : 'nothing that was read says why';
  return {
    category: problem.category,
    severity: problem.category === 'claim-waiting' ? 'medium' : 'high',
    object: objectName('persistentvolumeclaim', namespace, name),
    description: `${state}: ${words ?? waits}.${wasRead ? '' : ' This is from its events; the claim itself could not be read.'}`,
    cause: words === null ? null : `Claim ${name} is not bound: ${words}.`,
    decisive: problem.decisive || users?.length === 0,
    // It waits for its pod since that came, which may be long after it was made.
    when: users?.length
      ? lasting
      : { from: created, until: null, source: wasRead ? 'creation of the claim' : 'events of the claim' },
    facts: {
      phase,
      ...familyOf(name),
      ...(problem.className === null || problem.className === '' ? {} : { storage_class: problem.className }),
      ...(words === null ? {} : { message: words }),
    },
    evidence: [...evidenceOf(target, events), ...problem.evidence],
    // What keeps the pod from a node keeps the claim from its volume.
    pointers: (users ?? []).slice(0, 3).map(({ metadata }) => ({ kind: 'pod', namespace, name: metadata.name })),
  };
}

/** Claims that a StatefulSet makes from one template differ in their number only: they have one trouble together. */
function familyOf(name: string): Readonly<Record<string, string>> {
  const found = /^(.+)-\d+$/.exec(name);
  return found === null ? {} : { owner: `PersistentVolumeClaim/${found[1]}` };
}

/** Pods that use the claim. */
async function usersOf(io: AnalyzerIo, { namespace, name }: Target): Promise<readonly KubernetesObject[] | null> {
  const pods = await io.list('pods', namespace);
  if (pods.kind !== 'ok') return null;
  return pods.value.filter((pod) => usesClaim(pod, name));
}

function resize(target: Target, events: readonly EventView[]): readonly Draft[] {
  const { object, namespace, name } = target;
  const asked = textAt(object, 'spec', 'resources', 'requests', 'storage');
  const has = textAt(object, 'status', 'capacity', 'storage');
  const failure = events.findLast(({ reason }) => /^(?:VolumeResizeFailed|FileSystemResizeFailed)$/.test(reason));
  if (failure === undefined || (quantityOf(asked) ?? 0) <= (quantityOf(has) ?? 0)) return [];
  const cause = `Claim ${name} cannot grow from ${has} to ${asked}: ${ownWords(failure.message)}.`;
  const resizing = conditionOf(object, 'Resizing') ?? conditionOf(object, 'FileSystemResizePending');
  return [
    {
      category: 'claim-resize',
      severity: 'high',
      object: objectName('persistentvolumeclaim', namespace, name),
      description: cause,
      cause,
      decisive: true,
      when: { from: resizing?.since ?? failure.first, until: null, source: `event ${failure.reason}` },
      facts: { asked, has },
      evidence: evidenceOf(target, events),
    },
  ];
}

function ending(target: Target, events: readonly EventView[]): readonly Draft[] {
  const { object, namespace, name } = target;
  const since = timeAt(object, 'metadata', 'deletionTimestamp');
  if (since === null) return [];
  const text = `Claim ${name} is being deleted: it stays as long as pods use it, and no new pod can use it`;
  return [
    {
      category: 'claim-ending',
      severity: 'medium',
      object: objectName('persistentvolumeclaim', namespace, name),
      description: `${text}.`,
      cause: `${text}.`,
      decisive: true,
      when: { from: since, until: null, source: 'deletion of the claim' },
      facts: {},
      evidence: evidenceOf(target, events),
    },
  ];
}
