// Ways to give the model: by size, by name, by hand, by a pasted config.json; and what each of them shows.
import assert from 'node:assert/strict';
import { eventually, phone, touch, visit } from './page.mjs';

const kind = (page, key) => page.get('model-kind').locator(`input[value="${key}"]`).check();
const expanded = page => page.get('model-search').getAttribute('aria-expanded');

/** Names of the options in the list. */
const options = page => page.page.locator('#model-list [role="option"] > span:first-child').allTextContents();

/** The option that the search field names as active. */
const active = page => page.get('model-search').evaluate(input => {
  const id = input.getAttribute('aria-activedescendant');
  return id && document.getElementById(id)?.firstElementChild.textContent;
});

visit('a model is found by typing and chosen by Enter', async page => {
  await kind(page, 'name');
  const search = page.get('model-search');
  assert.equal(await search.getAttribute('role'), 'combobox');
  await search.fill('Llama-2-');
  assert.equal(await expanded(page), 'true');
  await eventually(() => options(page), ['Llama 2 7B', 'Llama 2 13B', 'Llama 2 70B']);
  assert.equal(await active(page), 'Llama 2 7B');
  await search.press('ArrowDown');
  await eventually(() => active(page), 'Llama 2 13B');
  await search.press('End');
  await eventually(() => active(page), 'Llama 2 70B');
  await search.press('Home');
  await search.press('ArrowUp');
  await eventually(() => active(page), 'Llama 2 70B');
  await search.press('Enter');
  await eventually(() => search.inputValue(), 'Llama 2 70B');
  assert.equal(await expanded(page), 'false');
  assert.equal(await page.text('model-facts'), 'Llama, 68,976,648,192 parameters.');
  await page.addressed('?v=1&model=llama-2-70b');
});

visit('Escape and leaving the field close the list and keep the model', { query: '?model=gpt2' }, async page => {
  const search = page.get('model-search');
  await search.focus();
  await search.press('ArrowDown');
  await eventually(() => active(page), 'GPT-2');
  await search.press('ArrowDown');
  await search.press('Escape');
  assert.equal(await expanded(page), 'false');
  assert.equal(await search.inputValue(), 'GPT-2');
  await search.fill('no such model');
  await eventually(() => options(page), []);
  await page.page.getByText('No model of the list.').waitFor();
  await page.input('batch').focus();
  await eventually(() => search.inputValue(), 'GPT-2');
  assert.equal(page.query(), '?model=gpt2');
});

visit('a model is chosen by a touch', { ...touch, query: '?model=gpt2' }, async page => {
  await page.get('model-search').tap();
  await page.get('model-option-bert-base').tap();
  await eventually(() => page.get('model-search').inputValue(), 'BERT base');
  assert.equal(await page.page.evaluate(() => document.documentElement.scrollWidth), phone.width);
});

visit('a model by name goes on by hand, as a config and by its size', { query: '?model=gpt2&batch=2' }, async page => {
  const total = await page.bytes();
  await kind(page, 'hand');
  assert.equal(await page.input('model-type').inputValue(), 'gpt2');
  assert.equal(await page.input('n-layer').inputValue(), '12');
  await page.totals(total);
  await page.addressed('?v=1&model_type=gpt2&batch=2');
  await kind(page, 'config');
  assert.match(await page.get('model-config').inputValue(), /"model_type": "gpt2"/);
  await page.totals(total);
  await kind(page, 'size');
  assert.equal(await page.input('params').inputValue(), '124439808');
  assert.equal(await page.input('layers').inputValue(), '12');
  assert.equal(await page.input('batch').inputValue(), '2');
  assert.equal(await page.get('chart-timeline').count(), 0);
});

visit('fields of a family are given by hand, and another family keeps what it shares', async page => {
  await kind(page, 'hand');
  await page.pick('model-type', 'llama');
  await page.type('num-hidden-layers', '4');
  await page.input('tie-word-embeddings').check();
  await page.pick('hidden-act', 'gelu');
  await page.addressed('?v=1&model_type=llama&num_hidden_layers=4&hidden_act=gelu&tie_word_embeddings=true');
  await page.pick('model-type', 'mistral');
  await eventually(() => page.input('num-hidden-layers').inputValue(), '4');
});

