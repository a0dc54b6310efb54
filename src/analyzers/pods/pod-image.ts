import type { KubernetesObject } from '../../core/cluster.ts';
import { addMs, timeText } from '../../core/time.ts';
import { change, describeCommand, look, podQuestions } from '../advice.ts';
import { defineAnalyzer, objectName } from '../define.ts';
import type { Advice, AnalyzerIo, Category, EventView, FindingDraft, Place, Target } from '../define.ts';
import { eventsEvidence, eventsOfContainer } from '../reading/events.ts';
import { at, between, capital, listAt, plural, textAt, timeAt } from '../reading/fields.ts';
import { isCreating } from './pod-creating.ts';
import { containersOf, downSince, podEvidence, podFacts } from './pod-status.ts';
import type { ContainerView } from './pod-status.ts';
import { noPlatform, proxyOf, pullProblem } from './pull-words.ts';
import type { PullCategory, PullProblem } from './pull-words.ts';
import { ownWords } from './runtime-words.ts';

const imageReasons: ReadonlySet<string> = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'ErrImageNeverPull',
  'InvalidImageName',
  'ImageInspectError',
  'RegistryUnavailable',
  'SignatureValidationFailed',
]);

type Draft = FindingDraft<PullCategory | 'image-pull-slow'>;
type Look = (draft: FindingDraft, place: Place) => readonly Advice[];

const describe = (draft: FindingDraft): Advice =>
  look(describeCommand(draft), 'Shows what the container runtime says of each attempt to pull the image.');
const setImage: Look = (draft, { namespace, container, workload }) =>
  workload === null
    ? []
    : [
        change(
          `kubectl -n ${namespace} set image ${workload} ${container}=<an image that exists>`,
          `Image ${draft.facts['image'] ?? ''} cannot be pulled: ${draft.facts['problem'] ?? 'see the finding'}.`,
        ),
      ];

const isDigest = ({ facts }: FindingDraft): boolean => /@sha\d{3}:/.test(facts['image'] ?? '');

const category = (meaning: string, changes: RegExp | null, advice: Look): Category => ({
  meaning,
  nearness: 92,
  answers: podQuestions,
  changes,
  advice,
});

/** A policy that pulls always asks a registry where the image on the node was enough before. */
const pulled = /^(?:image|image pull policy)$/;

