// Starts the emulator of the official `workos` package, as its own command does, and adds one
// route: `POST /_store/{collection}` inserts a record into the emulator's store. Directories,
// their users and groups, API keys and feature flags can be listed through its API, but neither
// its seed file nor its API can create them.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [modules, seedFile] = process.argv.slice(2);
const root = resolve(modules, 'workos');
const load = (path) => import(pathToFileURL(path).href);

const { createServer } = await load(join(root, 'dist/emulate/core/index.js'));
const { workosPlugin, seedFromConfig, getWorkOSStore } = await load(join(root, 'dist/emulate/workos/index.js'));
const { serve } = await load(createRequire(join(root, 'package.json')).resolve('@hono/node-server'));

const seed = JSON.parse(readFileSync(seedFile, 'utf8'));
const baseUrl = 'http://localhost';
const { app, store } = createServer(workosPlugin, { baseUrl, apiKeys: seed.apiKeys });

app.post('/_store/:collection', async (c) => {
  const collection = getWorkOSStore(store)[c.req.param('collection')];
  return c.json(collection.insert(await c.req.json()), 201);
});

seedFromConfig(store, baseUrl, seed);

// Port 0 lets the system choose: no other process can take the port in between.
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }) => {
  console.log(JSON.stringify({ url: `http://127.0.0.1:${port}` }));
});

// However the test ends, its end of the pipe closes.
process.stdin.resume().on('end', () => process.exit(0));
