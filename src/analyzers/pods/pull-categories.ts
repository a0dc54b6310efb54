import { change, describeCommand, look, podQuestions } from '../advice.ts';
import type { Advice, Category, FindingDraft, Place } from '../define.ts';
import type { PullCategory } from './pull-words.ts';

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

const category = (meaning: string, happened: string, changes: RegExp | null, advice: Look): Category => ({
  meaning,
  happened,
  nearness: 92,
  answers: podQuestions,
  changes,
  advice,
});

/** A policy that pulls always asks a registry where the image on the node was enough before. */
const pulled = /^(?:image|image pull policy)$/;

/** What each kind of failed pull means, and what one can do. */
export const pullCategories: Readonly<Record<PullCategory | 'image-pull-slow', Category>> = {
  'image-pull': category(
    'The registry has no such image or tag.',
    'could not pull its image',
    pulled,
    (draft, place) => [
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
    ],
  ),
  'image-access': category(
    'The registry refuses access to the image.',
    'could not pull its image',
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
    'could not pull its image',
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
    'could not use its image',
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
  'image-not-on-node': category(
    'The image is not on the node and must not be pulled.',
    'had no image on its node',
    pulled,
    (draft, place) => [
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
    ],
  ),
  'registry-unreachable': category(
    'The registry cannot be reached or does not answer.',
    'could not pull its image',
    pulled,
    (draft) => [
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
    ],
  ),
  'registry-trust': category(
    'The node and the registry do not agree on TLS.',
    'could not pull its image',
    pulled,
    (draft) => [
      look(
        `On node ${draft.facts['node'] ?? 'of the pod'}: read how the container runtime is told to speak with registry ${draft.facts['registry'] ?? ''} (certs.d/hosts.toml, registries.conf, insecure-registries).`,
        'There the certificate authority, or plain HTTP, is allowed for a registry.',
      ),
    ],
  ),
  'registry-limit': category(
    'The registry limits the rate of pulls.',
    'could not pull its image',
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
  'node-disk-full': category(
    'The disk of the node is full.',
    'could not start on the full disk of its node',
    null,
    (draft) => [
      look(
        draft.facts['node'] === undefined ? describeCommand(draft) : `kubectl describe node ${draft.facts['node']}`,
        'Shows the pressure on the node and what uses its disk.',
      ),
    ],
  ),
  'image-pull-slow': category(
    'The image of a container is still being pulled.',
    'was still pulling its image',
    pulled,
    (draft) => [describe(draft)],
  ),
  'image-pull-failed': category(
    'The image of a container cannot be pulled.',
    'could not pull its image',
    pulled,
    (draft) => [describe(draft)],
  ),
};
