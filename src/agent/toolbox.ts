import type { ToolCall } from './conversation.ts';
import type { ToolDeclaration } from './models/model.ts';
import type { ExecutedCall } from './tools/define.ts';

/** The tools of one investigation behind the one policy. */
export interface Toolbox {
  /** What can be offered, at most 15. */
  readonly declarations: readonly ToolDeclaration[];
  /** Whether tools of other programs are among them. */
  readonly hasNamedTools: boolean;
  /** What cannot, and why, for the conversation's beginning: `loki_query: no Loki is configured`. */
  readonly missing: readonly string[];
  /** Never throws but the signal's reason: what is wrong is the answer. */
  execute(call: ToolCall): Promise<ExecutedCall>;
}
