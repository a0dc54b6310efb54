import type { State } from './state.ts';
import type { Uses } from './uses.ts';

/** Receives what is wrong with a command. */
export interface Report {
  /** Where the scanner stands: an offset in the template, or the number of a part. */
  readonly place: number;
  /** Of the whole command, in all branches. */
  readonly uses: Uses;
  /** A position that is not allowed whatever the value is, at `place` or where it says. */
  refuse(reason: string, place?: number): void;
  /** A value that is not allowed there. */
  refuseValue(reason: string, place: number): void;
}

/** Gives up: shells disagree about what follows, or this scanner does not know it. */
export function lose(state: State, reason: string, report: Report): void {
  if (state.isLost) return;
  state.isLost = true;
  report.refuse(`a command with template values may not have ${reason}`);
}
