import { addMs, timeText } from '../../core/time.ts';
import type { Timestamp } from '../../core/time.ts';
import { look } from '../advice.ts';
import { defineAnalyzer } from '../define.ts';
import type { Advice, AnalyzerIo, Category, EvidenceDraft, FindingDraft, Pointer, Target } from '../define.ts';
import { between, conditionOf, listAt, timeAt } from '../reading/fields.ts';
import { quote } from '../reading/quote.ts';

type Name =
  | 'namespace-discovery-failed'
  | 'namespace-content-failed'
  | 'namespace-content-remains'
  | 'namespace-held'
  | 'namespace-terminating';
type Draft = FindingDraft<Name>;

/** What the deletion of a namespace takes where nothing is wrong: its pods have their grace periods. */
const patienceMs = 300_000;

/** The conditions of a namespace that is being deleted, what stops everything first, with what each means. */
const conditions: readonly (readonly [string, Name, string])[] = [
  [
    'NamespaceDeletionDiscoveryFailure',
    'namespace-discovery-failed',
    'the API server cannot find out which kinds of objects there are, because an aggregated API does not answer',
  ],
  [
    'NamespaceDeletionGroupVersionParsingFailure',
    'namespace-discovery-failed',
    'the API server lists a group version that cannot be read',
  ],
  ['NamespaceDeletionContentFailure', 'namespace-content-failed', 'objects in it cannot be deleted'],
  ['NamespaceFinalizersRemaining', 'namespace-content-remains', 'objects in it have finalizers that are not removed'],
  ['NamespaceContentRemaining', 'namespace-content-remains', 'objects in it are still there'],
];

/** The Services that usually answer for aggregated APIs: an APIService is not read here. */
const apiServers: readonly (readonly [RegExp, RegExp])[] = [
  [/(?<![\w.-])metrics\.k8s\.io/, /metrics-server/],
  [
    /(?:custom|external)\.metrics\.k8s\.io/,
    /prometheus-adapter|custom-metrics|metrics-apiserver|cluster-agent|metrics-adapter/,
  ],
  [/packages\.operators\.coreos\.com/, /packageserver|package-server/],
  [/projectcalico\.org/, /calico-api/],
  [/subresources\.kubevirt\.io/, /virt-api/],
  [/(?:cert-manager|certmanager)\.(?:io|k8s\.io)/, /cert-manager-webhook/],
  [/antrea\.io/, /^antrea$/],
];

const category = (meaning: string, happened: string, nearness: number, advice: Category['advice']): Category => ({
  meaning,
  happened,
  nearness,
  answers: ['namespace'],
  changes: null,
  advice,
});

const remaining: Category['advice'] = (draft, { pod: name }) => [
  ...(draft.facts['kinds'] ?? '')
    .split(', ')
    .filter((kind) => kind !== '')
    .map((kind) =>
      look(
        `kubectl -n ${name} get ${kind} -o yaml`,
        'Shows the objects that remain, since when they are to be deleted, and their finalizers.',
      ),
    ),
  look(
    draft.facts['finalizers'] === undefined
      ? 'Look at the controllers of what remains: do they run?'
      : `Look at the controller that sets ${draft.facts['finalizers']}: does it still run?`,
    'Only the controller knows what is left to clean up; a finalizer that is taken away by hand skips that.',
  ),
];
const conditionsOf = (name: string): Advice =>
  look(`kubectl get namespace ${name} -o yaml`, 'Shows the conditions and the finalizers of the namespace.');

/** Namespaces that were deleted and stay in Terminating: their conditions say what is left, or what does not answer. */
export const namespace = defineAnalyzer({
  name: 'namespace',
  kinds: ['namespace'],
  explains: [],
  categories: {
    'namespace-discovery-failed': category(
      'A namespace cannot be deleted, because the API server does not know all kinds of objects.',
      'could not be deleted',
      90,
      (_, { pod: name }) => [
        look(
          'kubectl get apiservices',
          'Shows which aggregated API is not available (False), and the Service that has to answer for it.',
        ),
        conditionsOf(name),
      ],
    ),
    'namespace-content-failed': category(
      'A namespace cannot be deleted, because objects in it cannot be deleted.',
      'could not be deleted',
      88,
      (draft, { pod: name }) => [
        ...(draft.facts['called'] === undefined
          ? []
          : [
              look(
                `kubectl -n ${draft.facts['called'].replace('/', ' get service,endpointslices -o wide | grep ')}`,
                'Shows whether the Service of the webhook exists and has pods that are ready.',
              ),
            ]),
        conditionsOf(name),
      ],
    ),
    'namespace-content-remains': category(
      'A namespace waits for objects in it that are not gone.',
      'could not be deleted',
      86,
      (draft, place) => [...remaining(draft, place), conditionsOf(place.pod)],
    ),
    'namespace-held': category(
      'A namespace has finalizers of its own.',
      'could not be deleted',
      84,
      (_, { pod: name }) => [conditionsOf(name)],
    ),
    'namespace-terminating': category('A namespace is being deleted.', 'was being deleted', 10, (_, { pod: name }) => [
      conditionsOf(name),
    ]),
  },
  async run(io, target) {
    if (target.object.metadata.deletionTimestamp === undefined) return [];
    return [await terminating(io, target)];
  },
});

