import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AppError } from '../../core/errors.ts';
import { isKubernetesName } from '../../core/cluster.ts';
import type { ObjectKind } from '../../kube/kinds/kinds.ts';
import { kindNamed } from '../../kube/kinds/kinds.ts';
import type { DesiredObject } from '../../kube/connection/writer.ts';

/** Where an installation is, and what it runs. */
export interface InstallPlace {
  readonly namespace: string;
  /** With its tag or digest; null = that of this version. */
  readonly image: string | null;
}

/** An object of an installation. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** Its objects in the order in which they are made. */
export interface Manifests {
  readonly namespace: Manifest;
  readonly definitions: readonly Manifest[];
  /** Without its token. */
  readonly secret: Manifest;
  readonly objects: readonly Manifest[];
}

/** What the file of the repository has: the chart's defaults. */
const rendered = { namespace: 'punching-fist', name: 'punching-fist' } as const;

/** Names of an installation that others ask for. */
export const installed = {
  account: rendered.name,
  readAccount: `${rendered.name}-read`,
  tokenSecret: `${rendered.name}-token`,
  workload: rendered.name,
  lease: rendered.name,
} as const;

export const managedBy = 'app.kubernetes.io/managed-by';

const deploy = fileURLToPath(new URL('../../../deploy/', import.meta.url));

/** The manifests of an installation here. Throws InvalidInput for what is no namespace or no image. */
export async function readManifests(place: InstallPlace): Promise<Manifests> {
  if (!isKubernetesName(place.namespace) || place.namespace.includes('.'))
    throw new AppError('InvalidInput', `${JSON.stringify(place.namespace)} is no name of a namespace`, {
      field: '--namespace',
      next: '--namespace punching-fist',
    });
  if (place.image !== null && !/^[a-z0-9][\w.:@/-]{0,400}$/.test(place.image))
    throw new AppError('InvalidInput', `${JSON.stringify(place.image)} is no image`, {
      field: '--image',
      next: '--image registry.example/punching-fist:0.2.0',
    });
  const [definitions, objects] = await Promise.all([
    readObjects(`${deploy}crds/phase1-crds.yaml`),
    readObjects(`${deploy}install.yaml`),
  ]);
  const placed = objects.map((object) => placeManifest(object, place));
  const labels = placed[0]?.metadata.labels ?? {};
  return {
    definitions,
    objects: placed,
    namespace: {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: place.namespace, labels: { [managedBy]: labels[managedBy] ?? '' } },
    },
    secret: {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: installed.tokenSecret, namespace: place.namespace, labels },
      type: 'Opaque',
    },
  };
}

async function readObjects(file: string): Promise<readonly Manifest[]> {
  const { parseAllDocuments } = await import('yaml');
  return parseAllDocuments(readFileSync(file, 'utf8')).map((document) => document.toJS() as Manifest);
}

/**
 * The same object in another namespace and with another image. Only fields that name the namespace or the image are looked at, each where
 * the API has it: names of objects stay, although the namespace is called the same.
 */
export function placeManifest(object: Manifest, { namespace, image }: InstallPlace): Manifest {
  const { metadata, subjects, spec } = object as Manifest & { readonly subjects?: unknown; readonly spec?: unknown };
  return {
    ...object,
    metadata: metadata.namespace === undefined ? metadata : { ...metadata, namespace },
    ...(Array.isArray(subjects) ? { subjects: subjects.map((subject: object) => ({ ...subject, namespace })) } : {}),
    ...(isWorkload(spec) ? { spec: placeWorkload(spec, { namespace, image }) } : {}),
  };
}

interface Container {
  readonly image: string;
  readonly args: readonly string[];
}

interface Workload {
  readonly template: { readonly spec: { readonly containers: readonly Container[] } };
}

function isWorkload(spec: unknown): spec is Workload {
  return typeof spec === 'object' && spec !== null && 'template' in spec;
}

function placeWorkload(spec: Workload, { namespace, image }: InstallPlace): Workload {
  const pod = spec.template.spec;
  const containers = pod.containers.map((container) => ({
    ...container,
    image: image ?? container.image,
    args: container.args.map((argument) => placeArgument(argument, namespace)),
  }));
  return { ...spec, template: { ...spec.template, spec: { ...pod, containers } } };
}

function placeArgument(argument: string, namespace: string): string {
  if (argument.startsWith('--lease-namespace=')) return `--lease-namespace=${namespace}`;
  const [flag, account] = argument.split('/');
  return flag === `--read-as=${rendered.namespace}` ? `--read-as=${namespace}/${account}` : argument;
}

/** The images of a workload; none where it is something else. */
export function imagesOf({ spec }: { readonly [field: string]: unknown }): readonly string[] {
  return isWorkload(spec) ? spec.template.spec.containers.map(({ image }) => image) : [];
}

/**
 * Which image an upgrade gets where none is named: the standard one, from the registry of the one that runs. Throws InvalidInput where that
 * has a digest, which is of one version only.
 */
export function nextImage(running: string | undefined, standard: string): string {
  if (running === undefined) return standard;
  if (running.includes('@'))
    throw new AppError('InvalidInput', `${running} runs, and a digest is of one version only`, {
      field: '--image',
      next: `--image ${repositoryOf(running)}:${tagOf(standard)}`,
    });
  return `${repositoryOf(running)}:${tagOf(standard)}`;
}

/** A port is before the last slash, a tag behind it. */
const repositoryOf = (image: string): string => image.replace(/@.*$/, '').replace(/:[^:/]*$/, '');
const tagOf = (image: string): string => /:([^:/]*)$/.exec(image)?.[1] ?? 'latest';

/** How the API server names the kind of a manifest, and what is sent of it. */
export function requestOf({ apiVersion, kind, ...object }: Manifest): {
  readonly kind: ObjectKind;
  readonly object: DesiredObject;
} {
  const known = kindNamed(apiVersion, kind);
  if (known === undefined) throw new AppError('Internal', `deploy/install.yaml has a ${apiVersion} ${kind}`);
  return { kind: known, object };
}

/** `StatefulSet punching-fist/punching-fist`. */
export function manifestTitle({ kind, metadata }: Manifest): string {
  return titleOf(kind, metadata.namespace ?? null, metadata.name);
}

/** The same of an object of the cluster; `namespace` null = a cluster-scoped kind. */
export function titleOf(kind: string, namespace: string | null, name: string): string {
  return `${kind} ${namespace === null ? '' : `${namespace}/`}${name}`;
}

/** A selector of what has these labels as an installation has them. */
export function labelsOf(objects: readonly Manifest[], names: readonly string[]): string {
  const labels = objects[0]?.metadata.labels ?? {};
  return names.map((name) => `${name}=${labels[name] ?? ''}`).join(',');
}

/** All as YAML, for kubectl or for people; the Secret is named only: what is printed has no token. */
export async function manifestsText({ namespace, definitions, secret, objects }: Manifests): Promise<string> {
  const { stringify } = await import('yaml');
  const documents = [namespace, ...definitions, ...objects].map((object) =>
    stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }),
  );
  const note = `# ${manifestTitle(secret)}, with the API's token under the key token, is made once by \`fist install\` and kept.\n`;
  return `${note}${documents.join('---\n')}`;
}
