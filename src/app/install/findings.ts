import type { Finding } from '../preflight.ts';

const about = 'installation';

export const ok = (text: string): Finding => ({ about, result: 'ok', text });
export const failed = (text: string, next: string): Finding => ({ about, result: 'failed', text, next });
export const skipped = (text: string, next: string): Finding => ({ about, result: 'skipped', text, next });
