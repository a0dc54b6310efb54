import type { KubernetesObject } from '../../core/cluster.ts';
import type { JsonObject } from '../../core/json.ts';
import { canonicalJson } from '../../lib/hash.ts';
import { explainFailure } from './failure.ts';
import type { Tried } from './failure.ts';
import { kindPath, objectPath } from '../kinds/kinds.ts';
import type { ObjectKind } from '../kinds/kinds.ts';
import { apiVersionOf } from '../kinds/resources.ts';
import { parseStatus } from './response.ts';
import type { KubeAnswer, KubeRequest, KubeTransport, RequestLimits } from './transport.ts';

/** Who owns the fields that this program sets. */
export const fieldManager = 'punching-fist';

const maxObjectBytes = 8 * 1024 * 1024;
const pageSize = 250;

type Limits = Partial<RequestLimits>;

/** An object of a cluster by its place; `namespace` null = a cluster-scoped kind. */
export interface ClusterPlace {
  readonly namespace: string | null;
  readonly name: string;
}

/** What is to be in an object: nothing that only the server sets. */
export interface DesiredObject {
  readonly metadata: Readonly<Record<string, unknown>> & { readonly name: string; readonly namespace?: string };
  readonly [field: string]: unknown;
}

export interface ApplyOptions {
  /** Takes fields over from whoever owns them; else that is a FieldConflict. */
  readonly force?: boolean;
  /** The server checks it and answers what would be, and keeps nothing. */
  readonly dryRun?: boolean;
  readonly limits?: Limits;
}

export interface DeleteOptions {
  /** Dependents: deleted after it, before it, or left. `Background` where absent. */
  readonly propagation?: 'Background' | 'Foreground' | 'Orphan';
  /** Only this one, and none that was made anew under its name. */
  readonly uid?: string;
  /** The server says whether it could, and does not. */
  readonly dryRun?: boolean;
  readonly limits?: Limits;
}

