// For `node --import`: writes the URLs of all modules that were loaded to the file LOADED when the process ends.
import { writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

const loaded = new Set();
registerHooks({
  load(url, context, next) {
    loaded.add(url);
    return next(url, context);
  },
});
process.on('exit', () => writeFileSync(process.env.LOADED, JSON.stringify([...loaded])));
