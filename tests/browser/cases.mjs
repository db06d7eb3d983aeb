// Worked cases and the bytes that each must give, worked out by hand; parts that are zero are left out.

export const examples = [
  {
    slug: 'bert-base',
    query: '?v=1&units_per_token=37000',
    bytes: { parameters: 440_000_000, 'optimizer-state': 880_000_000, gradients: 440_000_000, activations: 303_104_000 },
    total: 2_063_104_000,
  },
  {
    slug: 'resnet-50',
    query: '?v=1&params=25M&precision=fp16&batch=64&sequence_length=1&units_per_token=8388608&optimizer=adam&state_precision=fp32&gradient_precision=fp16',
    bytes: { parameters: 50_000_000, 'optimizer-state': 200_000_000, gradients: 50_000_000, activations: 1_073_741_824 },
    total: 1_373_741_824,
  },
  {
    slug: 'gpt-3-175b-inference',
    query: '?v=1&params=175B&precision=fp16&task=inference&batch=1&sequence_length=2048&layers=96&hidden_size=12288',
    bytes: { parameters: 350_000_000_000, activations: 201_326_592 },
    total: 350_201_326_592,
  },
  {
    slug: 'gpt-3-175b-training',
    query: '?v=1&params=175B&precision=fp16&batch=1&sequence_length=2048&layers=96&hidden_size=12288&state_precision=fp32&gradient_precision=fp16&master_weights=yes',
    bytes: {
      parameters: 350_000_000_000,
      'optimizer-state': 1_400_000_000_000,
      gradients: 350_000_000_000,
      'master-weights': 700_000_000_000,
      activations: 19_327_352_832,
    },
    total: 2_819_327_352_832,
  },
  {
    slug: 'llama-2-70b-inference',
    query: '?v=1&params=70B&precision=fp16&task=inference&batch=1&sequence_length=2048&layers=80&hidden_size=8192',
    bytes: { parameters: 140_000_000_000, activations: 134_217_728 },
    total: 140_134_217_728,
  },
  {
    slug: 'yolov8',
    query: '?v=1&params=11.4M&task=inference&batch=1&sequence_length=1&units_per_token=3276800&activation_precision=fp32',
    bytes: { parameters: 45_600_000, activations: 13_107_200 },
    total: 58_707_200,
  },
  {
    slug: 'mobilenetv3-int8',
    query: '?v=1&params=5483032&precision=int8&task=inference&batch=1&sequence_length=1&units_per_token=802816&activation_precision=int8',
    bytes: { parameters: 5_483_032, activations: 802_816 },
    total: 6_285_848,
  },
  {
    slug: 'logistic-regression',
    query: '?v=1&params=7850&batch=64&sequence_length=1&units_per_token=794&activation_precision=fp32&optimizer=sgd',
    bytes: { parameters: 31_400, gradients: 31_400, activations: 203_264 },
    total: 266_064,
  },
];

/** Links that people have stored, and the bytes they must give for as long as version 1 is read: add, never change. */
export const stored = [
  ['', 2_061_989_888],
  ['?v=1', 2_061_989_888],
  ['?params=110M&precision=fp32&batch=32', 2_061_989_888],
  ['?v=1&params=7B&precision=int4&task=inference&units_per_token=0', 3_500_000_000],
  ['?v=1&params=7B&precision=bf16&batch=8&sequence_length=4096&layers=32&hidden_size=4096&activation_multiple=17.5&activation_precision=bf16&optimizer=custom&optimizer_factor=1.5&state_precision=fp32&gradient_precision=bf16&master_weights=yes&workspace=10&fragmentation=15&context=500&device=custom&device_memory=640GB', 276_497_937_067],
  ['?v=1&params=1.5e9&optimizer=adam8bit&device=h100-80gb&bytes=decimal', 15_301_989_888],
  ['?v=1&params=1e9&precision=fp64&optimizer=amsgrad&gradient_precision=fp64&activation_precision=fp64', 41_207_959_552],
  ['?v=1&params=1e9&precision=tf32&optimizer=sgd_momentum&gradient_precision=tf32&activation_precision=tf32', 12_603_979_776],
  ['?v=1&params=1e9&precision=fp8&optimizer=rmsprop&gradient_precision=bf16&activation_precision=fp8', 4_150_994_944],
  ['?v=1&params=1e9&precision=int8&optimizer=adagrad&gradient_precision=int8&activation_precision=int4', 3_075_497_472],
  ['?v=1&params=1e9&optimizer=sgd&context=500&device=mi300x-192gb', 8_826_277_888],
];