visit('fields that contradict one another are named and the last result stays', { query: '?model_type=llama' }, async page => {
  const total = await page.bytes();
  await page.type('hidden-size', '4100');
  const input = page.input('hidden-size');
  await eventually(() => input.getAttribute('aria-invalid'), 'true');
  assert.equal(await page.text('error-hidden-size'), 'hidden_size must be divisible by num_attention_heads (32), got 4100.');
  const described = (await input.getAttribute('aria-describedby')).split(' ');
  assert.ok(described.includes('error-hidden-size'));
  await page.get('stale').waitFor();
  assert.equal(await page.bytes(), total);
  await page.type('hidden-size', '4096');
  await page.totals(total);
});

visit('a pasted config.json becomes the model', async page => {
  await kind(page, 'config');
  await page.get('model-config').fill('{"model_type": "llama", "hidden_size": 2048, "torch_dtype": "bfloat16", "rope_scaling": {"factor": 8}}');
  await page.addressed('?v=1&model_type=llama&hidden_size=2048');
  assert.equal(await page.get('stale').isVisible(), false);
});

visit('what a pasted config.json says beside the network is told', async page => {
  await kind(page, 'config');
  const area = page.get('model-config');
  await area.fill('{"model_type": "gemma3", "text_config": {"model_type": "gemma3_text", "num_hidden_layers": 34}, "torch_dtype": "bfloat16"}');
  await page.addressed('?v=1&model_type=gemma3_text&num_hidden_layers=34');
  const told = await page.text('config-remarks');
  assert.match(told, /^This is the language model of gemma3 alone: /);
  assert.match(told, /Published in bfloat16, which is not taken over/);
  assert.ok((await area.getAttribute('aria-describedby')).split(' ').includes('config-remarks'));
  await area.fill('{"model_type": "gpt2"}');
  await eventually(() => page.text('config-remarks'), '');
});

const deep = `{"model_type":"llama","a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`;
const refused = [
  ['text that is no JSON', 'hello', /^Not a JSON object: /],
  ['a list', '[1]', /^Not a JSON object: /],
  ['nothing', '', /^Not a JSON object: /],
  ['no model_type', '{"hidden_size": 8}', /^model_type is missing/],
  ['a family that is not known', '{"model_type": "alexnet"}', /^model_type "alexnet" is not supported; supported are gpt2, /],
  ['a word for a number', '{"model_type":"llama","hidden_size":"large"}', /^hidden_size must be a whole number from 1 to 10,000,000, got "large"\./],
  ['a number for a flag', '{"model_type":"llama","tie_word_embeddings":3}', /^tie_word_embeddings must be true or false, got 3\./],
  ['a size of zero', '{"model_type":"llama","num_hidden_layers":0}', /^num_hidden_layers must be 1 to 1,000,000, got 0\./],
  ['heads that do not divide', '{"model_type":"llama","num_attention_heads":7}', /^hidden_size must be divisible by num_attention_heads \(7\), got 4096\./],
];
for (const [what, text, message] of refused) {
  visit(`a pasted config of ${what} is kept, marked and explained`, { query: '?model=gpt2' }, async page => {
    const total = await page.bytes();
    await kind(page, 'config');
    const area = page.get('model-config');
    await area.evaluate((element, text) => {
      element.value = text;
      element.dispatchEvent(new Event('input', { bubbles: true }));
    }, text);
    await eventually(async () => message.test(await page.text('error-config')), true, await page.text('error-config'));
    assert.equal(await area.getAttribute('aria-invalid'), 'true');
    assert.ok((await area.getAttribute('aria-describedby')).split(' ').includes('error-config'));
    assert.equal((await area.inputValue()).length, text.length);
    await page.get('stale').waitFor();
    assert.equal(await page.bytes(), total);
    await area.fill('{"model_type":"gpt2"}');
    await page.totals(total);
  });
}

