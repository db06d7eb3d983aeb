// The canvases: drawn, crisp, redrawn when they must be, and said in words.
import assert from 'node:assert/strict';
import { eventually, phone, visit } from './page.mjs';

const charts = ['chart-breakdown', 'chart-sweep'];

/** Size, number of colours and a hash of what a canvas holds. */
const picture = locator => locator.evaluate(canvas => {
  const { width, height } = canvas;
  // A copy: the page's own canvas is not made for being read.
  const copy = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  const data = new Uint32Array(copy.getImageData(0, 0, width, height).data.buffer);
  let hash = 0;
  const colours = new Map();
  for (const pixel of data) {
    hash = (Math.imul(hash, 31) + pixel) | 0;
    colours.set(pixel, (colours.get(pixel) ?? 0) + 1);
  }
  const common = [...colours].filter(([, count]) => count > 200).map(([pixel]) => pixel);
  return { width, height, client: [canvas.clientWidth, canvas.clientHeight], colours: colours.size, common, hash };
});

const drawn = async (page, id) => {
  await eventually(async () => (await picture(page.get(id))).colours > 8, true, `${id} is drawn`);
  return picture(page.get(id));
};

/** Does something and waits until each chart has changed. */
async function redraws(page, what, act) {
  const before = await Promise.all(charts.map(async id => (await drawn(page, id)).hash));
  await act();
  for (const [index, id] of charts.entries()) {
    await eventually(async () => (await picture(page.get(id))).hash !== before[index], true, `${id} after ${what}`);
    await drawn(page, id);
  }
}

for (const deviceScaleFactor of [1, 1.5, 2, 3]) {
  visit(`charts have a pixel for each of the screen’s at a ratio of ${deviceScaleFactor}`, { deviceScaleFactor }, async page => {
    for (const id of charts) {
      const { width, height, client } = await drawn(page, id);
      assert.deepEqual([width, height], client.map(length => Math.round(length * deviceScaleFactor)), id);
    }
  });
}

visit('charts are redrawn when the window changes its width', async page => {
  await redraws(page, 'a change of width', () => page.page.setViewportSize({ width: 1120, height: 900 }));
  for (const id of charts) {
    await eventually(async () => {
      const { width, client } = await picture(page.get(id));
      return width === client[0];
    }, true);
  }
  await page.page.setViewportSize(phone);
  for (const id of charts) {
    await eventually(async () => {
      const { width, client } = await picture(page.get(id));
      return client[0] <= phone.width && width === client[0];
    }, true);
  }
});

visit('charts are redrawn when the ratio of pixels changes', async page => {
  const devtools = await page.context.newCDPSession(page.page);
  await drawn(page, 'chart-sweep');
  // From one screen to another, or by zoom; Chromium tells the page only together with a change of size.
  for (const [index, ratio] of [2, 1, 1.25, 1.5, 1.75, 3].entries()) {
    const metrics = { width: 1280, height: 500 + index, deviceScaleFactor: ratio, mobile: false };
    await devtools.send('Emulation.setDeviceMetricsOverride', metrics);
    for (const id of charts) {
      await eventually(async () => {
        const { width, client } = await picture(page.get(id));
        return width === Math.round(client[0] * ratio);
      }, true, `${id} at ${ratio}`);
    }
  }
});

visit('charts are redrawn when the theme changes', { colorScheme: 'light' }, async page => {
  await redraws(page, 'the button', async () => {
    await page.get('toggle-theme').click();
    await page.get('toggle-theme').click();
  });
});

visit('charts are redrawn when the system turns dark', { colorScheme: 'light' }, async page => {
  await redraws(page, 'the system', () => page.page.emulateMedia({ colorScheme: 'dark' }));
});

visit('charts are redrawn when an input changes', async page => {
  await redraws(page, 'an input', () => page.type('params', '500M'));
});

// A callback for each frame would stay on the heap until JavaScript collects it, and the memory would grow.
const tall = { width: 1280, height: 2600 };
visit('each chart asks for all its frames with one callback', { query: '?model=gpt2', viewport: tall }, async page => {
  const all = [...charts, 'chart-timeline'];
  for (const id of all) await drawn(page, id);
  const asked = await page.page.evaluate(async field => {
    const callbacks = new Map();
    const original = window.requestAnimationFrame;
    const frame = () => new Promise(done => original.call(window, () => setTimeout(done)));
    window.requestAnimationFrame = callback => {
      callbacks.set(callback, (callbacks.get(callback) ?? 0) + 1);
      return original.call(window, callback);
    };
    const input = document.querySelector(field);
    for (let edit = 0; edit < 8; edit++) {
      input.value = String(40 + edit);
      input.dispatchEvent(new Event('input', { bubbles: true }));
      await frame();
    }
    window.requestAnimationFrame = original;
    return [...callbacks.values()];
  }, '[data-testid=input-batch]');
  assert.deepEqual(asked, all.map(() => 8));
});

