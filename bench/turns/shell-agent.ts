/**
 * A program for `sh` that speaks just enough of Claude Code's protocol to answer every prompt at once: what is left of
 * a turn's time is the way there and back.
 */
const sessionId = "5f0c2a1e-7d1b-4a53-9c55-0d6e8a1b2c3d";
const common = `"session_id":"${sessionId}","parent_tool_use_id":null`;
const message = `{"id":"msg_'$n'","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"Hello."}],"usage":{"input_tokens":1,"output_tokens":1}}`;

const turn = [
  `{"type":"system","subtype":"init","cwd":"/","tools":[],"mcp_servers":[],"model":"m","permissionMode":"default",${common}}`,
  `{"type":"stream_event","event":{"type":"message_start","message":{"id":"msg_'$n'","usage":{"input_tokens":1,"output_tokens":1}}},${common}}`,
  `{"type":"stream_event","event":{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello."}},${common}}`,
  `{"type":"user","message":{"role":"user","content":"Go on."},"isReplay":true,${common}}`,
  `{"type":"assistant","message":${message},${common}}`,
  `{"type":"result","subtype":"success","is_error":false,"num_turns":1,"result":"Hello.","total_cost_usd":0,"usage":{"input_tokens":1,"output_tokens":1},"modelUsage":{},"permission_denials":[],${common}}`,
];

const script = `n=0
while IFS= read -r line; do
  case $line in
  *'"control_request"'*)
    id=\${line#*'"request_id":"'}
    id=\${id%%'"'*}
    printf '%s\\n' '{"type":"control_response","response":{"subtype":"success","request_id":"'"$id"'","response":{}}}'
    ;;
  *'"type":"user"'*)
    n=$((n + 1))
    printf '%s\\n' ${turn.map((line) => `'${line}'`).join(" ")}
    ;;
  esac
done`;

/** To be followed by Claude Code's own arguments, which it ignores. */
export const shellAgent = ["/bin/sh", "-c", script, "agent"] as const;