async function terminating(io: AnalyzerIo, target: Target): Promise<Draft> {
  const { object, name } = target;
  const asked = timeAt(object, 'metadata', 'deletionTimestamp');
  const waited = between(asked, io.now);
  const began = `Namespace ${name} was deleted at ${timeText(asked)}${waited === null ? '' : `, ${waited} before`}`;
  const held = conditions.flatMap(([type, found, words]) => {
    const condition = conditionOf(object, type);
    return condition?.status === 'True' ? [{ type, found, words, condition }] : [];
  });
  const [first] = held;
  const isEarly = asked !== null && asked > addMs(io.now, -patienceMs);
  if (first === undefined || (isEarly && first.found === 'namespace-content-remains'))
    return withoutCondition(target, began, asked, isEarly);
  const messages = held.map(({ condition }) => condition.message);
  const kinds = remainingKinds(messages.join('; '));
  const finalizers = remainingFinalizers(messages.join('; '));
  const [called] = calledServices(messages.join('; '));
  const said = held.map(({ condition }) => `"${quote(condition.message, 400)}"`).join('; ');
  const text = `${began}, and hangs in Terminating: ${first.words} (${said}).`;
  return {
    ...draftOf(target, held.map(({ type, condition }) => `${type}=True: ${condition.message}`).join('\n')),
    category: first.found,
    severity: 'high',
    description: text,
    cause: text,
    decisive: true,
    when: { from: first.condition.since ?? asked, until: null, source: `condition ${first.type}` },
    facts: {
      condition: first.type,
      ...(kinds.length === 0 ? {} : { kinds: kinds.join(', ') }),
      ...(finalizers === '' ? {} : { finalizers }),
      ...(called === undefined ? {} : { called: `${called.namespace ?? ''}/${called.name}` }),
    },
    pointers: await behind(io, target, messages, kinds),
  };
}

/** Neither kinds nor content keep it: its own finalizers may. */
function withoutCondition(target: Target, began: string, asked: Timestamp | null, isEarly: boolean): Draft {
  const own = [
    ...listAt(target.object, 'metadata', 'finalizers'),
    ...listAt(target.object, 'spec', 'finalizers').filter((one) => one !== 'kubernetes'),
  ].filter((one) => typeof one === 'string');
  const held = own.map((one) => quote(one, 100)).join(', ');
  const isHeld = own.length > 0 && !isEarly;
  const text = isHeld
    ? `${began}, and hangs in Terminating: its own ${own.length === 1 ? `finalizer ${held} is` : `finalizers ${held} are`} not removed.`
    : `${began}, and is still there: no condition of it says why.`;
  return {
    ...draftOf(target, `deletionTimestamp: ${asked ?? 'unknown'}\nfinalizers: ${held || 'none of its own'}`),
    category: isHeld ? 'namespace-held' : 'namespace-terminating',
    severity: isEarly ? 'info' : 'high',
    description: text,
    cause: isHeld ? text : null,
    decisive: isHeld,
    when: { from: asked, until: null, source: 'deletionTimestamp' },
    facts: held === '' ? {} : { finalizers: held },
  };
}

function draftOf({ name }: Target, excerpt: string): Pick<Draft, 'object'> & { evidence: readonly EvidenceDraft[] } {
  return {
    object: `namespace/${name}`,
    evidence: [{ read: { kind: 'object', of: 'namespace', namespace: null, name }, excerpt }],
  };
}

/** `pods. has 2 resource instances, widgets.example.com has 1 resource instances`. */
function remainingKinds(text: string): readonly string[] {
  const found = [...text.matchAll(/([a-z0-9.-]{1,253}) has \d+ resource instances/g)];
  return [...new Set(found.map(([, kind = '']) => kind.replace(/\.$/, '')))].slice(0, 3);
}

/** `example.com/cleanup in 3 resource instances`. */
function remainingFinalizers(text: string): string {
  const found = [...text.matchAll(/([\w./-]{1,253}) in \d+ resource instances/g)];
  return [...new Set(found.map(([, finalizer = '']) => finalizer))].slice(0, 3).join(', ');
}

/** The Services of webhooks that a message gives the addresses of. */
function calledServices(text: string): readonly Pointer[] {
  return [...text.matchAll(/https?:\/\/([a-z0-9-]{1,63})\.([a-z0-9-]{1,63})\.svc\b/g)].map(
    ([, name = '', within = '']) => ({ kind: 'service', namespace: within, name }),
  );
}

/** The Service of an API or of a webhook that does not answer, and the pods and claims that are still there. */
async function behind(
  io: AnalyzerIo,
  { name }: Target,
  messages: readonly string[],
  kinds: readonly string[],
): Promise<readonly Pointer[]> {
  const text = messages.join('; ');
  const servers = apiServers.flatMap(([group, service]) => (group.test(text) ? [service] : []));
  const services = servers.length === 0 ? null : await io.list('services', null);
  const answering = (services?.kind === 'ok' ? services.value : [])
    .filter(({ metadata }) => servers.some((server) => server.test(metadata.name)))
    .slice(0, 3)
    .map(({ metadata }): Pointer => ({
      kind: 'service',
      namespace: metadata.namespace ?? null,
      name: metadata.name,
    }));
  return [...calledServices(text), ...answering, ...(await still(io, name, kinds))];
}

async function still(io: AnalyzerIo, within: string, kinds: readonly string[]): Promise<readonly Pointer[]> {
  const pointers: Pointer[] = [];
  for (const [kind, resource] of [
    ['pod', 'pods'],
    ['persistentvolumeclaim', 'persistentvolumeclaims'],
  ] as const) {
    const list = kinds.includes(resource) ? await io.list(resource, within) : null;
    if (list?.kind !== 'ok') continue;
    const deleted = list.value.filter(({ metadata }) => metadata.deletionTimestamp !== undefined);
    pointers.push(
      ...deleted.slice(0, 3).map(({ metadata }): Pointer => ({ kind, namespace: within, name: metadata.name })),
    );
  }
  return pointers;
}
