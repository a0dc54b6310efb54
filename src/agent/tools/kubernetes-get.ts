import { z } from 'zod';
import { commandOf } from '../../investigation/commands.ts';
import { printableYaml } from '../../lib/printable.ts';
import { defineTool } from './define.ts';
import { namespace, objectName, objectReach, resource } from './fields.ts';
import { objectKindOf } from './kinds.ts';
import { named, readObject, shownManifest } from './objects.ts';
import type { NamedObject } from './objects.ts';
import { readsOf, unread, withoutCluster } from './unread.ts';

/** One object, whole. */
export const kubernetesGet = defineTool({
  name: 'kubernetes_get',
  description:
    'One object as YAML: spec and status, without secrets and without values of config maps. Use it where a field of the spec matters; kubernetes_describe tells the state in fewer words.',
  input: z.strictObject({ resource, namespace, name: objectName }),
  reference: {
    example: { resource: 'deployments', namespace: 'shop', name: 'web' },
    command: 'kubectl get deployment web -n shop -o yaml',
    bounds: ['values of secret variables and of config maps are masked'],
  },
  unavailable: withoutCluster,
  reaches: (input) => [objectReach(input)],
  async run(io, input) {
    const object = named(input);
    const command = getCommand(object);
    const evidence = { kind: 'object', object: object.title };
    const result = await readObject(readsOf(io), object);
    if (result.kind !== 'ok') return unread(object.title, result, command);
    if (result.value === null) return { status: 'no_data', text: `${object.title} does not exist.`, command, evidence };
    const text = await printableYaml(shownManifest(result.value));
    return { status: 'ok', text, command, evidence, narrow: 'kubernetes_describe tells the state in fewer words' };
  },
});

/** The command that shows the object. */
export function getCommand({ resource: of, kind, namespace: place, name }: NamedObject): string {
  const known = objectKindOf(of);
  if (known !== null) return commandOf({ kind: 'object', of: known, namespace: place, name });
  return `kubectl get ${kind} ${name}${place === null ? ' -A' : ` -n ${place}`} -o yaml`;
}
