import type { Command } from 'commander';
import type { Terminal } from './output.ts';

/** What a command's module exports: does the work and returns the exit code. */
export type Action<Flags> = (terminal: Terminal, flags: Flags, ...operands: string[]) => Promise<number>;

/** Ties a command to its module: `load` imports it when the command is run. */
export type Tie = <Flags>(command: Command, load: () => Promise<Action<Flags>>) => void;
