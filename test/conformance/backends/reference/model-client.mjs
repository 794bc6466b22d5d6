// Asks a model over OpenAI's chat completions, and gives the answer piece by piece.

export class ModelError extends Error {
  constructor(code, message, status) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

const codes = { 401: "authentication_failed", 403: "authentication_failed", 429: "rate_limited" };

export async function* askModel({ url, key, body, signal }) {
  let response;
  try {
    response = await fetch(`${url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
      body: JSON.stringify({ ...body, stream: true, stream_options: { include_usage: true } }),
      signal,
    });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ModelError(
      "network_error",
      `The model cannot be reached: ${error.cause?.message ?? error.message}`,
    );
  }
  if (!response.ok) {
    const { error } = await response.json();
    const code = codes[response.status] ?? (response.status >= 500 ? "model_error" : "agent_error");
    throw new ModelError(code, error.message, response.status);
  }
  yield* frames(response, signal);
}

async function* frames(response, signal) {
  let rest = "";
  const decoder = new TextDecoder();
  try {
    for await (const chunk of response.body) {
      const blocks = (rest + decoder.decode(chunk, { stream: true })).split("\n\n");
      rest = blocks.pop();
      for (const block of blocks) {
        const data = block.replace(/^data: /, "");
        if (data !== "[DONE]") yield JSON.parse(data);
      }
    }
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ModelError("network_error", `The connection to the model broke: ${error.message}`);
  }
}
