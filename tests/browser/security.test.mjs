// What the page may load and run, and what it sends: its own files, and nothing.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, host, visit } from './page.mjs';
import { dist } from './server.mjs';

const html = readFileSync(join(dist, 'index.html'), 'utf8');
const policy = html.match(/<meta http-equiv="Content-Security-Policy" content="([^"]*)"/)?.[1] ?? '';
const directives = Object.fromEntries(policy.split(';').map(part => part.trim().split(/\s+/)).map(([name, ...sources]) => [name, sources]));

const injected = /Content Security Policy|violates the following/;

visit('the policy forbids everything that it does not name', async page => {
  assert.equal(await page.page.locator('head > meta').first().getAttribute('http-equiv'), 'Content-Security-Policy', 'before anything that could load');
  assert.deepEqual(directives['default-src'], ["'none'"]);
  assert.ok(directives['script-src'].includes("'wasm-unsafe-eval'"));
  assert.doesNotMatch(policy, /unsafe-inline|'unsafe-eval'|unsafe-hashes|strict-dynamic|nonce-|\*|https?:/);
  assert.deepEqual(directives['connect-src'], ["'self'"]);
  assert.deepEqual(directives['base-uri'], ["'none'"]);
  assert.deepEqual(directives['form-action'], ["'none'"]);
});

visit('every inline script and style is in the policy by its hash, and no hash is idle', async () => {
  const inline = tag => [...html.matchAll(new RegExp(`<${tag}(?![^>]*\\ssrc=)[^>]*>([\\s\\S]*?)</${tag}>`, 'g'))].map(([, body]) => body);
  for (const [tag, directive] of [['script', 'script-src'], ['style', 'style-src']]) {
    const hashes = inline(tag).map(body => `'sha256-${createHash('sha256').update(body).digest('base64')}'`);
    assert.deepEqual([...new Set(hashes)].sort(), directives[directive].filter(source => source.startsWith("'sha256-")).sort(), tag);
  }
});

visit('no element carries a style or a handler of its own', async page => {
  const carriers = await page.page.evaluate(() => [...document.querySelectorAll('*')].flatMap(element =>
    [...element.attributes].filter(({ name }) => name === 'style' || name.startsWith('on')).map(({ name }) => `${element.localName} ${name}`)));
  assert.deepEqual(carriers, []);
});

visit('a script that is injected does not run', { allowed: [injected] }, async page => {
  await page.page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'window.injected = "inline"';
    document.body.append(script);
    const handler = document.createElement('div');
    handler.innerHTML = '<img src="data:," onerror="window.injected = \'handler\'"><svg onload="window.injected = \'svg\'"></svg>';
    document.body.append(handler);
    const link = document.createElement('a');
    link.href = 'javascript:window.injected="address"';
    document.body.append(link);
    link.click();
  });
  await page.page.waitForTimeout(200);
  assert.equal(await page.page.evaluate(() => window.injected), undefined);
});

visit('what is not the page’s own cannot be loaded or sent', { allowed: [injected, /Failed to fetch/, /^request to /] }, async page => {
  const other = await host({ '/': 'tests' });
  const refused = await page.page.evaluate(async elsewhere => {
    const outcomes = [];
    const attempt = async (what, act) => outcomes.push([what, await act().then(() => 'done', () => 'refused')]);
    await attempt('fetch', () => fetch(elsewhere));
    await attempt('beacon', async () => { if (!navigator.sendBeacon(elsewhere, 'x')) throw new Error('refused'); });
    // Later, for what is run here at once has the rights of a developer.
    await attempt('eval', () => new Promise((done, failed) => {
      setTimeout(() => {
        try { done((0, eval)('1')); } catch (refusal) { failed(refusal); }
      });
    }));
    await attempt('script', () => new Promise((done, failed) => {
      const script = document.createElement('script');
      script.src = `${elsewhere}x.js`;
      script.onload = done;
      script.onerror = failed;
      document.head.append(script);
    }));
    await attempt('image', () => new Promise((done, failed) => {
      const image = new Image();
      image.onload = done;
      image.onerror = failed;
      image.src = `${elsewhere}x.png`;
    }));
    return Object.fromEntries(outcomes);
  }, other.url);
  delete refused.beacon; // Chromium says yes and sends nothing.
  assert.deepEqual(refused, { fetch: 'refused', eval: 'refused', script: 'refused', image: 'refused' });
  assert.deepEqual(other.seen, []);
});

