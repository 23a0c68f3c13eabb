// fetch: in a browser, where the daemon's cors_origin allows the page, and in Node from version 18.
const url = globalThis.process?.env.EVALUATE_URL ?? "http://127.0.0.1:8080";

async function evaluate(request) {
  const response = await fetch(`${url}/v1/evaluate`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(request),
    signal: AbortSignal.timeout(30000),
  });
  const reply = await response.json();
  if (!response.ok) throw new Error(`${reply.code}: ${reply.error}`);
  return reply;
}

const { loss, perplexity } = await evaluate({
  logits: [[2, 1], [1, 2]],
  targets: [0, 1],
  return: ["perplexity"],
});
console.log(`loss ${loss}, perplexity ${perplexity}`);

// Infinities and NaN are strings in JSON, which has no such numbers.
const impossible = await evaluate({ logits: [[0, "-Infinity"]], targets: [1] });
console.log("of an impossible target", Number(impossible.loss));

await evaluate({ logits: [[2, 1]], targets: [0], reduction: "median" }).catch((error) =>
  console.log(error.message),
);
