import { AppError } from '../../core/errors.ts';

/** A place in a template's source; both count from 1, columns in characters (UTF-16 units). */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Whether a template was wrong as written, or failed on this data. */
export type TemplateStage = 'parse' | 'execute';

/** TemplateInvalid with its place: `template goal, line 3, column 14: function "foo" is not defined`. */
export class TemplateError extends AppError {
  override readonly name = 'TemplateError';
  readonly line: number;
  readonly column: number;
  readonly stage: TemplateStage;
  /** The message without the place. */
  override readonly reason: string;

  constructor(templateName: string, position: Position, stage: TemplateStage, reason: string, cause?: unknown) {
    const title = templateName === '' ? 'template' : `template ${templateName}`;
    super('TemplateInvalid', `${title}, line ${position.line}, column ${position.column}: ${reason}`, { cause });
    this.line = position.line;
    this.column = position.column;
    this.stage = stage;
    this.reason = reason;
  }
}

/** What a template function throws; the executor adds the place. */
export class FunctionError extends Error {
  override readonly name = 'FunctionError';
}

/** Line and column of an offset in the source. */
export function positionAt(source: string, offset: number): Position {
  let line = 1;
  let lineStart = 0;
  for (let next = source.indexOf('\n'); next !== -1 && next < offset; next = source.indexOf('\n', lineStart)) {
    line += 1;
    lineStart = next + 1;
  }
  return { line, column: offset - lineStart + 1 };
}
