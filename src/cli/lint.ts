import { lintPath } from '../resources/lint.ts';
import type { Problem } from '../resources/problem.ts';
import type { TriedEvent } from '../resources/try-event.ts';
import { answerIsNo } from './failure.ts';
import { plain } from '../lib/printable.ts';
import { outputFormat, tell } from './output.ts';
import type { Terminal } from './output.ts';

/**
 * `fist lint PATH...`: problems with file, line and column; exit 1 where there is an error. With `--event FILE` also what the
 * webhook Sources make of that body; exit 1 where none takes it, or an alert of it cannot be used.
 */
export async function lint(
  terminal: Terminal,
  flags: { output: string; event?: string },
  ...paths: string[]
): Promise<number> {
  const format = outputFormat(flags.output, ['text', 'json']);
  const problems = (await Promise.all(paths.map((path) => lintPath(path)))).flat();
  const events = flags.event === undefined ? null : await tried(flags.event, paths);
  const errors = problems.filter((problem) => problem.severity === 'error').length;
  if (format === 'json') {
    terminal.out(`${JSON.stringify(events === null ? { problems } : { problems, events }, null, 2)}\n`);
  } else {
    for (const problem of problems) terminal.out(problemLines(problem));
    for (const event of events ?? []) terminal.out(eventLines(event));
    if (events?.length === 0) terminal.out('no webhook Source here takes bodies\n');
    tell(
      terminal,
      `${errors} error${errors === 1 ? '' : 's'}, ${problems.length - errors} warning${problems.length - errors === 1 ? '' : 's'}`,
    );
  }
  return errors > 0 || (events !== null && !isTaken(events)) ? answerIsNo : 0;
}

async function tried(file: string, paths: readonly string[]): Promise<readonly TriedEvent[]> {
  const { tryEvent } = await import('../resources/try-event.ts');
  const { readInput } = await import('./input.ts');
  const body = Buffer.from(readInput(file));
  const receivedAt = new Date().toISOString();
  return (await Promise.all(paths.map((path) => tryEvent(path, body, receivedAt)))).flat();
}

function isTaken(events: readonly TriedEvent[]): boolean {
  const taken = events.filter(({ refused }) => refused === null);
  return taken.length > 0 && taken.every(({ problems }) => problems.length === 0);
}

/** How lint shows a problem. */
export function problemLines({ file, line, column, severity, message, next }: Problem): string {
  const first = `${file}:${line}:${column}: ${severity}: ${plain(message)}\n`;
  return next === undefined ? first : `${first}  next: ${plain(next)}\n`;
}

function eventLines({ source, refused, alerts, problems }: TriedEvent): string {
  if (refused !== null) return `${source} refuses it: ${plain(refused)}\n`;
  const title = `${source} takes it: ${alerts.length} alert${alerts.length === 1 ? '' : 's'}\n`;
  const lines = alerts.flatMap(({ alert, filtered }) => {
    const labels = Object.entries(alert.labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
    const times = [
      alert.startsAt === null ? 'since now' : `since ${alert.startsAt}`,
      ...(alert.endsAt === null ? [] : [`until ${alert.endsAt}`]),
    ];
    return [
      `  ${alert.status} ${alert.severity} ${alert.name} ${times.join(' ')}, fingerprint ${alert.fingerprint.slice(0, 8)}`,
      `    {${labels.join(', ')}}`,
      ...(alert.summary === null ? [] : [`    ${alert.summary}`]),
      ...(filtered === null ? [] : [`    filters keep it out: ${filtered}`]),
    ];
  });
  return title + lines.map((line) => `${plain(line)}\n`).join('') + problems.map(problemLines).join('');
}
