import { explainField, findField } from '../resources/explain.ts';
import { outputFormat } from './output.ts';
import type { ExplainAlertFlags } from './explain-alert.ts';
import type { Terminal } from './output.ts';

/** `fist explain FIELD`, from the schemas of this program; `fist explain alert -f FILE`. */
export async function explain(terminal: Terminal, flags: ExplainAlertFlags, field = ''): Promise<number> {
  if (field === 'alert') return (await import('./explain-alert.ts')).explainAlert(terminal, flags);
  const format = outputFormat(flags.output, ['text', 'json']);
  terminal.out(
    format === 'json' ? `${JSON.stringify(findField(field), null, 2)}\n` : explainField(field, terminal.columns ?? 100),
  );
  return 0;
}