const categories: Readonly<Record<PullCategory | 'image-pull-slow', Category>> = {
  'image-pull': category('The registry has no such image or tag.', pulled, (draft, place) => [
    isDigest(draft)
      ? look(
          `Look up in registry ${draft.facts['registry'] ?? ''} whether image ${draft.facts['image'] ?? ''} is still there: skopeo inspect, crane manifest, or its web page.`,
          'Shows whether the registry still has this digest: clean-ups remove what no tag names any more.',
        )
      : look(
          `Look up in registry ${draft.facts['registry'] ?? ''} which tags image ${draft.facts['image'] ?? ''} has: skopeo list-tags, crane ls, or its web page.`,
          'Shows whether the name or the tag is misspelled, or the image was never pushed.',
        ),
    describe(draft),
    ...setImage(draft, place),
  ]),
  'image-access': category(
    'The registry refuses access to the image.',
    /^(?:image|image pull policy|image pull secrets|service account)$/,
    (draft, { namespace, pod }) => [
      look(
        `kubectl -n ${namespace} get pod ${pod} -o jsonpath='{.spec.imagePullSecrets}'`,
        'Shows with which pull secrets the pod asks the registry; without any it asks as nobody.',
      ),
      change(
        `Give the pod (or its service account) in namespace ${namespace} a pull secret with valid credentials for ${draft.facts['registry'] ?? 'the registry'}, or correct the image name.`,
        'The registry answers only to who may pull the image.',
      ),
    ],
  ),
  'image-pull-secret': category(
    'A pull secret that the pod names cannot be found.',
    /^(?:image pull secrets|service account)$/,
    (draft, { namespace }) => [
      look(
        `kubectl -n ${namespace} get secret ${draft.facts['secret'] ?? ''}`,
        'Shows whether the pull secret exists in the namespace of the pod.',
      ),
      change(
        `Create the pull secret ${draft.facts['secret'] ?? ''} in namespace ${namespace}, or correct its name in imagePullSecrets.`,
        'Without it the image is pulled without credentials.',
      ),
    ],
  ),
  'image-unusable': category(
    'The image cannot be used: its name, format, platform or signature is not accepted.',
    pulled,
    (draft, { namespace, container }) => [
      look(
        `Read the manifest of image ${draft.facts['image'] ?? ''}: docker manifest inspect, or skopeo inspect --raw; and its name as the pod has it.`,
        'Shows for which platforms it is made, and in which format.',
      ),
      change(
        `Rebuild or rename image ${draft.facts['image'] ?? ''} of container ${container} in namespace ${namespace} so that the node accepts it.`,
        `It is refused: ${draft.facts['problem'] ?? 'see the finding'}.`,
      ),
    ],
  ),
  'image-not-on-node': category('The image is not on the node and must not be pulled.', pulled, (draft, place) => [
    look(
      draft.facts['node'] === undefined
        ? describeCommand(draft)
        : `kubectl get node ${draft.facts['node']} -o jsonpath='{.status.images[*].names}'`,
      'Shows which images are on the node.',
    ),
    change(
      `Load image ${draft.facts['image'] ?? ''} onto the node, or set imagePullPolicy of container ${place.container} to IfNotPresent.`,
      'The pull policy Never uses only what is on the node.',
    ),
  ]),
  'registry-unreachable': category('The registry cannot be reached or does not answer.', pulled, (draft) => [
    draft.facts['proxy'] === undefined
      ? look(
          `From node ${draft.facts['node'] ?? 'of the pod'}: resolve the name of registry ${draft.facts['registry'] ?? ''} (DNS) and connect to it.`,
          'Pulls are made by the node, not by the pod: its name servers, proxy and firewall count.',
        )
      : look(
          `On node ${draft.facts['node'] ?? 'of the pod'}: read which proxy the container runtime is given (HTTP_PROXY, HTTPS_PROXY, NO_PROXY of its service), and whether ${draft.facts['proxy']} answers.`,
          'The registry was not asked at all: the proxy comes first.',
        ),
    describe(draft),
  ]),
  'registry-trust': category('The node and the registry do not agree on TLS.', pulled, (draft) => [
    look(
      `On node ${draft.facts['node'] ?? 'of the pod'}: read how the container runtime is told to speak with registry ${draft.facts['registry'] ?? ''} (certs.d/hosts.toml, registries.conf, insecure-registries).`,
      'There the certificate authority, or plain HTTP, is allowed for a registry.',
    ),
  ]),
  'registry-limit': category(
    'The registry limits the rate of pulls.',
    /^image pull policy$/,
    (draft, { namespace, pod }) => [
      look(
        `kubectl -n ${namespace} get pod ${pod} -o jsonpath='{.spec.imagePullSecrets}'`,
        'Shows whether the pod pulls with credentials: those who have none share a low rate limit.',
      ),
      change(
        `Let namespace ${namespace} pull with an account of registry ${draft.facts['registry'] ?? ''}, or from a mirror of it.`,
        'Anonymous pulls share one limit for the address of the node.',
        'low',
      ),
    ],
  ),
  'node-disk-full': category('The disk of the node is full.', null, (draft) => [
    look(
      draft.facts['node'] === undefined ? describeCommand(draft) : `kubectl describe node ${draft.facts['node']}`,
      'Shows the pressure on the node and what uses its disk.',
    ),
  ]),
  'image-pull-slow': category('The image of a container is still being pulled.', pulled, (draft) => [describe(draft)]),
  'image-pull-failed': category('The image of a container cannot be pulled.', pulled, (draft) => [describe(draft)]),
};

