import { plain } from '../lib/printable.ts';
import { shortId } from '../lib/short-id.ts';
import { apiClient } from './client.ts';
import type { ServerFlags } from './client.ts';
import { meantAlert, mostOthers } from '../report/meant-alert.ts';
import type { ListedAlert } from '../report/meant-alert.ts';
import { whyLines } from '../report/why-text.ts';
import { inWordsOf } from './called-as.ts';
import { readObject } from './find-alert.ts';
import { outputFormat, printObject, tell } from './output.ts';
import type { Terminal } from './output.ts';
import { alerts } from './nouns/alerts.ts';
import { whyOf } from '../report/why.ts';
import type { AlertDetail } from '../report/why.ts';

interface WhyFlags extends ServerFlags {
  readonly output: string;
  readonly namespace?: string;
}

/**
 * `fist why [ALERT|ID|run/ID|KIND/NAME -n NAMESPACE]`: why it fires. Of several open alerts, and without a word, the most
 * severe, of these the one that changed last.
 */
export async function why(terminal: Terminal, flags: WhyFlags, word?: string): Promise<number> {
  const format = outputFormat(flags.output, ['text', 'json', 'yaml']);
  const client = apiClient(flags, terminal);
  const { id, others, note } = await meantAlert(client, word, flags.namespace);
  const alert = (await readObject(client, { noun: alerts, key: id }, flags.namespace)) as AlertDetail;
  const answer = whyOf(alert);
  if (note !== undefined) tell(terminal, note);
  if (format !== 'text') {
    await printObject(terminal, format, answer);
    return 0;
  }
  const view = { ...terminal, nowMs: Date.now(), inWords: (text: string) => inWordsOf(terminal.called, text) };
  terminal.out(`${whyLines(answer, alert, view).join('\n')}\n`);
  const more = others.filter((other) => other.id !== alert.id).slice(0, mostOthers);
  if (more.length > 0) tell(terminal, `also open: ${more.map(nameOf).join(', ')}`);
  tell(terminal, `next: ${answer.next}`);
  return 0;
}

function nameOf({ id, name, object }: ListedAlert): string {
  return `alert/${shortId(id)} ${plain(name)}${object === null ? '' : ` ${plain(object)}`}`;
}
