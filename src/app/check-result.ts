/** What was looked at: `ok`, `failed`, or `skipped` where nothing was named that could be. */
export interface CheckResult {
  readonly about: 'cluster' | 'installation' | 'alertmanager' | 'machine';
  readonly result: 'ok' | 'failed' | 'skipped';
  /** One line for people. */
  readonly text: string;
  /** What to do, where something failed or was skipped. */
  readonly next?: string;
}

/** Results of one part of a check. */
export interface ResultsAbout {
  readonly ok: (text: string) => CheckResult;
  readonly failed: (text: string, next: string) => CheckResult;
  readonly skipped: (text: string, next: string) => CheckResult;
}

/** How a part of a check says what it came to. */
export function resultsAbout(about: CheckResult['about']): ResultsAbout {
  return {
    ok: (text) => ({ about, result: 'ok', text }),
    failed: (text, next) => ({ about, result: 'failed', text, next }),
    skipped: (text, next) => ({ about, result: 'skipped', text, next }),
  };
}
