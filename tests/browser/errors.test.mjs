// What cannot be read is kept, marked and explained; the last result stays and says that it is old.
import assert from 'node:assert/strict';
import { eventually, phone, visit } from './page.mjs';

const start = 2_061_989_888;

// What is typed where, and words of the message.
const bad = [
  ['params', 'lots', /“lots” is not a number\. Try 7B, 1\.5e9 or 25,000,000\./],
  ['params', '', /Needs a value/],
  ['params', '1.5', /1\.5/],
  ['params', '1e400', /“1e400”/],
  ['batch', '0', /Batch size must be 1 to 1,000,000,000, got 0\./],
  ['batch', '-4', /negative/],
  ['sequence-length', '12x', /not a number/],
  ['layers', '1,2', /“1,2”/],
  ['hidden-size', 'wide', /not a number/],
  ['activation-multiple', '4 or so', /not a number/],
  ['workspace', '96', /Workspace must be 0 to 95, got 96\./],
  ['fragmentation', '-1', /negative/],
  ['context', '1e9', /Context must be 0 to 1,000,000/],
];
for (const [name, text, message] of bad) {
  visit(`“${text}” as ${name} is kept, marked and explained`, async page => {
    const input = page.input(name);
    const before = await page.text('total');
    const good = await input.inputValue();
    await input.fill(text);
    await eventually(() => input.getAttribute('aria-invalid'), 'true');
    assert.equal(await input.inputValue(), text);
    const error = page.get(`error-${name}`);
    assert.equal(await error.isVisible(), true);
    assert.match(await error.innerText(), message);
    const described = await input.evaluate((element, id) => {
      const ids = element.getAttribute('aria-describedby').split(' ');
      return ids.map(id => document.getElementById(id)).some(element => element?.dataset.testid === id);
    }, `error-${name}`);
    assert.ok(described, 'aria-describedby names the message');

    assert.equal(await page.text('total'), before);
    assert.equal(await page.get('stale').isVisible(), true);

    await input.blur();
    assert.equal(await input.inputValue(), text, 'nothing is clamped when the input is left');
    assert.equal(await error.isVisible(), true);

    await input.fill(good);
    await page.get('stale').waitFor({ state: 'hidden' });
    assert.equal(await input.getAttribute('aria-invalid'), null);
    assert.equal(await error.isVisible(), false);
    await page.totals(start);
  });
}

visit('a custom device without a unit or with a strange one is explained', async page => {
  await page.pick('device', 'custom');
  for (const text of ['48 bananas', 'GB', '', '0 GB']) {
    await page.type('device-memory', text);
    await eventually(() => page.get('error-device-memory').isVisible(), true, text);
    assert.equal(await page.input('device-memory').inputValue(), text);
  }
  await page.type('device-memory', '20000000000000 B');
  await eventually(() => page.get('error-device-memory').isVisible(), false, '20 TB, in bytes');
});

visit('a product beyond 64 bits names the input to change', async page => {
  await page.type('batch', '1e9');
  await page.type('sequence-length', '1e9');
  await page.get('stale').waitFor();
  const messages = await page.page.locator('[data-testid^="error-"]:visible').allInnerTexts();
  assert.equal(messages.length, 1);
  assert.match(messages[0], /is too large: the bytes of the activations pass 64 bits/);
});

visit('several bad inputs are each explained', async page => {
  await page.fill({ params: 'lots', batch: '0', workspace: '99' });
  for (const name of ['params', 'batch', 'workspace']) {
    await eventually(() => page.get(`error-${name}`).isVisible(), true, name);
  }
  await page.type('params', '110M');
  await eventually(() => page.get('error-params').isVisible(), false);
  assert.equal(await page.get('stale').isVisible(), true, 'two are still bad');
  await page.fill({ batch: '32', workspace: '0' });
  await page.get('stale').waitFor({ state: 'hidden' });
});

visit('a bad input that no longer applies does not hold the result back', async page => {
  await page.type('layers', 'a dozen');
  await page.get('stale').waitFor();
  await page.choose('activation-mode', 'units');
  await page.get('stale').waitFor({ state: 'hidden' });
  await page.totals(2_063_104_000);
});

visit('the old result looks old', async page => {
  // That it stays legible is for axe to say.
  const look = id => page.get(id).evaluate(element => {
    const inner = element.querySelector('td, .figure') ?? element;
    let opacity = 1;
    for (let at = inner; at; at = at.parentElement) opacity *= Number(getComputedStyle(at).opacity);
    return `${getComputedStyle(inner).color} ${opacity}`;
  });
  const ids = ['total', 'row-parameters'];
  const before = await Promise.all(ids.map(look));
  await page.type('params', 'lots');
  await page.get('stale').waitFor();
  for (const [index, id] of ids.entries()) assert.notEqual(await look(id), before[index], id);
  await page.type('params', '110M');
  await page.get('stale').waitFor({ state: 'hidden' });
  assert.deepEqual(await Promise.all(ids.map(look)), before);
});

for (const viewport of [undefined, phone]) {
  visit(`no input moves when a message appears${viewport ? ' on a phone' : ''}`, viewport ? { viewport } : {}, async page => {
    const places = () => page.page.locator('[data-testid^="input-"]:visible').evaluateAll(elements =>
      elements.map(element => {
        const { left, top, width, height } = element.getBoundingClientRect();
        return [element.dataset.testid, left, top + scrollY, width, height];
      }));
    await page.input('params').focus();
    const before = await places();
    for (const name of ['params', 'batch', 'workspace']) {
      await page.page.evaluate(name => {
        const input = document.querySelector(`[data-testid="input-${name}"]`);
        input.value = 'x';
        input.dispatchEvent(new Event('input', { bubbles: true }));
      }, name);
      await page.get(`error-${name}`).waitFor();
      assert.deepEqual(await places(), before, name);
    }
  });
}

visit('a message stays within the window', { viewport: phone }, async page => {
  await page.type('params', 'a text that goes on for longer than anyone would type into an input for a number');
  const { x, width } = await page.get('error-params').boundingBox();
  assert.ok(x >= 0 && x + width <= phone.width);
  assert.equal(await page.page.evaluate(() => document.documentElement.scrollWidth), phone.width);
});

visit('copying while an input is bad copies the last good scenario', { permissions: ['clipboard-read', 'clipboard-write'] }, async page => {
  await page.type('params', 'lots');
  await page.get('stale').waitFor();
  await page.get('copy-json').click();
  await eventually(() => page.text('status'), 'Copied the results as JSON of the last good result: an input cannot be read.');
  const copied = JSON.parse(await page.page.evaluate(() => navigator.clipboard.readText()));
  assert.equal(copied.scenario.parameters, 110_000_000);
  assert.equal(copied.estimate.total, start);
});
