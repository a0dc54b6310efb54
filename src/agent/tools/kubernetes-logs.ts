import { z } from 'zod';
import { objectName as titleOf } from '../../analyzers/define.ts';
import { containersOf } from '../../analyzers/pods/pod-status.ts';
import type { KubernetesObject } from '../../core/cluster.ts';
import { usualTailLines } from '../../investigation/reads.ts';
import type { Reads } from '../../investigation/reads.ts';
import { shellWord } from '../../lib/shell-word.ts';
import { plural } from '../../lib/words.ts';
import { namespaceOf } from '../policy.ts';
import { defineTool } from './define.ts';
import type { ToolAnswer } from './define.ts';
import { namespace, objectName } from './fields.ts';
import { named, readObject } from './objects.ts';
import { chooseLines, lineChoice } from './log-lines.ts';
import type { ChosenLines, LineChoice } from './log-lines.ts';
import { moment } from './moments.ts';
import { readsOf, unread, withoutCluster } from './unread.ts';

/** Lines that are looked at where only some are asked for. */
const deepTailLines = 10_000;

const pattern = z.string().min(1).max(300).optional();

const input = z.strictObject({
  pod: objectName.describe('Name of the pod.'),
  namespace,
  container: objectName.optional().describe('Only this container.'),
  run: z
    .enum(['both', 'current', 'previous'])
    .default('both')
    .describe('previous = the one before the last restart: what a container that crashes said last.'),
  filter: pattern.describe('Only lines that match this RE2 expression somewhere: (?i)error|timeout.'),
  exclude: pattern.describe('Without lines that match this RE2 expression: GET /healthz.'),
  since: moment.describe('Only what was said since: 15m (ago), or an RFC 3339 time. Lines need times for that.'),
  until: moment.describe('Only what was said until then: 5m (ago), or an RFC 3339 time.'),
  tail: z.int().min(1).max(1000).default(100).describe('Of each container and run the last so many lines.'),
});
type Input = z.output<typeof input>;

/** What the containers of a pod said. */
export const kubernetesLogs = defineTool({
  name: 'kubernetes_logs',
  description:
    'The end of the logs of a pod: all its containers, init containers too, the run that goes on and the one before the last restart. With filter, exclude, since or until far more of each log is looked at.',
  input,
  reference: {
    example: { pod: 'web-1', namespace: 'shop', run: 'current', filter: '(?i)error' },
    command: "kubectl logs -n shop web-1 --all-containers --prefix --tail=100 | grep -E -e '(?i)error'",
    bounds: [
      `the last ${usualTailLines} lines of each run are read; with filter, exclude, since or until ${deepTailLines}`,
      'expressions are RE2 and within a budget',
    ],
  },
  unavailable: withoutCluster,
  reaches: ({ namespace: place }) => [{ of: 'cluster', resource: 'pods', namespace: namespaceOf(place) }],
  async run(io, asked): Promise<ToolAnswer> {
    const reads = readsOf(io);
    const choice = lineChoice(asked, io.now);
    const object = named({ resource: 'pods', namespace: asked.namespace, name: asked.pod });
    const found = await readObject(reads, object);
    const pod = found.kind === 'ok' ? found.value : null;
    const place = pod?.metadata.namespace ?? object.namespace;
    const command = logsCommand(place, asked);
    const evidence = { kind: 'logs', object: titleOf('pod', place, asked.pod) };
    if (found.kind === 'ok' && pod === null)
      return { status: 'no_data', text: `${object.title} does not exist.`, command, evidence };
    const wanted = place === null ? [] : runsOf(pod, asked);
    if (wanted.length === 0 && found.kind !== 'ok') return unread(object.title, found, command);
    if (wanted.length === 0) return { status: 'no_data', text: noRun(pod, asked), command, evidence: null };
    const sections = await Promise.all(wanted.map((one) => readSection(reads, place ?? '', asked.pod, one, choice)));
    return present(sections, { command, evidence, choice, answerBytes: io.answerBytes });
  },
});

interface Run {
  readonly container: string;
  readonly previous: boolean;
}

/** What is read of a pod; of one that may not be read itself what the call names. */
function runsOf(pod: KubernetesObject | null, { container, run }: Input): readonly Run[] {
  const containers =
    pod === null
      ? container === undefined
        ? []
        : [{ name: container, ranBefore: run === 'previous' }]
      : containersOf(pod)
          .filter(({ name }) => container === undefined || name === container)
          .map(({ name, last, restarts }) => ({ name, ranBefore: last !== null || restarts > 0 }));
  return containers.flatMap(({ name, ranBefore }): readonly Run[] => [
    ...(ranBefore && run !== 'current' ? [{ container: name, previous: true }] : []),
    ...(run === 'previous' ? [] : [{ container: name, previous: false }]),
  ]);
}

