import { isDeepStrictEqual } from 'node:util';
import type { KubernetesObject } from '../core/cluster.ts';
import type { SecretReference } from '../core/catalog.ts';
import type { AppError } from '../core/errors.ts';
import type { ObjectPlace } from '../core/place.ts';
import type { Clock, Log, Secrets } from '../core/ports.ts';
import type { WatchSignal } from '../core/watch.ts';
import { createComplaints } from '../lib/complaints.ts';
import type { KubeClient } from '../kube/connection/client.ts';
import { kindPath, kinds } from '../kube/kinds/kinds.ts';
import { watchCollection } from '../kube/watch/watch.ts';

export interface NamedSecretsOptions {
  readonly client: Pick<KubeClient, 'open' | 'kubectl' | 'server'>;
  readonly clock: Clock;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly log: Log;
  /** Hears each value before anybody uses it, also twice. */
  readonly noteSecret: (value: string) => void;
  /** One of them came, changed or went. */
  readonly onChange: () => void;
}

/** Secrets of a cluster, each watched by its name: the right to read others is not needed. */
export interface NamedSecrets extends Secrets {
  /** Just these are watched from now on. */
  need(places: readonly ObjectPlace[]): void;
  /** Resolves when each of them was read, or could not be. */
  whenRead(): Promise<void>;
  /** All values that are known now. */
  values(): readonly string[];
  stop(): Promise<void>;
}

/** Watches hold a connection each. */
const mostSecrets = 1000;

interface Watched {
  /** By key; null = there is none, or nobody could read it. */
  values: ReadonlyMap<string, string> | null;
  trouble: AppError | null;
  readonly read: Promise<void>;
  readonly ended: Promise<void>;
  readonly stopping: AbortController;
}

/** Nothing is read before it is needed. */
export function createNamedSecrets(options: NamedSecretsOptions): NamedSecrets {
  const { clock, log } = options;
  const complain = createComplaints(log, clock);
  const watched = new Map<string, Watched>();
  const ending = new Set<Promise<void>>();

  function end(key: string, { stopping, ended }: Watched): void {
    watched.delete(key);
    stopping.abort();
    ending.add(ended);
    void ended.then(() => ending.delete(ended));
  }
  function valueOf(namespace: string, { name, key }: SecretReference): string | null {
    return watched.get(`${namespace}/${name}`)?.values?.get(key) ?? null;
  }
  return {
    get(namespace, reference) {
      const value = valueOf(namespace, reference);
      if (value !== null) options.noteSecret(value);
      return value;
    },
    whyMissing(namespace, { name, key }) {
      const known = watched.get(`${namespace}/${name}`);
      if (known !== undefined && known.trouble !== null)
        return `Secret ${namespace}/${name} cannot be read: ${known.trouble.message}; ${known.trouble.next ?? ''}`;
      const create = `kubectl create secret generic ${name} -n ${namespace} --from-file=${key}=FILE`;
      return `there is no Secret ${namespace}/${name} with key ${key} (${create})`;
    },
    need(places) {
      const wanted = inTurn(places);
      const kept = new Map(wanted.slice(0, mostSecrets).map((place) => [placeKey(place), place]));
      for (const [key, secret] of watched) if (!kept.has(key)) end(key, secret);
      for (const [key, place] of kept) if (!watched.has(key)) watched.set(key, watchSecret(place, options));
      const [left] = wanted.slice(mostSecrets);
      if (left === undefined) return;
      const fields = { secret: placeKey(left), left: wanted.length - mostSecrets };
      complain('error', 'many', fields, `more than ${mostSecrets} Secrets are referred to; not read`);
    },
    async whenRead() {
      await Promise.all([...watched.values()].map(({ read }) => read));
    },
    values: () => [...watched.values()].flatMap(({ values }) => [...(values?.values() ?? [])]),
    async stop() {
      for (const [key, secret] of watched) end(key, secret);
      await Promise.all(ending);
    },
  };
}

function placeKey({ namespace, name }: ObjectPlace): string {
  return `${namespace}/${name}`;
}

/** Each once: the first of each namespace, then the second: who refers to thousands takes none from the others. Pure. */
export function inTurn(places: readonly ObjectPlace[]): readonly ObjectPlace[] {
  const each = [...new Map(places.map((place) => [placeKey(place), place])).values()];
  const counts = new Map<string, number>();
  const turns = each.map((place) => {
    const turn = counts.get(place.namespace) ?? 0;
    counts.set(place.namespace, turn + 1);
    return { place, turn };
  });
  return turns.sort((one, other) => one.turn - other.turn).map(({ place }) => place);
}

function watchSecret({ namespace, name }: ObjectPlace, options: NamedSecretsOptions): Watched {
  const { client, clock, random, log, noteSecret, onChange } = options;
  const complain = createComplaints(log, clock);
  const stopping = new AbortController();
  const { promise: read, resolve: isRead } = Promise.withResolvers<void>();
  let inList: ReadonlyMap<string, string> | null = null;

  /** What is the same as before is told to nobody: it is listed anew every while. */
  function become(values: ReadonlyMap<string, string> | null, trouble: AppError | null): void {
    const isSame = isDeepStrictEqual(secret.values, values) && (secret.trouble === null) === (trouble === null);
    Object.assign(secret, { values, trouble });
    if (!isSame) onChange();
  }
  function keep(values: ReadonlyMap<string, string> | null): void {
    for (const value of values?.values() ?? []) noteSecret(value);
    become(values, null);
  }
  function heard(told: WatchSignal): void {
    if (told.kind === 'list') inList = null;
    else if (told.kind === 'page') for (const object of told.objects) inList = valuesOf(object);
    else if (told.kind === 'changed') keep(told.type === 'deleted' ? null : valuesOf(told.object));
    else if (told.kind === 'listed') {
      keep(inList);
      isRead();
    } else become(secret.values, null);
  }
  async function run(): Promise<void> {
    const query = {
      resource: 'secrets',
      namespace,
      fieldSelector: `metadata.name=${name}`,
      path: kindPath(kinds.secret, namespace),
      rule: () =>
        `a Role in namespace ${namespace} with the rule {apiGroups: [""], resources: ["secrets"], resourceNames: ["${name}"], verbs: ["list", "watch"]}`,
    };
    const onTrouble = async (error: AppError): Promise<void> => {
      become(secret.values, error);
      isRead();
      const fields = { secret: `${namespace}/${name}`, reason: error.message, next: error.next };
      complain('warn', error.code, fields, 'a Secret could not be watched; what is known of it stays in use');
    };
    for await (const told of watchCollection(client, query, { clock, random, signal: stopping.signal, onTrouble }))
      heard(told);
  }
  const secret: Watched = { values: null, trouble: null, read, ended: Promise.resolve(), stopping };
  return Object.assign(secret, { ended: run().finally(isRead) });
}

/** As files of a mounted Secret, without one line feed at the end, which no header could have. */
function valuesOf(object: KubernetesObject): ReadonlyMap<string, string> {
  const data = (object['data'] ?? {}) as Readonly<Record<string, unknown>>;
  return new Map(
    Object.entries(data).map(([key, value]) => [
      key,
      Buffer.from(String(value), 'base64')
        .toString('utf8')
        .replace(/\r?\n$/, ''),
    ]),
  );
}