/** In the page: how often each canvas is drawn and named during `count` keystrokes, a frame after each. */
async function drawnWhileTyping([field, count]) {
  const [draws, names] = [{}, {}];
  const named = new MutationObserver(changes => {
    for (const { target } of changes) names[target.dataset.testid] = (names[target.dataset.testid] ?? 0) + 1;
  });
  named.observe(document.body, { subtree: true, attributeFilter: ['aria-label'] });
  const original = CanvasRenderingContext2D.prototype.clearRect;
  CanvasRenderingContext2D.prototype.clearRect = function (...given) {
    const id = this.canvas.dataset.testid;
    draws[id] = (draws[id] ?? 0) + 1;
    return original.apply(this, given);
  };
  const input = document.querySelector(field);
  for (let edit = 0; edit < count; edit++) {
    input.value = String(40 + edit);
    input.dispatchEvent(new Event('input', { bubbles: true }));
    await new Promise(done => requestAnimationFrame(() => setTimeout(done)));
  }
  CanvasRenderingContext2D.prototype.clearRect = original;
  named.disconnect();
  return { draws, names };
}

visit('a chart far out of sight waits until typing pauses', { viewport: phone }, async page => {
  const before = await Promise.all(charts.map(async id => (await drawn(page, id)).hash));
  await page.get('input-batch').scrollIntoViewIfNeeded();
  // The browser tells what is in sight after a frame.
  await page.page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));
  const { draws, names } = await page.page.evaluate(drawnWhileTyping, ['[data-testid=input-batch]', 30]);
  for (const [index, id] of charts.entries()) {
    assert.ok((draws[id] ?? 0) < 15, `${id}: drawn ${draws[id]} times`);
    assert.ok((names[id] ?? 0) < 15, `${id}: named ${names[id]} times`);
    await eventually(async () => (await picture(page.get(id))).hash !== before[index], true, id);
  }
  assert.match(await page.get('chart-sweep').getAttribute('aria-label'), /batch 69: /);
});

visit('a chart in sight is drawn and named at each keystroke', {}, async page => {
  for (const id of charts) await drawn(page, id);
  await page.get('chart-breakdown').scrollIntoViewIfNeeded();
  await page.page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));
  const { draws, names } = await page.page.evaluate(drawnWhileTyping, ['[data-testid=input-batch]', 30]);
  for (const [what, counted] of Object.entries({ draws, names })) {
    assert.ok(counted['chart-breakdown'] >= 29, `${what}: ${counted['chart-breakdown']}`);
  }
});

visit('a chart that comes into sight shows what stands in the inputs', { viewport: phone }, async page => {
  const sweep = page.get('chart-sweep');
  await drawn(page, 'chart-sweep');
  const shown = await page.page.evaluate(async field => {
    const input = document.querySelector(field);
    const frame = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
    const canvas = document.querySelector('[data-testid=chart-sweep]');
    const draws = [];
    const original = CanvasRenderingContext2D.prototype.fillText;
    CanvasRenderingContext2D.prototype.fillText = function (...given) {
      if (this.canvas === canvas) draws.push(given[0]);
      return original.apply(this, given);
    };
    // Keystrokes go on: no pause brings the chart up to date.
    for (let edit = 0; edit < 20; edit++) {
      if (edit === 10) canvas.scrollIntoView();
      input.value = String(1000 + edit);
      input.dispatchEvent(new Event('input', { bubbles: true }));
      draws.length = 0;
      await frame();
    }
    CanvasRenderingContext2D.prototype.fillText = original;
    return draws.length;
  }, '[data-testid=input-batch]');
  assert.ok(shown > 0, 'drawn in the frame of the last keystroke');
  assert.ok(await sweep.isVisible());
});

visit('charts are redrawn when the units change', async page => {
  await redraws(page, 'the units', () => page.get('toggle-units').click());
});

visit('charts keep the last picture while an input cannot be read', async page => {
  const before = await drawn(page, 'chart-sweep');
  await page.type('params', 'lots');
  await page.get('stale').waitFor();
  await page.page.waitForTimeout(100);
  assert.equal((await picture(page.get('chart-sweep'))).hash, before.hash);
});

