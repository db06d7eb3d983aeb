// The guide: there before and without the calculator, and its worked examples agree with it.
import assert from 'node:assert/strict';
import { examples } from './cases.mjs';
import { eventually, phone, plain, site, visit } from './page.mjs';

for (const viewport of [undefined, phone]) {
  visit(`without JavaScript the guide can be read${viewport ? ' on a phone' : ''}`, { javaScriptEnabled: false, query: false, ...(viewport && { viewport }) }, async page => {
    await page.page.goto(site.url);
    assert.equal(await page.page.locator('noscript p').isVisible(), true);
    assert.equal(plain(await page.page.locator('#app').innerText()), '', 'nothing is promised that will not come');
    for (const title of ['What fills the memory', 'Formulas and variables', 'Units: GB and GiB', 'Worked examples', 'How to use the calculator',
      'How to read the answer', 'What drives memory, and what it costs', 'Ways to need less', 'Hardware and storage',
      'Where the sources are wrong', 'Questions', 'Measure it yourself', 'Glossary']) {
      assert.equal(await page.page.locator('#guide').getByRole('heading', { name: title, exact: true }).isVisible(), true, title);
    }
    const guide = page.page.locator('#guide');
    assert.ok((await guide.innerText()).length > 10_000);
    const top = (await guide.boundingBox()).y;
    assert.ok(top < 700, `the guide begins ${Math.round(top)} px down`);
    await page.page.getByText('What is gradient accumulation?').click();
    assert.equal(await page.page.getByText('Several small batches, one update.').isVisible(), true);
  });
}

visit('the guide is painted before the calculator has arrived', { query: false }, async page => {
  let release;
  const held = new Promise(done => { release = done; });
  await page.context.route(/\.wasm$/, async route => { await held; await route.continue(); });
  await page.page.goto(site.url, { waitUntil: 'commit' });
  await page.page.locator('#guide h2').first().waitFor();
  assert.match(plain(await page.page.locator('#app').innerText()), /starts as soon as it has arrived/);
  assert.doesNotMatch(plain(await page.page.locator('#app').innerText()), /could not start/);
  release();
  await page.ready();
  assert.doesNotMatch(plain(await page.page.locator('#app').innerText()), /starts as soon as it has arrived/);
});

for (const [what, pattern] of [['WebAssembly', /\.wasm$/], ['script', /\.js$/]]) {
  visit(`a calculator whose ${what} does not arrive says so`, { query: false, allowed: [/./] }, async page => {
    await page.context.route(pattern, route => route.abort());
    await page.page.goto(site.url);
    await page.page.getByText('The calculator could not start').waitFor();
    assert.equal(await page.page.locator('#guide').isVisible(), true);
  });
}

visit('every entry of the contents leads to its section, in its order', async page => {
  const entries = await page.page.locator('#guide nav a').evaluateAll(links => links.map(link => [link.hash.slice(1), link.textContent]));
  const sections = await page.page.locator('#guide > section').evaluateAll(elements => elements.map(element => [element.id, element.querySelector('h2').textContent]));
  assert.deepEqual(entries, sections);
  for (const [id] of entries.slice(0, 4)) {
    await page.page.locator(`#guide nav a[href="#${id}"]`).click();
    await eventually(() => page.page.locator(`#${id} h2`).evaluate(element => {
      const { top, bottom } = element.getBoundingClientRect();
      const at = document.elementFromPoint(element.getBoundingClientRect().left + 4, (top + bottom) / 2);
      return top >= 0 && bottom <= innerHeight && element.contains(at);
    }), true, `the heading of ${id} is in sight`);
  }
});

visit('every link within the page has a target', async page => {
  const dead = () => page.page.locator('a[href^="#"]').evaluateAll(links =>
    links.filter(link => link.checkVisibility()).map(link => link.hash.slice(1)).filter(id => !document.getElementById(id)));
  assert.deepEqual(await dead(), []);
  await page.input('params').fill('70B');
  assert.deepEqual(await dead(), []);
  const ids = await page.page.locator('[id]').evaluateAll(elements => elements.map(element => element.id));
  assert.deepEqual(ids.filter((id, index) => ids.indexOf(id) !== index), [], 'ids are unique');
});

visit('links to other sites open without a way back to the page', async page => {
  const links = await page.page.locator('a[href^="http"]').evaluateAll(elements =>
    elements.map(element => [element.getAttribute('href'), element.rel]));
  for (const [address, rel] of links) {
    if (!address.startsWith(site.origin)) assert.ok(address.startsWith('https://') && rel.split(' ').includes('noopener'), address);
  }
});

visit('every worked example of the guide opens in the calculator', async page => {
  const links = page.page.locator('#guide a[href^="?"]');
  const hrefs = await links.evaluateAll(elements => elements.map(element => element.getAttribute('href')));
  for (const { slug, query } of examples) assert.ok(hrefs.includes(query), `${slug} has no link in the guide`);
  for (const [index, href] of hrefs.entries()) {
    await links.nth(index).click();
    await eventually(() => page.query(), href);
    assert.equal(await page.get('notice').isVisible(), false, href);
    assert.equal(await page.get('stale').isVisible(), false, href);
    const known = examples.find(example => example.query === href);
    if (known) await page.totals(known.total, href);
  }
});

// Figures that the guide states for its other links.
const stated = [
  ['?v=1&units_per_token=154000&activation_precision=fp32', 'total', '3.99 GiB'],
  ['?v=1&units_per_token=37000&workspace=10&fragmentation=15&context=500', 'row-total', '2,741.70 MiB'],
  ['?v=1&params=30.2B&precision=fp16&sequence_length=2048&layers=96&hidden_size=5120&activation_multiple=1&optimizer=sgd&gradient_precision=fp16', 'row-activations', '60.00 GiB'],
];
for (const [query, id, figure] of stated) {
  visit(`${figure} is what the guide says and the calculator shows`, { query }, async page => {
    assert.equal(await page.page.locator(`#guide a[href="${query}"]`).count(), 1);
    assert.equal(id === 'total' ? await page.text('total') : (await page.row(id))[1], figure);
    assert.ok(plain(await page.page.locator('#examples, #read').evaluateAll(sections => sections.map(section => section.textContent).join(' '))).includes(figure.replace('.00 ', ' ')));
  });
}

visit('headings go down one level at a time', async page => {
  const levels = await page.page.locator('h1, h2, h3, h4, h5, h6').evaluateAll(elements =>
    elements.filter(element => element.getClientRects().length > 0).map(element => Number(element.localName[1])));
  assert.equal(levels[0], 1);
  assert.equal(levels.filter(level => level === 1).length, 1);
  levels.reduce((before, level) => {
    assert.ok(level <= before + 1, `h${level} after h${before}`);
    return level;
  });
});

visit('tables of the guide have captions and headers', async page => {
  const bare = await page.page.locator('#guide table').evaluateAll(tables => tables
    .filter(table => !table.caption || table.querySelectorAll('th[scope="col"]').length === 0 || table.querySelectorAll('th[scope="row"]').length === 0)
    .map(table => table.caption?.textContent ?? table.textContent.slice(0, 40)));
  assert.deepEqual(bare, []);
});

visit('the page names itself for search and for links', async page => {
  assert.equal(await page.page.title(), 'Neural network memory calculator');
  assert.equal(await page.page.locator('html').getAttribute('lang'), 'en');
  const description = await page.page.locator('meta[name="description"]').getAttribute('content');
  assert.ok(description.length > 80 && description.length < 200, `${description.length} letters`);
});