function noRun(pod: KubernetesObject | null, { pod: name, container, run }: Input): string {
  const names = pod === null ? [] : containersOf(pod).map((one) => one.name);
  if (container !== undefined && !names.includes(container))
    return `pod ${name} has no container ${container}; it has: ${names.join(', ')}`;
  return run === 'previous'
    ? `no container of pod ${name} was started again, so there is no previous run`
    : `pod ${name} has no containers`;
}

/** The log of a container's run, or why it could not be had. */
interface Section {
  readonly label: string;
  readonly chosen: ChosenLines | null;
  readonly why: string;
}

async function readSection(
  reads: Reads,
  place: string,
  pod: string,
  { container, previous }: Run,
  choice: LineChoice,
): Promise<Section> {
  const tailLines = isDeep(choice) ? deepTailLines : usualTailLines;
  const log = await reads.logs({ namespace: place, pod, container, previous, tailLines });
  const label = `container ${container}, ${previous ? 'run before the last restart' : 'run that goes on or ended last'}`;
  if (log.kind !== 'ok') return { label, chosen: null, why: log.reason };
  return { label, chosen: await chooseLines(log.value, choice), why: '' };
}

const isDeep = ({ include, exclude, since, until, tail }: LineChoice): boolean =>
  include !== null || exclude !== null || since !== null || until !== null || tail > usualTailLines;

interface Presentation extends Pick<ToolAnswer, 'command' | 'evidence'> {
  readonly choice: LineChoice;
  readonly answerBytes: number;
}

/** Kept for headings and trailers. Bytes. */
const roomOfWords = 250;

function present(sections: readonly Section[], { command, evidence, choice, answerBytes }: Presentation): ToolAnswer {
  const share = Math.max(200, Math.floor((answerBytes - roomOfWords) / sections.length) - roomOfWords);
  const text = sections.map((section) => sectionText(section, choice, share)).join('\n');
  const read = sections.flatMap(({ chosen }) => (chosen === null ? [] : [chosen]));
  if (read.length === 0) return { status: 'error', reason: 'NotCaptured', text, command, evidence: null };
  const status = read.some(({ fitting }) => fitting > 0) ? 'ok' : 'no_data';
  return { status, text, command, evidence, keepEnd: true, narrow: 'use container, filter, since or a smaller tail' };
}

function sectionText({ label, chosen, why }: Section, choice: LineChoice, share: number): string {
  if (chosen === null) return `== ${label}: could not be read: ${why}`;
  const shown = lastThatFit(chosen.lines, share);
  const { fitting, lookedAt, isWithoutTimes } = chosen;
  if (lookedAt === 0) return `== ${label}: said nothing`;
  const head = `== ${label}: ${fitting === lookedAt ? plural(lookedAt, 'line') : `${fitting} of ${plural(lookedAt, 'line')} fit`}`;
  const notes = [
    ...(shown.length < fitting ? [`the last ${shown.length} are shown: ${howToSeeMore(shown.length, choice)}`] : []),
    ...(lookedAt >= usualTailLines ? ['older lines were not looked at'] : []),
    ...(isWithoutTimes ? ['no line has a time, so since and until were not applied'] : []),
  ];
  return [head, ...shown, ...(notes.length === 0 ? [] : [`[${notes.join('; ')}]`])].join('\n');
}

function howToSeeMore(shown: number, { tail }: LineChoice): string {
  return shown < tail
    ? 'narrow with container, run, filter, exclude, since or until'
    : 'raise tail, or narrow with filter, exclude, since or until';
}

/** Whole lines, because half a secret is known by nothing; at least one. */
function lastThatFit(lines: readonly string[], mostBytes: number): readonly string[] {
  let size = 0;
  let start = lines.length;
  while (start > 0) {
    size += Buffer.byteLength(lines[start - 1] ?? '') + 1;
    if (size > mostBytes && start < lines.length) break;
    start -= 1;
  }
  return lines.slice(start);
}

function logsCommand(place: string | null, { pod, container, run, filter, exclude, tail }: Input): string {
  const which = container === undefined ? '--all-containers --prefix' : `-c ${container}`;
  const one = (previous: string): string =>
    `kubectl logs -n ${place ?? 'NAMESPACE'} ${pod} ${which}${previous} --tail=${tail}`;
  const logs = run === 'both' ? `{ ${one(' --previous')}; ${one('')}; }` : one(run === 'previous' ? ' --previous' : '');
  return [
    logs,
    ...(filter === undefined ? [] : [`grep -E -e ${shellWord(filter)}`]),
    ...(exclude === undefined ? [] : [`grep -v -E -e ${shellWord(exclude)}`]),
  ].join(' | ');
}
