import { z } from 'zod';
import { nameOf } from '../../analyzers/define.ts';
import { createGraph } from '../../investigation/graph.ts';
import { analyzeLinked } from '../../investigation/investigate.ts';
import { nothingAsked, rank } from '../../investigation/rank.ts';
import type { RankedFinding } from '../../investigation/findings.ts';
import { shellWord } from '../../lib/shell-word.ts';
import { defineTool } from './define.ts';
import type { ToolAnswer } from './define.ts';
import { namespace, objectName, objectReach, resource } from './fields.ts';
import { objectKindOf } from './kinds.ts';
import { named, readObject } from './objects.ts';
import type { NamedObject } from './objects.ts';
import { readsOf, unread, withoutCluster } from './unread.ts';

/** Objects that are analyzed for one call. */
const mostObjects = 20;

/** The analyzers over another object than the alert's. */
export const analyze = defineTool({
  name: 'analyze',
  description:
    'Runs the deterministic analyzers over one object and what is linked to it, as they ran over the object of the alert: what is wrong with it, since when, and why where that can be told. Use it for objects that they did not look at.',
  input: z.strictObject({ resource, namespace, name: objectName }),
  reference: {
    example: { resource: 'pods', namespace: 'shop', name: 'web-1' },
    command: 'fist investigate pod/web-1 -n shop',
    bounds: [`${mostObjects} objects`],
  },
  unavailable: withoutCluster,
  reaches: (input) => [objectReach(input)],
  async run(io, input): Promise<ToolAnswer> {
    const reads = readsOf(io);
    const object = named(input);
    const kind = objectKindOf(object.resource);
    const command = investigateCommand(object);
    if (kind === null)
      return { status: 'no_data', text: `no analyzer looks at ${object.resource}.`, command: null, evidence: null };
    const found = await readObject(reads, object);
    if (found.kind !== 'ok') return unread(object.title, found, command);
    const evidence = { kind: 'analysis', object: object.title };
    if (found.value === null) return { status: 'no_data', text: `${object.title} does not exist.`, command, evidence };
    const graph = createGraph(mostObjects);
    graph.add(kind, found.value, 'alert', null);
    const analyses = await analyzeLinked(reads, graph, ['anything'], io.signal);
    const { findings, cause } = rank(analyses, { ...nothingAsked, now: io.now });
    const unwell = new Set(analyses.filter((one) => one.findings.length > 0).map(({ target }) => target));
    const well = graph
      .targets()
      .filter((target) => !unwell.has(target))
      .map(nameOf);
    const text = [
      ...findings.map((finding) => findingText(finding, finding === cause)),
      ...(findings.length === 0 ? [`nothing is wrong with ${object.title} that the analyzers know of.`] : []),
      ...(well.length === 0 ? [] : [`found well: ${well.join(', ')}`]),
    ];
    return {
      status: findings.length === 0 ? 'no_data' : 'ok',
      text: text.join('\n'),
      command,
      evidence,
      narrow: 'analyze an object further down',
    };
  },
});

function findingText({ draft, alike }: RankedFinding, isCause: boolean): string {
  const { severity, object, category, description, when } = draft;
  const since = when.from === null ? '' : ` since ${when.from}`;
  const until = when.until === null ? '' : ` until ${when.until}`;
  const more = alike.length === 0 ? '' : ` The same holds for ${alike.slice(0, 3).join(', ')}.`;
  return `${isCause ? 'most likely the cause: ' : ''}${severity} ${object} ${category}${since}${until}: ${description}${more}`;
}

function investigateCommand({ kind, namespace: place, name }: NamedObject): string {
  return `fist investigate ${shellWord(`${kind}/${name}`)}${place === null ? '' : ` -n ${place}`}`;
}
