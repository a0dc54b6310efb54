import type { KubernetesObject } from '../../core/cluster.ts';
import { addMs, timeText } from '../../core/time.ts';
import { capital, plural } from '../../lib/words.ts';
import { defineAnalyzer, objectName } from '../define.ts';
import type { AnalyzerIo, EventView, FindingDraft, Target } from '../define.ts';
import { eventsEvidence, eventsOfContainer } from '../reading/events.ts';
import { at, between, listAt, textAt, timeAt } from '../reading/fields.ts';
import { isCreating } from './pod-creating.ts';
import { containersOf, downSince, podEvidence, podFacts } from './pod-status.ts';
import type { ContainerView } from './pod-status.ts';
import { pullCategories } from './pull-categories.ts';
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

/** Containers whose images cannot be pulled, by the newest failure and its own words. */
export const podImage = defineAnalyzer({
  name: 'pod-image',
  kinds: ['pod'],
  explains: ['Failed', 'BackOff', 'InspectFailed', 'ErrImageNeverPull', 'FailedToRetrieveImagePullSecret'],
  categories: pullCategories,
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