/** Containers whose images cannot be pulled, by the newest failure and its own words. */
export const podImage = defineAnalyzer({
  name: 'pod-image',
  kinds: ['pod'],
  explains: ['Failed', 'BackOff', 'InspectFailed', 'ErrImageNeverPull', 'FailedToRetrieveImagePullSecret'],
  categories,
  async run(io, target) {
    const { object: pod } = target;
    if (pod.metadata.deletionTimestamp !== undefined) return [];
    const waiting = containersOf(pod).filter(({ waiting: state }) => imageReasons.has(state?.reason ?? ''));
    if (waiting.length === 0 && !isCreating(pod)) return [];
    const events = await io.events(target);
    if (waiting.length === 0) return slow(io, target, events);
    const waited = between(timeAt(pod, 'metadata', 'creationTimestamp'), io.now);
    const drafts = waiting.map((container) => finding(target, container, events, waited));
    return Promise.all(drafts.map((draft) => withPlatform(io, target, draft)));
  },
});

/** A pull that takes longer than this is worth a word. */
const slowMs = 300_000;

/** The last that is told of the pod is that an image is being pulled. */
function slow(io: AnalyzerIo, target: Target, events: readonly EventView[]): readonly Draft[] {
  const last = events.at(-1);
  if (last?.reason !== 'Pulling' || last.last === null || last.last > addMs(io.now, -slowMs)) return [];
  const image = /"([^"]{1,500})"/.exec(last.message)?.[1] ?? '';
  const text = `Pod ${target.name} cannot start yet: image ${image} is being pulled since ${timeText(last.last)}, and nothing says that it failed`;
  return [
    {
      category: 'image-pull-slow',
      severity: 'medium',
      object: objectName('pod', target.namespace, target.name),
      description: `${text}.`,
      cause: `${text}.`,
      decisive: false,
      when: { from: last.last, until: null, source: 'event Pulling' },
      facts: { ...podFacts(target.object), image, registry: registryOf(image) },
      evidence: [podEvidence(target), eventsEvidence(target, events)],
    },
  ];
}

function finding(target: Target, container: ContainerView, events: readonly EventView[], waited: string | null): Draft {
  const { object: pod, namespace, name } = target;
  const { image, label } = container;
  const reason = container.waiting?.reason ?? '';
  const failure = newestFailure(container, eventsOfContainer(events, container.name));
  const found = pullProblem(`${reason} ${failure.message}`, image);
  const secret = missingSecret(found, failure.event, events);
  const said = failure.message === '' ? '' : ` (${ownWords(failure.message)})`;
  const why = secret === null ? `${found.words}${said}` : secretText(secret, namespace, said);
  const tries = failure.event === null ? '' : ` ${plural(failure.event.count, 'pull')} failed.`;
  const node = textAt(pod, 'spec', 'nodeName');
  const proxy = proxyOf(failure.message);
  return {
    category: secret === null ? found.category : 'image-pull-secret',
    severity: 'high',
    object: objectName('pod', namespace, name),
    description: `${capital(label)} of pod ${name} cannot pull image ${image} (${reason}): ${why}.${tries}${waited === null ? '' : ` The pod was created ${waited} earlier.`}`,
    cause: `Pod ${name} cannot start: image ${image} of ${label} cannot be pulled: ${why}.${secret === null ? credentialsText(pod, found, events) : ''}`,
    decisive: failure.message !== '' || found.category !== 'image-pull-failed',
    when: downSince(pod, container, failure.event),
    facts: {
      ...podFacts(pod),
      container: container.name,
      image,
      registry: registryOf(image),
      reason,
      problem: secret === null ? found.words : `pull secret ${secret} cannot be found`,
      ...(secret === null ? {} : { secret }),
      ...(node === '' ? {} : { node }),
      ...(proxy === null ? {} : { proxy }),
    },
    evidence: [podEvidence(target), ...(events.length > 0 ? [eventsEvidence(target, events)] : [])],
    ...(found.category === 'node-disk-full' && node !== ''
      ? { pointers: [{ kind: 'node', namespace: null, name: node } as const] }
      : {}),
  };
}

