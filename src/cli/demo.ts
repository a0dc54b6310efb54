import { styleText } from 'node:util';
import type { DemoEvent } from '../app/demo.ts';
import type { AgentResult } from '../core/finding.ts';
import { readVersion } from '../lib/version.ts';
import { createLog } from '../lib/log.ts';
import { answerIsNo } from './failure.ts';
import { plain } from '../lib/printable.ts';
import { wrap } from './output.ts';
import type { Terminal } from './output.ts';
import { exitCodeOf, onStopSignals } from './signals.ts';

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
  onStopSignals(
    () => interrupted.abort(),
    (signal) => process.exit(exitCodeOf[signal]),
  );
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
    `webhook   ${kind}: ${count(answer.received, 'alert')}, ${answer.opened} opened, ${answer.repeated} repeated, ${answer.resolved} resolved -> ${count(answer.runs, 'run')}`,
  ],
  alert: (_terminal, { name, object, status, receiveCount }) => [
    `alert     ${plain(name)} ${plain(object)}: ${status}, received ${count(receiveCount, 'time')}`,
  ],
  step: (_terminal, { name, type, status, durationMs }) => [
    `step      ${name} (${type}) ${status} in ${durationMs} ms`,
  ],
  investigated: (terminal, { result }) => [
    `cause     ${strong(terminal, plain(result.root_cause ?? 'inconclusive'))}`,
    `          confidence ${Math.round(result.confidence * 100)}%, no model was used`,
    ...result.findings.map(
      (finding) =>
        `finding   ${finding.severity} ${finding.category} [${finding.evidence_ids.join(' ')}] ${plain(finding.description)}`,
    ),
    ...result.evidence.map((evidence) => `evidence  ${evidence.id} ${plain(evidence.command)}`),
    ...result.recommendations
      .slice(0, 1)
      .map(
        (advice) =>
          `advice    ${plain(advice.action)} (${advice.requires_approval ? 'changes the cluster; not done' : 'reads only'})`,
      ),
    ...orders(result.evidence),
  ],
  'same-result': (_terminal, { run }) => [`run       ${run}: the same cause, found for the other alert`],
  deliveries: (_terminal, { sent, total, bytes }) => [
    `sinks     ${sent} of ${total} deliveries sent, ${bytes} bytes on stdout (not shown here)`,
  ],
  checked: (_terminal, { problems }) =>
    problems.length === 0
      ? ['expected  every expected finding came out']
      : problems.map((problem) => `WRONG     ${plain(problem)}`),
};

/** Lines of evidence that give orders to an investigator: shown as text, marked, never followed. */
function orders(evidence: AgentResult['evidence']): readonly string[] {
  return evidence.flatMap(({ id, excerpt }) => {
    const line = excerpt.split('\n').find((text) => /ignore (all )?previous instructions/i.test(text));
    return line === undefined
      ? []
      : [
          `untrusted ${id} holds text that gives orders. It is shown as text and never followed: "${plain(line.trim()).slice(0, 160)}..."`,
        ];
  });
}

function tellPerson(terminal: Terminal, elapsed: string, event: DemoEvent): string {
  const tell = tellers[event.event] as (terminal: Terminal, event: DemoEvent) => readonly string[];
  return tell(terminal, event)
    .map((line) =>
      line === '' ? '\n' : `${elapsed}  ${wrap(line, 100).join(`\n${' '.repeat(elapsed.length + 12)}`)}\n`,
    )
    .join('');
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function strong(terminal: Terminal, text: string): string {
  return terminal.colour ? styleText('bold', text) : text;
}
