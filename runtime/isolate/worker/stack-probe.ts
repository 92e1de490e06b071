// A program of its own: asks a worker whose event loop is blocked where it is, through the inspector, and prints the
// call frames as JSON. Apart from the supervisor, because it costs time the neighbours should not pay.
// Protocol: chromedevtools.github.io/devtools-protocol, domain Debugger.

interface Frame {
  readonly functionName: string;
  readonly location: { readonly scriptId: string; readonly lineNumber: number; readonly columnNumber: number };
}

interface Message {
  readonly method?: string;
  readonly params?: { readonly scriptId?: string; readonly url?: string; readonly callFrames?: readonly Frame[] };
}

const MOST_FRAMES = 20;

const socket = new WebSocket(process.argv[2]!);
const urls = new Map<string, string>();

socket.addEventListener("open", () => {
  socket.send(JSON.stringify({ id: 1, method: "Debugger.enable" }));
  socket.send(JSON.stringify({ id: 2, method: "Debugger.pause" }));
});

socket.addEventListener("message", ({ data }) => {
  const { method, params } = JSON.parse(String(data)) as Message;
  if (method === "Debugger.scriptParsed") urls.set(params?.scriptId ?? "", params?.url ?? "");
  if (method !== "Debugger.paused") return;
  const frames = (params?.callFrames ?? []).slice(0, MOST_FRAMES).map(({ functionName, location }) => ({
    name: functionName,
    url: urls.get(location.scriptId) ?? "",
    line: location.lineNumber,
    column: location.columnNumber,
  }));
  console.log(JSON.stringify(frames));
  process.exit(0);
});

socket.addEventListener("error", () => process.exit(1));
