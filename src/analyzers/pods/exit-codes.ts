/** What an exit code means by convention: the shell's 126 and 127, 128 and the number of a signal. */
interface ExitMeaning {
  /** A part of a sentence: `the command was not found`. */
  readonly text: string;
  /** The code alone is a reason: nothing else ends so. */
  readonly tells: boolean;
}

const meanings: Readonly<Record<number, ExitMeaning>> = {
  126: { text: 'the command cannot be executed', tells: true },
  127: { text: 'the command was not found', tells: true },
  129: { text: 'hung up, SIGHUP', tells: false },
  130: { text: 'interrupted, SIGINT', tells: false },
  131: { text: 'asked to dump core, SIGQUIT', tells: false },
  132: { text: 'an instruction that the processor does not know, SIGILL', tells: true },
  133: { text: 'a trap of a debugger or of the runtime, SIGTRAP', tells: false },
  134: { text: 'aborted, SIGABRT', tells: true },
  135: { text: 'an access to memory that is not there, SIGBUS', tells: true },
  136: { text: 'an arithmetic error, SIGFPE', tells: true },
  137: { text: 'killed, SIGKILL, not reported as out of memory', tells: false },
  139: { text: 'segmentation fault, SIGSEGV', tells: true },
  141: { text: 'wrote to a closed pipe, SIGPIPE', tells: false },
  143: { text: 'asked to stop, SIGTERM', tells: false },
  159: { text: 'a system call that is not allowed, SIGSYS (seccomp)', tells: true },
};

const none: ExitMeaning = { text: '', tells: false };

export function exitMeaning(code: number | null): ExitMeaning {
  return meanings[code ?? 0] ?? none;
}
