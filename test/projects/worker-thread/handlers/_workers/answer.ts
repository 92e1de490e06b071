import { parentPort } from "node:worker_threads";
import { Answer } from "../../lib/answers";

parentPort!.postMessage(Answer.yes as string);