/** An image without a variant for the platform of the node, with that platform. */
async function withPlatform(io: AnalyzerIo, { object }: Target, draft: Draft): Promise<Draft> {
  const name = textAt(object, 'spec', 'nodeName');
  if (draft.facts['problem'] !== noPlatform || draft.cause === null || name === '') return draft;
  const node = await io.get('node', null, name);
  const info = node.kind === 'ok' ? at(node.value, 'status', 'nodeInfo') : undefined;
  const platform = [textAt(info, 'operatingSystem'), textAt(info, 'architecture')].filter(Boolean).join('/');
  return platform === '' ? draft : { ...draft, cause: `${draft.cause} Node ${name} is ${platform}.` };
}

/** What the runtime said last: the status of the container where it has the words, else the newest event about its image. */
function newestFailure(
  { image, waiting }: ContainerView,
  events: readonly EventView[],
): { readonly message: string; readonly event: EventView | null } {
  const told = events.filter(
    ({ reason, message }) =>
      ['Failed', 'InspectFailed', 'ErrImageNeverPull'].includes(reason) && !/^Error: \w+$/.test(message),
  );
  const own = told.filter(({ message }) => message.includes(`"${image}"`));
  const event = (own.length > 0 ? own : told.filter(({ message }) => /pull|image/i.test(message))).at(-1) ?? null;
  const status = (waiting?.message ?? '').replace(
    /^Back-off(?: pulling image)?(?: "[^"]*")?(?:: (?:ErrImagePull: )?)?/,
    '',
  );
  return { message: status || (event?.message ?? ''), event };
}

/** A pull secret that could not be found before the registry refused access; it outranks the refusal that follows. */
function missingSecret(
  { category: found }: PullProblem,
  failure: EventView | null,
  events: readonly EventView[],
): string | null {
  if (found !== 'image-access' && found !== 'image-pull-failed') return null;
  const event = events.findLast(({ reason }) => reason === 'FailedToRetrieveImagePullSecret');
  if (event === undefined) return null;
  const isOver = failure?.last != null && event.last !== null && event.last < addMs(failure.last, -secretIsOverMs);
  return isOver ? null : (/\(([^)]{1,300})\)/.exec(event.message)?.[1] ?? null);
}

/** The kubelet looks for pull secrets at every attempt, and writes similar events at most every few minutes. */
const secretIsOverMs = 3_600_000;

function secretText(secret: string, namespace: string | null, said: string): string {
  return `pull secret ${secret} cannot be found in namespace ${namespace ?? ''}, so it is pulled without these credentials${said}`;
}

/** With which credentials the pod asks, for a registry that refuses access, or allows less to those who have none. */
function credentialsText(
  pod: KubernetesObject,
  { category: found }: PullProblem,
  events: readonly EventView[],
): string {
  const missing = events.findLast(({ reason }) => reason === 'FailedToRetrieveImagePullSecret');
  if (found === 'registry-limit' && missing !== undefined)
    return ` Pull secret ${/\(([^)]{1,300})\)/.exec(missing.message)?.[1] ?? ''} cannot be found, so it is pulled without credentials.`;
  if (found !== 'image-access') return '';
  const names = listAt(pod, 'spec', 'imagePullSecrets')
    .map((secret) => textAt(secret, 'name'))
    .filter((name) => name !== '');
  return names.length === 0 ? ' The pod names no pull secret.' : ` The pod names the pull secret ${names.join(', ')}.`;
}

/** `registry.example.com:5000/shop/web:9` -> `registry.example.com:5000`; names without a host are of Docker Hub. */
function registryOf(image: string): string {
  const [host = '', ...path] = image.split('/');
  return path.length > 0 && /[.:]|^localhost$/.test(host) ? host : 'docker.io';
}