const long = `{\n${'  "abc": 12345,\n'.repeat(625_000)}  "é": 0}\n`; // 10 MB
const ways = {
  async 'from the clipboard'(page, area) {
    await page.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.page.evaluate(text => navigator.clipboard.writeText(text), long);
    await area.focus();
    await page.page.keyboard.press('Control+V');
  },
  'by a script': (page, area) => area.evaluate((element, text) => {
    element.value = text;
    element.dispatchEvent(new Event('input', { bubbles: true }));
  }, long),
  'as a file': page => drop(page, 'tokenizer.json', long),
};
for (const [way, give] of Object.entries(ways)) {
  visit(`a config of 10 MB ${way} is refused, and what stood there is kept`, { query: '?model=gpt2' }, async page => {
    const total = await page.bytes();
    await kind(page, 'config');
    const area = page.get('model-config');
    const before = await area.inputValue();
    await give(page, area);
    await eventually(() => page.text('error-config'),
      '10,000,013 bytes are too many for a config.json; at most 1,048,576 are read. What stood here is kept.');
    assert.equal(await area.inputValue(), before);
    assert.equal(await area.getAttribute('aria-invalid'), 'true');
    assert.equal(await page.bytes(), total);
    assert.equal(await page.get('stale').isVisible(), false);
    await page.type('batch', '64');
    await page.get('error-config').waitFor({ state: 'hidden' });
    assert.ok(await page.bytes() > total);
  });
}

/** Holds a file over the page and lets it go there. */
function drop(page, name, content) {
  return page.page.evaluate(([name, content]) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([content], name));
    const told = kind => {
      const event = new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true });
      document.body.dispatchEvent(event);
      return event.defaultPrevented;
    };
    const over = told('dragover');
    const marked = document.documentElement.hasAttribute('data-drop');
    return { over, marked, dropped: told('drop'), still: document.documentElement.hasAttribute('data-drop') };
  }, [name, content]);
}

visit('a config.json is dropped anywhere, whatever the model was', async page => {
  const told = await drop(page, 'config.json', '{"model_type": "llama", "num_hidden_layers": 16}');
  assert.deepEqual(told, { over: true, marked: true, dropped: true, still: false });
  await page.addressed('?v=1&model_type=llama&num_hidden_layers=16');
  await eventually(() => page.page.evaluate(() => document.activeElement.id), 'model-config');
});

visit('a config.json is chosen by keyboard, the same one again after an edit', async page => {
  await kind(page, 'config');
  const file = { name: 'config.json', mimeType: 'application/json', buffer: Buffer.from('{"model_type": "llama", "num_hidden_layers": 16}') };
  page.page.on('filechooser', chooser => chooser.setFiles(file));
  for (const time of ['first', 'second']) {
    await page.get('model-config').fill('{"model_type": "gpt2"}');
    await page.addressed('?v=1&model_type=gpt2');
    await page.get('choose-file').focus();
    await page.page.keyboard.press('Enter');
    await page.addressed('?v=1&model_type=llama&num_hidden_layers=16');
    await eventually(() => page.page.evaluate(() => document.activeElement.dataset.testid), 'model-config', time);
  }
});

visit('a dropped file that is no config is refused, and what stood there is kept', { query: '?model=gpt2' }, async page => {
  const total = await page.bytes();
  await drop(page, 'photo.png', '\x89PNG\r\n');
  await eventually(async () => /^Not a JSON object: .* What stood here is kept\.$/.test(await page.text('error-config')), true);
  assert.match(await page.get('model-config').inputValue(), /"model_type": "gpt2"/);
  assert.equal(await page.bytes(), total);
  await drop(page, 'config.json', '{"model_type": "bert"}');
  await page.addressed('?v=1&model_type=bert');
  assert.equal(await page.get('error-config').isVisible(), false);
});

visit('a line of 10 MB is cut where no value is as long', async page => {
  const field = page.input('params');
  await field.fill('7'.repeat(10_000_000));
  await eventually(async () => (await page.text('error-params')).length > 0, true);
  assert.equal((await field.inputValue()).length, 1_000);
});

visit('a config nested 10,000 deep is read', async page => {
  await kind(page, 'config');
  await page.get('model-config').fill(deep);
  await page.addressed('?v=1&model_type=llama');
});

visit('a model of a link that cannot be read is named', { query: '?model=no-such' }, async page => {
  assert.match(await page.text('notice'), /^model: “no-such” is not a model of the list\./);
  assert.equal(await page.bytes(), 2_061_989_888);
});

