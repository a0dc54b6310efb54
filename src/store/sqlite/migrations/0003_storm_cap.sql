-- Version 3: the storm cap holds for all replicas together, and an alert says why it has no run. Only adds.

-- Why a policy keeps the episode of an alert from its run: Suspended, Cooldown, FlapCap, StormGuard.
ALTER TABLE alerts ADD COLUMN muted_reason TEXT;

-- Runs that a Source began in one minute (minutes since the epoch), and the most that it may begin; 0 = any number.
ALTER TABLE resource_activity ADD COLUMN run_minute INTEGER;
ALTER TABLE resource_activity ADD COLUMN minute_runs INTEGER;
ALTER TABLE resource_activity ADD COLUMN run_cap INTEGER;