export interface ObjectSelection {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/**
 * Objects of a live cluster, to be read by name and written. What may be done with it the identity's roles say. All of it throws
 * {@link import('./failure.ts').KubeFailure}, ClusterUnavailable where nothing answers, and InvalidInput for what is no name.
 * What may be sent twice is tried three times where the server is busy; `create`, `replace` and `patch` are tried once.
 */
export interface KubeWriter {
  /** null = it is not there. */
  get(kind: ObjectKind, place: ClusterPlace, limits?: Limits): Promise<KubernetesObject | null>;
  /** All that fit, in pages, with what they are of: at most 10,000, to be found by labels. `namespace` null = in all. */
  list(kind: ObjectKind, namespace: string | null, selection: ObjectSelection): Promise<readonly KubernetesObject[]>;
  /** `AlreadyExists` where it is there. */
  create(kind: ObjectKind, object: DesiredObject, limits?: Limits): Promise<KubernetesObject>;
  /** Puts it in place of the one with its `resourceVersion`; `VersionConflict` where that has changed since. */
  replace(kind: ObjectKind, object: DesiredObject, limits?: Limits): Promise<KubernetesObject>;
  /** A merge patch (RFC 7386). */
  patch(kind: ObjectKind, place: ClusterPlace, patch: JsonObject, limits?: Limits): Promise<KubernetesObject>;
  /**
   * Server-side apply: makes it, or sets the fields that it has and takes away those that it had the last time. What others set
   * stays.
   */
  apply(kind: ObjectKind, object: DesiredObject, options?: ApplyOptions): Promise<KubernetesObject>;
  /**
   * Applies the whole status of an object. Sends nothing, and answers null, where `current` (as it was last heard of) has just this
   * status: if that was old, the change comes, and with it the next call.
   */
  patchStatus(
    kind: ObjectKind,
    place: ClusterPlace,
    status: JsonObject,
    options?: ApplyOptions & { readonly current?: KubernetesObject },
  ): Promise<KubernetesObject | null>;
  /** `absent` = it was not there, or is another one than `uid`. */
  delete(kind: ObjectKind, place: ClusterPlace, options?: DeleteOptions): Promise<'deleted' | 'absent'>;
}

/** Writes with the identity of a transport. */
export function kubeWriter(transport: KubeTransport): KubeWriter {
  const send = async (
    tried: Tried,
    request: Omit<KubeRequest, 'maxBytes'>,
    how: 'ask' | 'once',
  ): Promise<KubernetesObject> => {
    const answer = await transport[how]({ ...request, maxBytes: maxObjectBytes });
    if (answer.status < 200 || answer.status > 299) throw explainFailure(transport, tried, answer);
    return parseObject(transport, answer);
  };
  const apply = async (kind: ObjectKind, object: DesiredObject, options: ApplyOptions, subresource?: string) => {
    const { namespace = null, name } = object.metadata;
    const path = objectPath(kind, namespace, name);
    const tried = { verb: 'apply', kind, namespace, name };
    return send(
      subresource === undefined ? tried : { ...tried, subresource },
      {
        method: 'PATCH',
        path: subresource === undefined ? path : `${path}/${subresource}`,
        query: {
          fieldManager,
          fieldValidation: 'Strict',
          ...(options.force === true ? { force: 'true' } : {}),
          ...(options.dryRun === true ? { dryRun: 'All' } : {}),
        },
        contentType: 'application/apply-patch+yaml',
        body: { apiVersion: apiVersionOf(kind), kind: kind.kind, ...object },
        limits: options.limits,
      },
      'ask',
    );
  };
  const writing = { fieldManager, fieldValidation: 'Strict' };
  return {
    get: (kind, place, limits) => getObject(transport, kind, place, limits),
    list: (kind, namespace, selection) => listObjects(transport, kind, namespace, selection),
    create: async (kind, object, limits) => {
      const { namespace = null, name } = object.metadata;
      const body = { apiVersion: apiVersionOf(kind), kind: kind.kind, ...object };
      // Only to know the name: it is no part of the path.
      objectPath(kind, namespace, name);
      const request = { method: 'POST', path: kindPath(kind, namespace), query: writing, body, limits } as const;
      return send({ verb: 'create', kind, namespace, name }, request, 'once');
    },
    replace: async (kind, object, limits) => {
      const { namespace = null, name } = object.metadata;
      const body = { apiVersion: apiVersionOf(kind), kind: kind.kind, ...object };
      const request = { method: 'PUT', path: objectPath(kind, namespace, name), query: writing, body, limits } as const;
      return send({ verb: 'update', kind, namespace, name }, request, 'once');
    },
    patch: async (kind, { namespace, name }, patch, limits) => {
      const request = {
        method: 'PATCH',
        path: objectPath(kind, namespace, name),
        query: writing,
        contentType: 'application/merge-patch+json',
        body: patch,
        limits,
      } as const;
      return send({ verb: 'patch', kind, namespace, name }, request, 'once');
    },
    apply: (kind, object, options = {}) => apply(kind, object, options),
    patchStatus: async (kind, { namespace, name }, status, { current, ...options } = {}) => {
      if (current !== undefined && canonicalJson(current.status ?? {}) === canonicalJson(status)) return null;
      const metadata = namespace === null ? { name } : { name, namespace };
      return apply(kind, { metadata, status }, options, 'status');
    },
    delete: (kind, place, options = {}) => deleteObject(transport, kind, place, options),
  };
}

async function getObject(
  transport: KubeTransport,
  kind: ObjectKind,
  { namespace, name }: ClusterPlace,
  limits: Limits | undefined,
): Promise<KubernetesObject | null> {
  const path = objectPath(kind, namespace, name);
  const answer = await transport.ask({ method: 'GET', path, maxBytes: maxObjectBytes, limits });
  if (answer.status === 404 && parseStatus(answer.body).name === name) return null;
  if (answer.status !== 200) throw explainFailure(transport, { verb: 'get', kind, namespace, name }, answer);
  return parseObject(transport, answer);
}

const maxPageBytes = 64 * 1024 * 1024;
const maxPages = 40;

async function listObjects(
  transport: KubeTransport,
  kind: ObjectKind,
  namespace: string | null,
  selection: ObjectSelection,
): Promise<readonly KubernetesObject[]> {
  const objects: KubernetesObject[] = [];
  const typed = { apiVersion: apiVersionOf(kind), kind: kind.kind };
  let position: Readonly<Record<string, string>> = {};
  for (let page = 0; page < maxPages; page += 1) {
    const query = { limit: String(pageSize), ...selection, ...position };
    const path = kindPath(kind, namespace);
    const answer = await transport.ask({ method: 'GET', path, query, maxBytes: maxPageBytes });
    if (answer.status === 410 && page > 0) {
      // The snapshot is gone: from here on it is a newer one.
      position = { continue: parseStatus(answer.body).continueToken };
      continue;
    }
    if (answer.status !== 200) throw explainFailure(transport, { verb: 'list', kind, namespace, name: '' }, answer);
    const list = parseObject(transport, answer) as unknown as {
      readonly items?: readonly KubernetesObject[];
      readonly metadata?: { readonly continue?: string };
    };
    for (const item of list.items ?? []) objects.push({ ...typed, ...item });
    const next = list.metadata?.continue ?? '';
    if (next === '') return objects;
    position = { continue: next };
  }
  throw transport.unavailable(`there are more than ${objects.length} ${kind.plural}`);
}

async function deleteObject(
  transport: KubeTransport,
  kind: ObjectKind,
  { namespace, name }: ClusterPlace,
  { propagation = 'Background', uid, dryRun = false, limits }: DeleteOptions,
): Promise<'deleted' | 'absent'> {
  const answer = await transport.ask({
    method: 'DELETE',
    path: objectPath(kind, namespace, name),
    body: {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      propagationPolicy: propagation,
      ...(dryRun ? { dryRun: ['All'] } : {}),
      ...(uid === undefined ? {} : { preconditions: { uid } }),
    },
    maxBytes: maxObjectBytes,
    limits,
  });
  if (answer.status === 404 && parseStatus(answer.body).name === name) return 'absent';
  // Only the uid is asked for: under this name there is another one.
  if (answer.status === 409 && uid !== undefined) return 'absent';
  if (answer.status > 299) throw explainFailure(transport, { verb: 'delete', kind, namespace, name }, answer);
  return 'deleted';
}

function parseObject(transport: KubeTransport, { body, truncated }: KubeAnswer): KubernetesObject {
  try {
    return JSON.parse(body) as KubernetesObject;
  } catch (cause) {
    const what = truncated ? 'with too much' : `with what is not JSON: ${body.slice(0, 120)}`;
    throw transport.unavailable(`${transport.server} answered ${what}`, cause);
  }
}