for (const query of ['', '?embed=1', '?params=175B&bytes=decimal&device=custom&device_memory=2TB']) {
  visit(`every canvas is labelled with its figures${query && ` for ${query}`}`, { query }, async page => {
    const canvases = await page.page.locator('canvas').evaluateAll(elements => elements.map(element => ({
      id: element.dataset.testid,
      role: element.getAttribute('role'),
      name: element.getAttribute('aria-label'),
      described: document.getElementById(element.getAttribute('aria-describedby'))?.dataset.testid,
    })));
    assert.deepEqual(canvases.map(canvas => canvas.id), charts);
    const total = await page.text('total');
    for (const { role, name, described, id } of canvases) {
      assert.equal(role, 'img', id);
      assert.ok(name.includes(total), `${total} in ${name}`);
      assert.equal(described, 'table', id);
    }
    const [breakdown, sweep] = canvases.map(canvas => canvas.name);
    for (const part of ['parameters', 'optimizer state', 'gradients', 'activations']) {
      assert.match(breakdown, new RegExp(`${part} [\\d.,]+ \\w+ \\([\\d.]+ %\\)`));
    }
    assert.match(sweep, /batch 1: .*; batch 32: .*; batch 1,024: /);
  });
}

visit('the name of a chart follows the inputs', async page => {
  await page.type('params', '7B');
  for (const id of charts) {
    await eventually(async () => (await page.get(id).getAttribute('aria-label')).includes('104.59 GiB'), true, id);
  }
});

visit('parts have the same colour in chart, table and style', { query: '?precision=fp16&master_weights=yes&workspace=10&context=500' }, async page => {
  const { common } = await drawn(page, 'chart-breakdown');
  const inChart = common.map(pixel => [pixel & 255, (pixel >> 8) & 255, (pixel >> 16) & 255].join());
  for (const part of ['parameters', 'optimizer-state', 'gradients', 'master-weights', 'activations', 'context', 'workspace']) {
    const inTable = await page.get(`row-${part}`).evaluate(row => [...row.querySelectorAll('[aria-hidden="true"]')]
      .map(element => getComputedStyle(element).backgroundColor.match(/\d+/g).slice(0, 3).join())[0]);
    assert.ok(inChart.includes(inTable), `${part}: ${inTable} is not among ${inChart.join(' ')}`);
  }
});

visit('pointing at a chart reads it out', async page => {
  const canvas = page.get('chart-breakdown');
  await canvas.scrollIntoViewIfNeeded();
  const { x, y, width, height } = await canvas.boundingBox();
  await page.page.mouse.move(x + 4, y + height / 3);
  await eventually(() => page.text('read-out-breakdown'), 'parameters: 419.62 MiB, 21.3 %');
  const sweep = page.get('chart-sweep');
  await sweep.scrollIntoViewIfNeeded();
  const box = await sweep.boundingBox();
  await page.page.mouse.move(box.x + box.width - 14, box.y + box.height / 2);
  await eventually(async () => (await page.text('read-out-sweep')).startsWith('batch 1,024: 10.64 GiB'), true);
  await page.page.mouse.move(1, 1);
  await eventually(async () => (await page.text('read-out-sweep')).startsWith('batch'), false);
  assert.ok(width > 0);
});

visit('a batch that is no power of two has its place in the sweep', { query: '?batch=48' }, async page => {
  assert.match(await page.get('chart-sweep').getAttribute('aria-label'), /batch 48: /);
  const canvas = page.get('chart-sweep');
  await canvas.focus();
  const read = new Set();
  for (let press = 0; press < 14; press += 1) {
    await canvas.press('ArrowRight');
    read.add((await page.text('read-out-sweep')).split(':')[0]);
  }
  assert.deepEqual([...read], [1, 2, 4, 8, 16, 32, 48, 64, 128, 256, 512, '1,024'].map(batch => `batch ${batch}`));
});

visit('charts are drawn at the limits', { query: false }, async page => {
  const limits = [
    '?params=1&batch=1&sequence_length=1&units_per_token=0&optimizer=sgd',
    '?params=1&task=inference&precision=int4&units_per_token=0&batch=7',
    '?params=1000T',
    '?batch=1e9&sequence_length=1&units_per_token=1',
  ];
  for (const query of limits) {
    await page.open(query);
    for (const id of charts) await drawn(page, id);
  }
});

visit('text is measured without adding to the page', async page => {
  await drawn(page, 'chart-sweep');
  await page.page.evaluate(() => {
    window.added = 0;
    new MutationObserver(records => { window.added += records.flatMap(record => [...record.addedNodes]).filter(node => node.nodeType === 1).length; })
      .observe(document.body, { childList: true });
  });
  await redraws(page, 'an input', () => page.type('params', '300M'));
  assert.equal(await page.page.evaluate(() => window.added), 0);
});
