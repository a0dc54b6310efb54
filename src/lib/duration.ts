import { AppError } from '../core/errors.ts';

const pattern = /^(?:([0-9]+)y)?(?:([0-9]+)w)?(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?(?:([0-9]+)ms)?$/;

const second = 1000;
const day = 24 * 3600 * second;
const unitsMs = [365 * day, 7 * day, day, 3600 * second, 60 * second, second, 1];

/** What fits in Go's time.Duration (an int64 of nanoseconds), about 292 years. */
const maximumMs = 9_223_372_036_854;

/**
 * A duration as Prometheus and Alertmanager write it (`90s`, `1h30m`, `2w`, `0`), in milliseconds. Whole numbers, units
 * `y w d h m s ms` in falling order, each at most once (prometheus/common model.ParseDuration).
 * Throws InvalidInput.
 */
export function parseDuration(text: string): number {
  if (text === '0') return 0;
  const match = text === '' ? null : pattern.exec(text);
  if (match === null) {
    throw new AppError(
      'InvalidInput',
      `${JSON.stringify(text)} is not a duration. Write for example 30s, 5m, 1h30m or 2d.`,
    );
  }
  let total = 0;
  unitsMs.forEach((unitMs, index) => {
    total += Number(match[index + 1] ?? 0) * unitMs;
  });
  if (total > maximumMs) throw new AppError('InvalidInput', `The duration ${text} is too long; the longest is 292y.`);
  return total;
}

const formatUnits = ['y', 'w', 'd', 'h', 'm', 's', 'ms'];

/** Milliseconds as Prometheus writes a duration: `1h30m`, `90d`, `0s`. Years and weeks only where they leave no rest. */
export function formatDuration(durationMs: number): string {
  let restMs = Math.abs(Math.trunc(durationMs));
  if (restMs === 0) return '0s';
  let text = durationMs < 0 ? '-' : '';
  unitsMs.forEach((unitMs, index) => {
    const unit = formatUnits[index] ?? '';
    if ((unit === 'y' || unit === 'w') && restMs % unitMs !== 0) return;
    const count = Math.floor(restMs / unitMs);
    if (count > 0) text += `${count}${unit}`;
    restMs -= count * unitMs;
  });
  return text;
}