visit('inputs that do not apply are gone', async page => {
  const gone = ['params', 'precision', 'layers', 'hidden-size', 'activation-precision', 'gradient-precision', 'workspace'];
  const come = ['precision-mode', 'optimizer-implementation', 'checkpointing', 'attention', 'accumulation', 'zero-grad', 'clip', 'hold-outputs', 'padding'];
  const shown = names => Promise.all(names.map(name => page.input(name).isVisible()));
  assert.deepEqual(await shown(come), come.map(() => false));
  await kind(page, 'name');
  await page.page.waitForTimeout(50);
  assert.deepEqual(await shown(gone), gone.map(() => false));
  assert.deepEqual(await shown(come), come.map(() => true));
  await page.choose('task', 'lora');
  assert.deepEqual(await shown(['lora-rank', 'lora-alpha', 'lora-dropout', 'lora-targets', 'lora-precision']), [true, true, true, true, true]);
  await page.choose('task', 'inference');
  assert.deepEqual(await shown(['lora-rank', 'checkpointing', 'accumulation', 'optimizer']), [false, false, false, false]);
});

const everything = '?v=1&model_type=llama&task=lora&batch=2&sequence_length=256&precision_mode=autocast_bf16&optimizer=lamb&checkpointing=every&checkpoint_every=4&attention=eager&padding=yes&accumulation=8&zero_grad=zeros&clip=yes&hold_outputs=yes&lora_rank=8&lora_alpha=64&lora_dropout=0.05&lora_targets=q_proj,v_proj&lora_precision=weights&num_hidden_layers=8';
visit('a link holds every setting of a run', { query: everything }, async page => {
  assert.equal(await page.get('notice').isVisible(), false);
  const total = await page.bytes();
  await page.type('batch', '3');
  await page.addressed(everything.replace('batch=2', 'batch=3'));
  await page.page.goBack().catch(() => {});
  assert.ok(total > 0);
});

// The timeline: one read-out, three ways.
const readOut = page => page.text('read-out-timeline');
const figures = /^(forward|backward|optimizer step), .+: [\d.]+ [KMG]iB = .*activations/;

visit('the timeline is named with its figures', { query: '?model=gpt2' }, async page => {
  const canvas = page.get('chart-timeline');
  assert.equal(await canvas.getAttribute('role'), 'img');
  const name = await canvas.getAttribute('aria-label');
  assert.ok(name.includes(await page.text('total')), name);
  assert.match(name, /forward up to [\d.]+ .iB; backward up to [\d.]+ .iB; optimizer step up to [\d.]+ .iB/);
});

visit('pointing at the timeline reads it out', { query: '?model=gpt2' }, async page => {
  const canvas = page.get('chart-timeline');
  await canvas.scrollIntoViewIfNeeded();
  const box = await canvas.boundingBox();
  await page.page.mouse.move(box.x + box.width / 3, box.y + box.height / 2);
  await eventually(async () => figures.test(await readOut(page)), true, await readOut(page));
  await page.page.mouse.move(1, 1);
  await eventually(() => readOut(page), 'Point at the chart or use the arrow keys to read it.');
});

visit('the arrow keys go through the timeline and pass its peak', { query: '?model=gpt2' }, async page => {
  const canvas = page.get('chart-timeline');
  const total = await page.text('total');
  await canvas.focus();
  await canvas.press('Home');
  await eventually(async () => (await readOut(page)).startsWith('forward, '), true);
  const read = [];
  for (let press = 0; press < 70; press += 1) {
    read.push(await readOut(page));
    await canvas.press('ArrowRight');
  }
  assert.ok(read.some(text => text.includes(`: ${total} = `)), 'the peak is among them');
  assert.ok(read.at(-1).startsWith('optimizer step, '));
  await canvas.press('Escape');
  await eventually(() => readOut(page), 'Point at the chart or use the arrow keys to read it.');
});

visit('a touch reads the timeline out', { ...touch, query: '?model=gpt2' }, async page => {
  const canvas = page.get('chart-timeline');
  await canvas.scrollIntoViewIfNeeded();
  const box = await canvas.boundingBox();
  await canvas.tap({ position: { x: box.width / 2, y: box.height / 2 } });
  await eventually(async () => figures.test(await readOut(page)), true, await readOut(page));
});

