// The file that only described models need: asked for by who wants it, once, and missed without harm.
import assert from 'node:assert/strict';
import { eventually, site, visit } from './page.mjs';

const later = /_described\.wasm$/;
const choose = (page, key) => page.get('model-kind').locator(`input[value="${key}"]`).click();
const chosen = page => page.get('model-kind').locator('input:checked').getAttribute('value');

/** The requests for the file. */
function counted(page) {
  const requests = [];
  page.context.on('request', request => { if (later.test(request.url())) requests.push(request.url()); });
  return requests;
}

visit('by size nothing more is loaded; a described model loads its part once', { query: false }, async page => {
  const requests = counted(page);
  await page.open();
  await page.type('batch', '8');
  await page.addressed('?v=1&batch=8');
  assert.deepEqual(requests, []);
  for (const key of ['name', 'size', 'hand']) {
    await choose(page, key);
    await eventually(() => chosen(page), key);
  }
  await page.input('model-type').waitFor();
  assert.equal(await page.input('batch').inputValue(), '8');
  assert.equal(requests.length, 1);
  assert.equal(await page.text('status'), '');
});

visit('a link to a described model asks for both parts at once', { query: false }, async page => {
  const order = [];
  page.context.on('request', request => order.push(new URL(request.url()).pathname.match(/(_bg|_described)?\.\w+$/)?.[0]));
  await page.open('?model=gpt2');
  assert.ok(order.indexOf('_described.wasm') < order.indexOf('.js'), order.join(' '));
  assert.equal(order.filter(name => name === '_described.wasm').length, 1);
});

visit('while the part is under way the page goes on by size', async page => {
  let release;
  const held = new Promise(done => { release = done; });
  await page.context.route(later, async route => { await held; await route.continue(); });
  await choose(page, 'name');
  await eventually(() => page.text('status'), 'Loading the described models…');
  await page.type('batch', '4');
  await page.addressed('?v=1&batch=4');
  release();
  await page.addressed('?v=1&model=bert-base&batch=4');
  assert.equal(await page.text('status'), '');
  assert.equal(await page.input('batch').inputValue(), '4');
});

visit('a part that does not arrive is missed without harm and asked for again', { allowed: [/./] }, async page => {
  await page.type('params', '7B');
  await page.addressed('?v=1&params=7B');
  await page.context.route(later, route => route.abort());
  await choose(page, 'config');
  await eventually(() => page.text('status').then(text => text.startsWith('What describes models could not be loaded.')), true);
  assert.equal(await chosen(page), 'size');
  assert.equal(await page.input('params').inputValue(), '7B');
  await page.context.unroute(later);
  await choose(page, 'config');
  await page.get('model-config').waitFor();
  assert.equal(await chosen(page), 'config');
});

visit('a link whose part does not arrive says so and keeps its address', { query: false, allowed: [/./] }, async page => {
  await page.context.route(later, route => route.abort());
  await page.open('?model=gpt2&batch=4');
  const said = 'What describes models could not be loaded. Check the connection, then choose again or reload the page.';
  assert.equal(await page.text('notice'), said);
  assert.equal(await page.input('batch').inputValue(), '4');
  assert.equal(page.query(), '?model=gpt2&batch=4');
  await page.context.unroute(later);
  await page.page.reload();
  await page.ready();
  assert.equal(await page.get('model-search').inputValue(), 'GPT-2');
});

visit('going back to a described model loads its part', { query: false }, async page => {
  await page.page.goto(`${site.url}?model=gpt2`);
  await page.ready();
  await page.page.goto(`${site.url}?params=7B`);
  await page.ready();
  const requests = counted(page);
  await page.page.evaluate(() => history.pushState(null, '', '?model=gpt2&batch=2'));
  await page.page.evaluate(() => history.pushState(null, '', '?params=8B'));
  await page.page.goBack();
  await eventually(() => page.get('model-search').inputValue(), 'GPT-2');
  assert.equal(await page.input('batch').inputValue(), '2');
  assert.equal(requests.length, 1);
});
