import { alertOfLabels, alertOfObject, chooseAlerts, investigateOnce } from '../app/investigate.ts';
import { readClusterOptions } from '../app/options.ts';
import type { ClusterFlags } from '../app/options.ts';
import { onlyInvestigation } from '../app/replay/recordings.ts';
import { openSource } from '../app/replay/source.ts';
import type { OpenSource } from '../app/replay/source.ts';
import { readReaderOptions } from '../app/readers.ts';
import type { ReaderFlags } from '../app/readers.ts';
import type { AlertSnapshot } from '../core/run.ts';
import { renderReport } from '../report/markdown.ts';
import { tellCharts, writeCharts } from './charts.ts';
import { readInput } from './input.ts';
import { withModelSource } from './model-source.ts';
import type { SourceFlags } from './model-source.ts';
import { AppError } from '../core/errors.ts';
import { plural } from '../lib/words.ts';
import { inWordsOf } from './called-as.ts';
import { reportFailure } from './failure.ts';
import { outputFormat, printObject, tell, showsUtf8 } from './output.ts';
import type { Terminal } from './output.ts';

interface InvestigateFlags extends ClusterFlags, ReaderFlags, SourceFlags {
  readonly alert?: string;
  readonly index?: string;
  readonly label?: readonly string[];
  readonly namespace?: string;
  readonly explain?: boolean;
  readonly evidence?: boolean;
  readonly charts?: string;
  readonly output: string;
}

/** `fist investigate`: stdout is the report only. Inconclusive is a result: exit 0. */
export async function investigateCommand(
  terminal: Terminal,
  flags: InvestigateFlags,
  object?: string,
): Promise<number> {
  const format = outputFormat(flags.output, ['text', 'json', 'markdown']);
  const alerts = await alertsOf(flags, object);
  const view = {
    colour: terminal.colour,
    inWords: (command: string) => inWordsOf(terminal.called, command),
    ...(terminal.columns === undefined ? {} : { width: terminal.columns }),
    explain: flags.explain === true,
    evidence: flags.evidence === true,
    ascii: !showsUtf8(terminal.env),
  };
  const options = readClusterOptions(flags);
  const readers = readReaderOptions(flags, terminal.env);
  const { result, text, failure } = await withModelSource(flags, 'unclear', terminal.env, async (source) => {
    if (source === null) return investigateOnce(alerts, options, readers, view);
    const opened = openSource(source, { name: onlyInvestigation, run: 1, notice: replayNotice });
    const investigation = await investigateOnce(alerts, options, readers, view, opened.asked);
    opened.keep();
    tellDiffering(terminal, opened);
    return investigation;
  });
  const charts = flags.charts === undefined ? null : writeCharts(result, flags.charts);
  if (format === 'json') await printObject(terminal, 'json', result);
  else if (format === 'text') terminal.out(text);
  else terminal.out(`${(charts === null ? result.report : renderReport(result, charts)).trimEnd()}\n`);
  if (charts !== null) tellCharts(terminal, charts);
  if (failure === null) return 0;
  return reportFailure(terminal, new AppError(failure.code, failure.message), format === 'json');
}

const replayNotice = 'Replayed: the answers of the model are those of a recording; nobody was asked.';

/** What a replay answers to other requests than then may not fit. */
function tellDiffering(terminal: Terminal, { differing, recording }: OpenSource): void {
  const count = differing();
  if (count === 0) return;
  const all = plural(recording().exchanges.length, 'recorded answer');
  tell(
    terminal,
    `${count} of ${all} were given to another request: a tool answers something else now, or the words changed`,
  );
}

async function alertsOf(flags: InvestigateFlags, object: string | undefined): Promise<readonly AlertSnapshot[]> {
  const ways = [flags.alert, flags.label, object].filter((one) => one !== undefined);
  if (ways.length !== 1)
    throw new AppError(
      'InvalidInput',
      'one of --alert FILE, --label NAME=VALUE and an object is needed, and only one',
      {
        next: 'fist investigate pod/NAME -n NAMESPACE --context NAME',
      },
    );
  if (flags.alert !== undefined && flags.namespace !== undefined)
    throw new AppError('InvalidInput', '--namespace is of an object or of labels: an alert has a namespace of its own');
  if (flags.alert === undefined && flags.index !== undefined)
    throw new AppError('InvalidInput', '--index chooses an alert of --alert FILE');
  if (object !== undefined) return [alertOfObject(object, flags.namespace ?? null)];
  if (flags.label !== undefined) {
    const place = flags.namespace === undefined ? [] : [`namespace=${flags.namespace}`];
    return [alertOfLabels([...place, ...flags.label])];
  }
  return chooseAlerts(readInput(flags.alert ?? '-'), readIndex(flags.index));
}

function readIndex(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new AppError('InvalidInput', `--index ${text} is not a whole number from 0`);
}