visit('the table speaks of the peak and lists its tensors', { query: '?model=gpt2&batch=4&sequence_length=512' }, async page => {
  assert.match(await page.text('peak-phase'), /^What stands at the peak, in the \w+( \w+)? phase$/);
  await page.get('show-work-activations').click();
  await eventually(async () => (await page.text('tensors-activations')).startsWith('24 × mlp: mul [4 × 512 × 3072] float32 = 576.00 MiB'), true);
});

visit('a part of a described model shows its tensors, their sum and its phases, and no sum of one', { query: '?model=llama-2-7b&precision_mode=bf16&batch=1&sequence_length=4096' }, async page => {
  await page.get('show-work-parameters').click();
  await eventually(async () => /in all [\d.]+ GiB = [\d,]+ B, each/.test(await page.text('tensors-parameters')), true);
  assert.equal(await page.get('work-parameters').locator('code:visible').count(), 0);
  await page.get('show-work-activations').click();
  const work = await page.text('work-activations');
  assert.match(work, /1 × batch = 64\.00 KiB.*The most of it along the step: forward 23\.\d+ GiB/s);
  await page.get('show-work-kv-cache').click();
  assert.match(await page.text('work-kv-cache'), /Nothing of it stands at the peak\./);
  await page.get('show-work-temporary').click();
  await eventually(async () => (await page.text('tensors-temporary')).includes('sqrt(exp_avg_sq) [6738415616] bfloat16'), true);
});

visit('a full device says what happens', { query: '?model=llama-3.2-1b&task=inference&precision_mode=bf16&batch=16&sequence_length=8192&device=rtx-6000-ada-48gb' }, async page => {
  assert.match(await page.text('fit'), /^✓?\s*Fits /);
  await eventually(async () => (await page.text('reserve')).startsWith('nvidia-smi will show the device full: 48.14 GiB '), true);
  assert.match(await page.text('reserve-room'), /it runs, tightly/);
  assert.match(await page.text('reserve-device'), /^all of /);
});

visit('nothing of CUDA’s tools is said of a device without CUDA', { query: '?model=gpt2&device=apple-128gb' }, async page => {
  assert.match(await page.text('reserve'), /^What Metal's allocator reserves is not followed/);
  assert.equal(await page.get('reserve-reserved').isVisible(), false);
  assert.match(await page.text('notes'), /Metal has other kernels/);
  assert.doesNotMatch(await page.text('notes'), /nvidia-smi/);
});

visit('the accuracy is told for the family', { query: '?model=gpt2' }, async page => {
  assert.match(await page.text('accuracy'), /GPT-2: held against \d+ measured runs?: median error [\d.]+ %, worst [\d.]+ %\./);
  assert.equal(await page.get('accuracy-nearest').locator('li').count(), 3);
  await kind(page, 'size');
  await eventually(async () => (await page.text('accuracy')).includes('not held against measured runs'), true);
});

visit('what nvidia-smi will show is worked out once typing pauses', { query: '?model=gpt2&batch=1&sequence_length=128&device=h200-141gb' }, async page => {
  // The run of this setting on an H200.
  await eventually(() => page.text('reserve-reserved'), '2.73 GiB');
  assert.equal(await page.text('reserve-allocated'), '2.38 GiB');
  assert.equal(await page.text('reserve-blocks'), '2.39 GiB');
  assert.equal(await page.text('reserve-context'), '0.5 to 1 GiB, not counted');
  assert.match(await page.text('reserve'), /^nvidia-smi will show 2\.73 GiB and the driver's context/);
  await page.get('input-context').fill('1024');
  await eventually(() => page.text('reserve-device'), '3.73 GiB');
  assert.match(await page.text('reserve'), /^nvidia-smi will show 3\.73 GiB/);
  await page.get('input-batch').fill('2');
  await eventually(async () => (await page.text('reserve-reserved')) === '2.73 GiB', false);
  await kind(page, 'size');
  await eventually(() => page.get('reserve').count(), 0);
});
