import type { AnalyzerIo, EvidenceDraft, Pointer, Target } from '../define.ts';

/** A config map or a secret that something refers to, and that (or whose key) is missing. */
export interface MissingReference {
  readonly kind: 'config map' | 'secret';
  readonly name: string;
  /** The key that is missing in one that exists. */
  readonly key: string | null;
}

const kinds = { configmap: 'config map', secret: 'secret' } as const;

/** Messages of the kubelet about environments, volumes and projected volumes. */
const patterns: readonly RegExp[] = [
  /couldn't find key (?<key>\S{1,253}) in (?<kind>ConfigMap|Secret) [^/\s]{1,63}\/(?<name>[^\s,]{1,253})/i,
  /(?<kind>configmap|secret)s? "(?<name>[^"]{1,253})" not found/i,
  /(?<kind>configmap|secret) references non-existent (?:config|secret) key: (?<key>[^\s,]{1,253})/i,
  /references non-existent (?<kind>config|secret) key: (?<key>[^\s,]{1,253})/i,
];

/** What a message says is missing; null where it speaks of nothing such. The name is empty where it is not told. */
export function missingReference(message: string): MissingReference | null {
  for (const pattern of patterns) {
    const groups = pattern.exec(message)?.groups;
    if (groups === undefined) continue;
    const kind = (groups['kind'] ?? '').toLowerCase();
    return {
      kind: kind.startsWith('secret') ? kinds.secret : kinds.configmap,
      name: groups['name'] ?? '',
      key: groups['key'] ?? null,
    };
  }
  return null;
}

/** `secret web-db does not exist in namespace shop`, `config map settings has no key REGION`. */
export function missingText({ kind, name, key }: MissingReference, namespace: string | null): string {
  if (key !== null) return `key ${key} does not exist in ${kind} ${name === '' ? '(see the volume)' : name}`;
  return `${kind} ${name} does not exist (not found) in namespace ${namespace ?? ''}`;
}

/** What may have made it: a custom resource of its name (an ExternalSecret, a Certificate), where the whole of it is missing. */
export function makersOf(missing: MissingReference | null, namespace: string | null): readonly Pointer[] {
  return missing === null || missing.key !== null || missing.name === ''
    ? []
    : [{ kind: 'customresource', namespace, name: missing.name }];
}

/** The keys of a config map that lacks one. Secrets are never read. */
export async function keysOf(
  io: AnalyzerIo,
  { namespace }: Pick<Target, 'namespace'>,
  missing: MissingReference | null,
): Promise<{ readonly note: string; readonly evidence: readonly EvidenceDraft[] }> {
  if (missing === null || missing.kind !== 'config map' || missing.name === '') return { note: '', evidence: [] };
  const result = await io.get('configmap', namespace, missing.name);
  if (result.kind !== 'ok') return { note: '', evidence: [] };
  if (result.value === null) return { note: ` There is no config map ${missing.name}.`, evidence: [] };
  const { data, binaryData } = result.value;
  const keys = Object.keys({ ...(data as object | undefined), ...(binaryData as object | undefined) }).join(', ');
  return {
    note: ` Config map ${missing.name} has the keys: ${keys || 'none'}.`,
    evidence: [
      {
        read: { kind: 'object', of: 'configmap', namespace, name: missing.name },
        excerpt: `keys: ${keys || 'none'}`,
      },
    ],
  };
}
