import { lintPath } from '../resources/lint.ts';
import { answerIsNo } from './failure.ts';
import { plain } from '../lib/printable.ts';
import { outputFormat, tell } from './output.ts';
import type { Terminal } from './output.ts';

/** `fist lint PATH...`: problems with file, line and column; exit 1 where there is an error. */
export async function lint(terminal: Terminal, flags: { output: string }, ...paths: string[]): Promise<number> {
  const format = outputFormat(flags.output, ['text', 'json']);
  const problems = (await Promise.all(paths.map((path) => lintPath(path)))).flat();
  const errors = problems.filter((problem) => problem.severity === 'error').length;
  if (format === 'json') {
    terminal.out(`${JSON.stringify({ problems }, null, 2)}\n`);
  } else {
    for (const { file, line, column, severity, message, next } of problems) {
      terminal.out(`${file}:${line}:${column}: ${severity}: ${plain(message)}\n`);
      if (next !== undefined) terminal.out(`  next: ${plain(next)}\n`);
    }
    tell(
      terminal,
      `${errors} error${errors === 1 ? '' : 's'}, ${problems.length - errors} warning${problems.length - errors === 1 ? '' : 's'}`,
    );
  }
  return errors > 0 ? answerIsNo : 0;
}
