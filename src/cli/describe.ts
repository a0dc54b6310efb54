import { AppError } from '../core/errors.ts';
import { alertText } from './alert-text.ts';
import { apiClient } from './client.ts';
import type { ServerFlags } from './client.ts';
import { deliveryText } from './delivery-text.ts';
import type { DetailView } from './detail-text.ts';
import { namesCluster } from './server-options.ts';
import type { ContextFlags } from '../app/install/connect.ts';
import { meantBy, readObject } from './find-alert.ts';
import { objectsOf } from './nouns/index.ts';
import type { AnyNoun, NamedObject } from './nouns/index.ts';
import { objectText, outputFormat, showsUtf8 } from './output.ts';
import type { Terminal } from './output.ts';
import { reportOfRun, runText } from './run-text.ts';
import type { RunDetail } from './run-text.ts';

type TextOf = (detail: never, view: DetailView) => string;

/** How a noun is shown as text, by its singular; others are shown as YAML. */
const texts: ReadonlyMap<string, TextOf> = new Map<string, TextOf>([
  ['run', runText],
  ['alert', alertText],
  ['delivery', deliveryText],
]);

interface DescribeFlags extends ServerFlags, ContextFlags {
  readonly output: string;
  readonly watch?: boolean;
  readonly evidence?: boolean;
  readonly charts?: string;
}

/** `fist describe NOUN/KEY...` or `NOUN KEY...`: each with all that belongs to it; with `--watch` again at each change. */
export async function describe(terminal: Terminal, flags: DescribeFlags, ...words: string[]): Promise<number> {
  const format = outputFormat(flags.output, ['text', 'json', 'yaml']);
  const named = objectsOf(words);
  if (namesCluster(flags)) {
    const { readFromCluster } = await import('./from-cluster.ts');
    const details = await readFromCluster(flags, named);
    const document = details.length === 1 ? details[0] : { items: details };
    terminal.out(await objectText(format === 'text' ? 'yaml' : format, document));
    return 0;
  }
  if (flags.watch === true) await checkWatched(named);
  const client = apiClient(flags, terminal);
  const objects = await Promise.all(named.map((object) => meantBy(client, object)));
  const read = async () => {
    const details = await Promise.all(objects.map((object) => readObject(client, object)));
    if (format !== 'text') return objectText(format, details.length === 1 ? details[0] : { items: details });
    const texts = objects.map(({ noun }, index) => textOf(terminal, noun, details[index], flags.evidence === true));
    return (await Promise.all(texts)).join(separator);
  };
  if (flags.watch !== true) {
    terminal.out(await read());
    if (flags.charts !== undefined) await chartsOf(terminal, client, objects, flags.charts);
    return 0;
  }
  let shown = '';
  const { watchChanges } = await import('./watch.ts');
  return watchChanges(terminal, client, streamOf(objects), async () => {
    const text = await read();
    if (text === shown) return;
    terminal.out(shown === '' ? text : separator + text);
    shown = text;
  });
}

/** Throws InvalidInput for what the stream does not tell. */
async function checkWatched(named: readonly NamedObject[]): Promise<void> {
  const { checkTold } = await import('./watch-list.ts');
  for (const { noun, key } of named) checkTold(noun, `describe ${noun.singular}/${key}`);
}

/** Writes the charts of the one run that is described. */
async function chartsOf(
  terminal: Terminal,
  client: ReturnType<typeof apiClient>,
  objects: readonly NamedObject[],
  directory: string,
): Promise<void> {
  const [only, ...others] = objects;
  if (only === undefined || others.length > 0 || only.noun.singular !== 'run')
    throw new AppError('InvalidInput', '--charts is of one run', {
      field: '--charts',
      next: 'fist describe run/@latest --charts DIR',
    });
  const report = reportOfRun((await readObject(client, only)) as RunDetail);
  const { tellCharts, writeCharts } = await import('./charts.ts');
  tellCharts(terminal, report === null ? new Map() : writeCharts(report, directory));
}

const separator = '\n---\n\n';

async function textOf(terminal: Terminal, noun: AnyNoun, detail: unknown, evidence: boolean): Promise<string> {
  const text = texts.get(noun.singular);
  if (text === undefined) return objectText('yaml', detail);
  return text(detail as never, { ...terminal, evidence, ascii: !showsUtf8(terminal.env), nowMs: Date.now() });
}

/** The changes of one thing, or all. */
function streamOf([first, ...others]: readonly NamedObject[]): string {
  if (first === undefined || others.length > 0) return '/api/v1/stream';
  return `/api/v1/stream?${first.noun.singular}=${encodeURIComponent(first.key)}`;
}
