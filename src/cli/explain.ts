import { explainField, findField } from '../resources/explain.ts';
import { outputFormat } from './output.ts';
import type { Terminal } from './output.ts';

/** `fist explain FIELD`, from the schemas of this program. */
export async function explain(terminal: Terminal, flags: { output: string }, field = ''): Promise<number> {
  const format = outputFormat(flags.output, ['text', 'json']);
  terminal.out(
    format === 'json' ? `${JSON.stringify(findField(field), null, 2)}\n` : explainField(field, terminal.columns ?? 100),
  );
  return 0;
}
