import { styleText } from 'node:util';
import type { DemoEvent } from '../app/demo.ts';
import { readVersion } from '../app/version.ts';
import { createLog } from '../lib/log.ts';
import { answerIsNo } from './failure.ts';
import { plain } from './output.ts';
import type { Terminal } from './output.ts';

interface DemoFlags {
  readonly ci?: boolean;
  readonly story?: string;
  readonly keep?: boolean;
}

/** `fist demo`: plays recorded incidents through the real server; exit 1 where one does not come out as expected. */
export async function demo(terminal: Terminal, flags: DemoFlags): Promise<number> {
  const startedAt = performance.now();
  const elapsed = () => `${((performance.now() - startedAt) / 1000).toFixed(1).padStart(5)}s`;
  if (flags.ci !== true) {
    terminal.out(
      `fist ${readVersion()} demo   no cluster, no key, nothing leaves this machine   Ctrl-C stops and forgets everything\n`,
    );
    terminal.out(`${strong(terminal, 'SAMPLE DATA')}   recorded incidents, replayed through the real server\n`);
  }
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
  const { playDemo } = await import('../app/demo.ts');
  try {
    const asExpected = await playDemo({
      story: flags.story ?? null,
      log: await createLog({ level: 'error' }),
      signal: interrupted.signal,
      tell: (event) =>
        terminal.out(
          flags.ci === true
            ? `${JSON.stringify({ sample: true, ...event })}\n`
            : tellPerson(terminal, elapsed(), event),
        ),
      ...(flags.keep === true
        ? {
            beforeEnd: async (app) => {
              terminal.err(
                `serving at ${app.url} until Ctrl-C\n  next: fist get runs --server ${app.url} --token ${app.token}\n`,
              );
              await new Promise<void>((resolve) => interrupted.signal.addEventListener('abort', () => resolve()));
            },
          }
        : {}),
    });
    if (flags.ci !== true && asExpected) terminal.out(next(terminal));
    return asExpected ? 0 : answerIsNo;
  } catch (thrown) {
    if (interrupted.signal.aborted) return 130;
    throw thrown;
  }
}

function next(terminal: Terminal): string {
  return `\n${strong(terminal, 'Now with your own')}
  one alert         bin/fist.js investigate --alert FILE --context NAME
  your Alertmanager bin/fist.js serve --resources examples/connect --secrets-dir secrets --context NAME   (README.md)\n`;
}

type Tellers = {
  readonly [Kind in DemoEvent['event']]: (
    terminal: Terminal,
    event: Extract<DemoEvent, { event: Kind }>,
  ) => readonly string[];
};

const tellers: Tellers = {
  'story-started': (terminal, { title, story }) => ['', `${strong(terminal, title)}   SAMPLE   examples/${story}`],
  'notification-sent': (_terminal, { kind, answer }) => [
    `webhook   ${kind.padEnd(9)} ${count(answer.received, 'alert')} received: ${answer.opened} opened, ${answer.repeated} repeated, ${answer.resolved} resolved -> ${count(answer.runs, 'run')}`,
  ],
  alert: (_terminal, { name, object, status, receiveCount }) => [
    `alert     ${plain(name)} ${plain(object)}   ${status}, received ${receiveCount} times`,
  ],
  step: (_terminal, { name, type, status, durationMs }) => [
    `step      ${name} (${type}) ${status} in ${durationMs} ms`,
  ],
  investigated: (terminal, { result }) => [
    `${strong(terminal, 'cause')}     ${plain(result.root_cause ?? 'inconclusive')}   confidence ${Math.round(result.confidence * 100)}%, no model`,
    ...result.findings.map(
      (finding) =>
        `finding   ${finding.severity} ${finding.category} ${finding.object}: ${plain(finding.description)}   [${finding.evidence_ids.join(' ')}]`,
    ),
    ...result.evidence.map((evidence) => `evidence  ${evidence.id} ${plain(evidence.command)}`),
    ...instructions(result.evidence.map((evidence) => `${evidence.id}\n${evidence.excerpt}`)),
  ],
  deliveries: (_terminal, { sent, total, bytes }) => [
    `sinks     ${sent} of ${total} deliveries sent, ${bytes} bytes on stdout (kept quiet here)`,
  ],
  checked: (_terminal, { problems }) =>
    problems.length === 0
      ? ['expected  every expected finding came out']
      : problems.map((problem) => `WRONG     ${plain(problem)}`),
};

/** Lines of evidence that speak to an investigator: shown, marked, never followed. */
function instructions(excerpts: readonly string[]): readonly string[] {
  return excerpts.flatMap((excerpt) => {
    const [id = '', ...lines] = excerpt.split('\n');
    const line = lines.find((text) => /ignore (all )?previous instructions/i.test(text));
    return line === undefined
      ? []
      : [
          `untrusted ${id} holds text that gives orders; shown as text, never followed: "${plain(line.trim()).slice(0, 160)}"`,
        ];
  });
}

function tellPerson(terminal: Terminal, elapsed: string, event: DemoEvent): string {
  const tell = tellers[event.event] as (terminal: Terminal, event: DemoEvent) => readonly string[];
  return tell(terminal, event)
    .map((line) => (line === '' ? '\n' : `${elapsed}  ${line}\n`))
    .join('');
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function strong(terminal: Terminal, text: string): string {
  return terminal.colour ? styleText('bold', text) : text;
}
