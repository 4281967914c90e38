// Our back ends beside onnxruntime-web's, in one page, on the same weights. All candidates of a group are timed in turn,
// round after round, so that a drifting machine meets them alike. `window.result` holds the rows when it is done.
import init, { Call, GpuProduct, Product } from "./web_bench.js";
import * as ortWasm from "./ort.wasm.min.mjs";
import * as ortWebGpu from "./ort.webgpu.min.mjs";

const LENGTH = 64;
const SHAPES = [[256, 512, 512], [128, 3072, 768]];

for (const ort of [ortWasm, ortWebGpu]) {
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = new URL("./", location.href).href;
}

async function bytes(name) {
  return new Uint8Array(await (await fetch(name)).arrayBuffer());
}

async function session(ort, provider, model) {
  return ort.InferenceSession.create(await bytes(model), { executionProviders: [provider] });
}

/** A call of the peer: all logits computed and read, as its users do. */
async function peerCall(ort, provider, model) {
  const open = await session(ort, provider, model);
  const tokens = new ort.Tensor("int64", new BigInt64Array(LENGTH), [1, LENGTH]);
  return async () => void (await open.run({ tokens })).logits.data[0];
}

async function peerProduct(ort, provider, [rows, outputs, inputs]) {
  const open = await session(ort, provider, `product-${rows}x${outputs}x${inputs}.onnx`);
  const x = new ort.Tensor("float32", new Float32Array(rows * inputs).fill(0.5), [rows, inputs]);
  return async () => void (await open.run({ x })).y.data[0];
}

/** Median seconds of each candidate over interleaved rounds; a run is repeated until it takes 20 ms. */
async function medians(candidates, rounds) {
  const repeats = [], samples = candidates.map(() => []);
  for (const { run } of candidates) {
    await run();
    const start = performance.now();
    await run();
    repeats.push(Math.max(1, Math.ceil(20 / Math.max(performance.now() - start, 0.1))));
  }
  for (let round = 0; round < rounds; round++) {
    for (const [index, { run }] of candidates.entries()) {
      const start = performance.now();
      for (let n = 0; n < repeats[index]; n++) await run();
      samples[index].push((performance.now() - start) / repeats[index] / 1e3);
    }
  }
  return samples.map((times) => times.sort((a, b) => a - b)[times.length >> 1]);
}

/** Times a group and reports it; `ours` comes first and is compared with the fastest of the others. */
async function group(title, operations, rounds, candidates) {
  const seconds = await medians(candidates, rounds);
  const rows = candidates.map(({ name }, index) => ({ name, seconds: seconds[index], operations }));
  return { title, rows, ratio: Math.min(...seconds.slice(1)) / seconds[0] };
}

async function products(shape) {
  const [rows, outputs, inputs] = shape;
  const operations = 2 * rows * outputs * inputs;
  const title = `product ${shape.join(" x ")}`;
  const own = new Product(rows, outputs, inputs);
  const gpu = await GpuProduct.open(rows, outputs, inputs, false);
  const times = gpu.operations() / operations;
  return [
    await group(`${title}, WASM, one thread`, operations, 15, [
      { name: "unmask", run: () => own.run(1) },
      { name: "onnxruntime-web", run: await peerProduct(ortWasm, "wasm", shape) },
    ]),
    await group(`${title} x ${times}, WebGPU`, operations * times, 3, [
      { name: "unmask", run: () => gpu.run() },
      { name: "onnxruntime-web", run: repeated(await peerProduct(ortWebGpu, "webgpu", shape), times) },
    ]),
  ];
}

function repeated(run, times) {
  return async () => {
    for (let n = 0; n < times; n++) await run();
  };
}

async function calls() {
  const model = await bytes("model.gguf");
  const cpu = await Call.open(model, "cpu");
  const gpu = await Call.open(model, "webgpu");
  const peers = async (ort, provider) => [
    { name: "onnxruntime-web, f32", run: await peerCall(ort, provider, "f32.onnx") },
    { name: "onnxruntime-web, int4", run: await peerCall(ort, provider, "int4.onnx") },
  ];
  return [
    await group("whole call, 64 slots, WASM, one thread", null, 15, [
      { name: "unmask", run: () => cpu.run() }, ...(await peers(ortWasm, "wasm")),
    ]),
    await group("whole call, 64 slots, WebGPU", null, 5, [
      { name: "unmask", run: () => gpu.run() }, ...(await peers(ortWebGpu, "webgpu")),
    ]),
  ];
}

try {
  await init();
  const groups = [];
  for (const shape of SHAPES) groups.push(...(await products(shape)));
  groups.push(...(await calls()));
  const info = (await navigator.gpu.requestAdapter()).info;
  window.result = { adapter: [info.vendor, info.architecture, info.description].join(" "), groups };
} catch (error) {
  window.result = { error: String(error?.stack ?? error) };
}
document.getElementById("out").textContent = JSON.stringify(window.result, null, 2);
