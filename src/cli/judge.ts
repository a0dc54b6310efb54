import { timeText } from '../core/time.ts';
import { plain } from '../lib/printable.ts';
import { shortId } from '../lib/short-id.ts';
import { apiClient } from './client.ts';
import type { ServerFlags } from './client.ts';
import { objectOf } from './nouns/index.ts';
import { objectText, outputFormat, tell } from './output.ts';
import type { Terminal } from './output.ts';

interface JudgeFlags extends ServerFlags {
  readonly cause?: string;
  readonly note?: string;
  readonly by?: string;
  readonly withdraw?: boolean;
  readonly output: string;
}

/** `fist confirm run/ID`: the cause in its report was right; with `--withdraw`, what was said before is taken back. */
export function confirm(terminal: Terminal, flags: JudgeFlags, object = ''): Promise<number> {
  return judge(terminal, flags, object, flags.withdraw === true ? 'withdrawn' : 'confirmed');
}

/** `fist refute run/ID`: it was wrong. */
export function refute(terminal: Terminal, flags: JudgeFlags, object = ''): Promise<number> {
  return judge(terminal, flags, object, 'refuted');
}

async function judge(
  terminal: Terminal,
  { cause, note, by = terminal.env['USER'] ?? '', output, ...flags }: JudgeFlags,
  object: string,
  verdict: 'confirmed' | 'refuted' | 'withdrawn',
): Promise<number> {
  const format = outputFormat(output, ['text', 'json', 'yaml']);
  const { key } = objectOf(object, ['run']);
  const body = {
    verdict,
    ...(cause === undefined ? {} : { cause }),
    ...(note === undefined ? {} : { note }),
    ...(by === '' ? {} : { by }),
  };
  const client = apiClient(flags, terminal);
  const said = await client.call('POST /api/v1/runs/:id/verdicts', { params: { id: key }, body });
  if (format !== 'text') {
    terminal.out(await objectText(format, said));
    return 0;
  }
  const name = `run/${shortId(said.runId)}`;
  const { cause: judged } = said.judged;
  const what = judged === null ? 'no cause in its report' : `${judged.category} of ${judged.object}`;
  terminal.out(`${name}: ${plain(what)}, ${verdictText(said)}\n`);
  tell(terminal, `next: fist describe ${name}`);
  return 0;
}

interface Said {
  readonly verdict: string;
  readonly cause: string | null;
  readonly note: string | null;
  readonly by: string | null;
  readonly at: string;
}

/** `refuted by ada at 2026-03-01 12:00:00; it was: the certificate had expired; only on worker-2`. */
export function verdictText({ verdict, cause, note, by, at }: Said): string {
  const who = by === null ? '' : ` by ${plain(by)}`;
  const rest = [...(cause === null ? [] : [`it was: ${plain(cause)}`]), ...(note === null ? [] : [plain(note)])];
  return [`${verdict}${who} at ${timeText(at)}`, ...rest].join('; ');
}
