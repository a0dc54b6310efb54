import { explainField } from '../resources/explain.ts';
import type { Terminal } from './output.ts';

/** `fist explain FIELD`, from the schemas of this program. */
export async function explain(terminal: Terminal, _flags: object, field = ''): Promise<number> {
  terminal.out(explainField(field));
  return 0;
}