visit('scripts and WebAssembly are held to their hashes', async () => {
  const sha256 = name => `sha256-${createHash('sha256').update(readFileSync(join(dist, name))).digest('base64')}`;
  const tags = html.match(/<(?:link|script)\b[^>]*(?:href|src)="[^"]*\.(?:js|css)"[^>]*>/g) ?? [];
  for (const tag of tags) {
    const name = tag.match(/(?:href|src)="\.\/([^"]*)"/)?.[1];
    assert.ok(name, `${tag} names a file beside the page`);
    assert.equal(tag.match(/integrity="([^"]*)"/)?.[1], sha256(name), name);
  }
  const wasm = readdirSync(dist).filter(name => name.endsWith('.wasm'));
  assert.equal(wasm.length, 3);
  for (const name of wasm) assert.ok(html.includes(sha256(name)), `${name} is fetched with its hash`);
  const scripts = readdirSync(dist).filter(name => name.endsWith('.js'));
  for (const name of scripts) assert.ok(html.includes(sha256(name)), `${name} is loaded with its hash`);
});

visit('every address of a file is relative', async () => {
  const addresses = [...html.matchAll(/\b(?:href|src)="([^"]*)"/g)].map(([, address]) => address);
  const absolute = addresses.filter(address => /^(?:\/|[a-z]+:)/.test(address) && !/^(?:https:\/\/|data:)/.test(address));
  assert.deepEqual(absolute, []);
  for (const [, address] of html.matchAll(/<(?:link|script|img)\b[^>]*(?:href|src)="([^"]*)"/g)) {
    assert.match(address, /^(?:\.\/|data:)/);
  }
  for (const [, address] of html.matchAll(/\b(?:fetch|import)\("([^"]*)"/g)) assert.match(address, /^\.\//);
});

visit('using everything sends nothing', { permissions: ['clipboard-read', 'clipboard-write'] }, async page => {
  await page.page.waitForLoadState('networkidle');
  const requests = [];
  page.context.on('request', request => {
    // The browser itself asks for the icon of each entry in the history.
    if (!/^blob:|\/icon-[^/]*\.svg$/.test(request.url())) requests.push(request.url());
  });
  await page.fill({ params: '7B', precision: 'bf16', batch: '8', task: 'inference' });
  await page.get('example-resnet-50').click();
  for (const id of ['copy-text', 'copy-json', 'copy-embed', 'toggle-units', 'toggle-theme', 'reset', 'undo']) await page.get(id).click();
  const downloading = page.page.waitForEvent('download');
  await page.get('download-sweep').click();
  await downloading;
  await page.page.goBack();
  await page.page.waitForTimeout(400);
  assert.deepEqual(requests, []);
});

visit('only a theme is remembered, and nothing until one is picked', async page => {
  const kept = () => page.page.evaluate(async () => ({
    local: Object.keys(localStorage),
    session: Object.keys(sessionStorage),
    databases: (await indexedDB.databases()).length,
    caches: (await caches.keys()).length,
    workers: (await navigator.serviceWorker.getRegistrations()).length,
  }));
  const nothing = { local: [], session: [], databases: 0, caches: 0, workers: 0 };
  await page.type('params', '7B');
  assert.deepEqual(await kept(), nothing);
  await page.get('toggle-theme').click();
  await eventually(kept, { ...nothing, local: ['nn-memory:theme'] });
});

visit('the page asks for no permission', { query: false }, async page => {
  await page.page.addInitScript(() => {
    window.asked = [];
    const { query } = Permissions.prototype;
    Permissions.prototype.query = function asks(given) { window.asked.push(given.name); return query.call(this, given); };
    window.Notification = class { static requestPermission() { window.asked.push('notifications'); } };
  });
  await page.open();
  assert.deepEqual(await page.page.evaluate(() => window.asked), []);
});
